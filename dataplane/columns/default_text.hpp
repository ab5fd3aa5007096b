#pragma once

#include <string>

#include "dataplane/columns/column_type.hpp"

namespace penstock {

/// The text that the server casts to the default value of a type that travels as String: a tombstone's
/// columns hold defaults, and '' is none of an Enum or a JSON.
[[nodiscard]] std::string default_text(const ColumnType& type);

}  // namespace penstock
