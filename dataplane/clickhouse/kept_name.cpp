#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "dataplane/clickhouse/swap.hpp"

namespace penstock::clickhouse {
namespace {

/// What a file's name may have, less the UUID, dots and ".sql" that the metadata of a dropped table has
/// beside the names of database and table.
constexpr std::size_t kLongest = 255 - 36 - 2 - 4;

/// Everything but ASCII letters, digits and _ is written as %XX in file names.
std::size_t escaped_size(std::string_view name) {
  const auto plain = std::count_if(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
  return 3 * name.size() - 2 * static_cast<std::size_t>(plain);
}

void drop_last_character(std::string& text) {
  const auto continues = [](char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; };
  while (text.size() > 1 && continues(text.back()))
    text.pop_back();
  text.pop_back();
}

}  // namespace

bool name_fits(const std::string& database, const std::string& table) {
  return escaped_size(database) + escaped_size(table) <= kLongest;
}

std::string kept_name(const std::string& database, const std::string& target, std::int64_t load, int nth) {
  const auto ending = nth == 1 ? fmt::format("_before_{}", load) : fmt::format("_before_{}_{}", load, nth);
  auto beginning = target;
  while (beginning.size() > 1 && !name_fits(database, beginning + ending))
    drop_last_character(beginning);
  return beginning + ending;
}

}  // namespace penstock::clickhouse
