#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace penstock {

/// "a, b, c": all items where they are few enough to be read; else "a, b, … and 428 more". At least one is
/// named.
[[nodiscard]] std::string first_few(const std::vector<std::string>& items, std::string_view separator = ", ");

/// The same, where some are left out with their number in front: "430 tables: a, b, … and 428 more".
[[nodiscard]] std::string first_few_of(std::string_view what, const std::vector<std::string>& items,
                                       std::string_view separator = ", ");

}  // namespace penstock
