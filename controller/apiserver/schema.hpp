#pragma once

// The structural OpenAPI v3 schemas of CustomResourceDefinitions (Kubernetes docs, "Extend the Kubernetes API
// with CustomResourceDefinitions"): pruning, defaulting, validation. CEL rules (x-kubernetes-validations) are
// not evaluated. All functions recurse no deeper than kMaxDepth, which the readers of bodies hold objects to.

#include <string>
#include <vector>

#include "controller/apiserver/api_error.hpp"
#include "controller/apiserver/json.hpp"

namespace penstock::apiserver {

/// Removes fields the schema does not know; returns their paths, sorted by place.
std::vector<std::string> prune(Json& object, const Json& schema);

/// Fills in absent fields that have a default, drops nulls where the field has a default and is not nullable,
/// and writes whole floats in integer fields as integers (5432.0 becomes 5432).
void apply_defaults(Json& value, const Json& schema);

/// All faults, at most kMaxCauses of them. `path` is where `value` stands ("" for a whole object).
[[nodiscard]] std::vector<Cause> validate(const Json& value, const Json& schema,
                                          const std::string& path = {});

/// Patterns of a schema that cannot be held against text here; a CRD that has one must not be served, or the
/// pattern would be passed over in silence.
[[nodiscard]] std::vector<std::string> unusable_patterns(const Json& schema);

constexpr std::size_t kMaxCauses = 100;

}  // namespace penstock::apiserver
