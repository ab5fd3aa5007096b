#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "controller/apiserver/api_error.hpp"
#include "controller/apiserver/resource_type.hpp"

namespace penstock::apiserver {

/// Faults in an object's metadata: name (RFC 1123 label for namespaces, subdomain for all others), labels,
/// annotations, finalizers. The types of the fields have been checked against object_meta_schema().
[[nodiscard]] std::vector<Cause> check_metadata(const ResourceType& type, const Json& object);

/// "" when `name` is an RFC 1123 subdomain (or label), else what it must be.
[[nodiscard]] std::string_view subdomain_fault(std::string_view name);
[[nodiscard]] std::string_view label_fault(std::string_view name);
/// The same of a label's key ("example.com/name") and value ("" is one).
[[nodiscard]] std::string_view label_key_fault(std::string_view key);
[[nodiscard]] std::string_view label_value_fault(std::string_view value);

/// `prefix` and five random characters, as the server completes generateName.
[[nodiscard]] std::string generated_name(std::string_view prefix);
/// A random UUID (RFC 4122, version 4).
[[nodiscard]] std::string new_uid();
/// `bytes` random bytes from the operating system, as hexadecimal text.
[[nodiscard]] std::string random_hex(std::size_t bytes);

}  // namespace penstock::apiserver
