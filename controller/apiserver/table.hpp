#pragma once

#include <string>
#include <vector>

#include "controller/apiserver/resource_type.hpp"
#include "core/clock.hpp"

namespace penstock::apiserver {

/// What rows carry of their object (?includeObject=).
enum class IncludeObject { None, Metadata, Object };

/// An object as meta/v1 Table rows carry it: apiVersion, kind and metadata alone.
[[nodiscard]] Json partial_metadata(const Json& object);

/// columnDefinitions of a Table.
[[nodiscard]] Json column_definitions(const ResourceType& type);

/// One row: cells in the order of the type's columns (ages as text, "5m"), and the object.
[[nodiscard]] Json table_row(const ResourceType& type, const Json& object, IncludeObject include,
                             WallTime now);

/// The cells of a built-in kind, in the order of core_types.cpp.
[[nodiscard]] std::vector<Json> core_cells(const ResourceType& type, const Json& object, WallTime now);

/// "5m" since an RFC 3339 time; "<unknown>" when there is none, "<invalid>" when it is not a time.
[[nodiscard]] std::string age_of(const Json& timestamp, WallTime now);

}  // namespace penstock::apiserver
