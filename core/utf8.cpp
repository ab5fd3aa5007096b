#include "core/utf8.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace penstock {
namespace {

/// Bytes of the UTF-8 character at the beginning of `text` (RFC 3629), 0 when there is none.
std::size_t character_length(std::string_view text) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
  for (std::size_t at = 1; at < length; ++at)
    if ((byte(at) & 0xc0) != 0x80) return 0;
  if (first == 0xe0 && byte(1) < 0xa0) return 0;  // overlong
  if (first == 0xed && byte(1) > 0x9f) return 0;  // a surrogate
  if (first == 0xf0 && byte(1) < 0x90) return 0;  // overlong
  if (first == 0xf4 && byte(1) > 0x8f) return 0;  // above U+10FFFF
  return length;
}

}  // namespace

std::string valid_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const auto length = character_length(text);
    if (length == 0) {
      out += '?';
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return out;
}

std::string shortened(std::string_view text, std::size_t limit) {
  auto out = valid_utf8(text);
  if (out.size() <= limit) return out;
  constexpr std::size_t kRoomForTheTail = 40;
  std::size_t kept = limit - std::min(limit, kRoomForTheTail);
  while (kept > 0 && (static_cast<unsigned char>(out[kept]) & 0xc0) == 0x80)
    --kept;
  return fmt::format("{}… and {} bytes more", std::string_view(out).substr(0, kept), out.size() - kept);
}

}  // namespace penstock
