#include "core/lsn.hpp"

#include <fmt/format.h>

#include <charconv>

namespace penstock {
namespace {

bool parse_half(std::string_view text, std::uint64_t& out) {
  if (text.empty() || text.size() > 8) return false;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out, 16);
  return ec == std::errc{} && end == text.data() + text.size();
}

}  // namespace

std::string Lsn::text() const {
  return fmt::format("{:X}/{:X}", value >> 32, value & 0xFFFFFFFFu);
}

Result<Lsn> Lsn::parse(std::string_view text) {
  const auto slash = text.find('/');
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  if (slash == std::string_view::npos || !parse_half(text.substr(0, slash), high) ||
      !parse_half(text.substr(slash + 1), low))
    return fail(ErrorKind::Internal, "InvalidLsn", fmt::format("\"{}\" is not an LSN", text));
  return Lsn{high << 32 | low};
}

}  // namespace penstock
