#pragma once

#include <string>
#include <vector>

namespace penstock::test {

/// The statements of a text, as psql would send them one by one: cut at each semicolon that is in no quotes
/// (single, double, dollar). Sent together they would be one transaction.
std::vector<std::string> statements_of(const std::string& text);

}  // namespace penstock::test
