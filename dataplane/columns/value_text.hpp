#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "dataplane/columns/pg_type.hpp"

namespace penstock {

/// A value's binary form as its type's output function prints it (TimeZone UTC, DateStyle ISO, bytea_output
/// hex): a key reads alike in a message whatever form it came in. None: a type of no key that is told (an
/// array), or malformed.
[[nodiscard]] std::optional<std::string> value_text(const PgType& type, std::string_view bytes);

}  // namespace penstock
