#pragma once

// The Pipe's schema as tests use it: walking its leaves, and judging and defaulting an object by it. Written
// anew here rather than shared with the embedded API, so that neither can hide the other's faults.

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace penstock::test {

using Json = nlohmann::json;

/// The schema of `part` ("spec" or "status") of a Pipe.
const Json& schema_of(const std::string& part);

/// Calls `visit` with the path (tables[].source) and the schema of every leaf: what has no properties or
/// items.
void each_leaf(const Json& schema, const std::string& path,
               const std::function<void(const std::string& path, const Json& leaf)>& visit);

/// `value` with the schema's defaults, as an API server applies them.
Json with_defaults(const Json& schema, Json value);

/// "tables[0].engine: not in the enum" for everything in `value` that the schema refuses, unknown fields
/// included.
std::vector<std::string> refusals(const Json& schema, const Json& value, const std::string& path);

/// The one document of a file below the repository's root.
Json read_yaml_file(const std::string& path);

/// A valid Pipe, defaults applied, with one table; `edit` changes it.
Json pipe_with(const std::function<void(Json& pipe)>& edit = [](Json&) {});

}  // namespace penstock::test
