#pragma once

#include <optional>
#include <string>

#include "dataplane/columns/column_type.hpp"

namespace penstock {

/// The type that a column of type `present` gets to hold values of `wanted` as well, every present one
/// unchanged: a wider integer, float or decimal, or the same one as Nullable. nullopt: it holds them already,
/// or no such type does.
[[nodiscard]] std::optional<std::string> widened_type(const ColumnType& present, const ColumnType& wanted);

}  // namespace penstock
