#include "core/listing.hpp"

#include <fmt/format.h>

#include <span>

namespace penstock {
namespace {

/// Bytes of a list that somebody reads to its end.
constexpr std::size_t kReadable = 2000;

/// How many of the items are named.
std::size_t named_of(const std::vector<std::string>& items, std::string_view separator) {
  std::size_t size = 0;
  for (std::size_t at = 0; at < items.size(); ++at) {
    size += items[at].size() + separator.size();
    if (at > 0 && size > kReadable) return at;
  }
  return items.size();
}

}  // namespace

std::string first_few(const std::vector<std::string>& items, std::string_view separator) {
  const auto named = named_of(items, separator);
  std::string out;
  for (const auto& item : std::span(items).first(named))
    out.append(out.empty() ? "" : separator).append(item);
  if (named < items.size()) out += fmt::format("{}… and {} more", separator, items.size() - named);
  return out;
}

std::string first_few_of(std::string_view what, const std::vector<std::string>& items,
                         std::string_view separator) {
  auto out = first_few(items, separator);
  if (named_of(items, separator) == items.size()) return out;
  return fmt::format("{} {}: {}", items.size(), what, out);
}

}  // namespace penstock
