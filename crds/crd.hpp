#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"

namespace penstock {

/// The CustomResourceDefinition of Pipe, compiled into the binary from crds/pipes.penstock.dev.yaml.
[[nodiscard]] std::string_view crd_yaml();
[[nodiscard]] const nlohmann::json& crd_json();

/// YAML (one document) to JSON, by the YAML 1.2 core schema: quoted scalars stay strings, `no` is a string,
/// 012 is 12; a whole number is an integer however it is written (1e3). Fails with reason "InvalidYaml",
/// naming line and column, also on duplicate keys and on aliases that expand beyond measure.
[[nodiscard]] Result<nlohmann::json> yaml_to_json(std::string_view yaml);

/// Every document of a stream that has content.
[[nodiscard]] Result<std::vector<nlohmann::json>> yaml_documents(std::string_view yaml);

/// One fault of an object: a path such as spec.tables[1].target, and what is wrong with it.
struct FieldError {
  std::string path;
  std::string message;
  bool operator==(const FieldError&) const = default;
};

/// What the schema cannot say: rules over several fields, and changes that are not carried out yet.
/// `old_object` is null on create. Both objects have passed the schema and have defaults applied. An object
/// that is being deleted, or whose spec does not change, passes. What may still change before Setup is over
/// is read from the old object's status (crds/pipe_rules.hpp).
[[nodiscard]] std::vector<FieldError> validate_pipe(const nlohmann::json& object,
                                                    const nlohmann::json* old_object);

}  // namespace penstock
