#include "core/shown_text.hpp"

#include <fmt/format.h>

#include "core/utf8.hpp"

namespace penstock {
namespace {

/// A character of valid UTF-8, and how many bytes it has.
struct Character {
  unsigned code = 0;
  std::size_t length = 1;
};

Character first_of(std::string_view text) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const unsigned first = byte(0);
  if (first < 0x80) return {first, 1};
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  unsigned code = first & (0x7fU >> length);
  for (std::size_t at = 1; at < length; ++at)
    code = code << 6 | (byte(at) & 0x3fU);
  return {code, length};
}

/// Control characters, and those of Unicode's property Bidi_Control (Unicode Standard Annex #9).
bool is_written_out(unsigned code) {
  return code < 0x20 || (code >= 0x7f && code <= 0x9f) || code == 0x061c || code == 0x200e ||
         code == 0x200f || (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

std::string written_out(unsigned code) {
  switch (code) {
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    default:
      return code < 0x80 ? fmt::format("\\x{:02x}", code) : fmt::format("\\u{:04x}", code);
  }
}

}  // namespace

std::string shown(std::string_view text) {
  const auto valid = valid_utf8(text);
  std::string out;
  out.reserve(valid.size());
  for (std::string_view rest = valid; !rest.empty();) {
    const auto [code, length] = first_of(rest);
    if (is_written_out(code))
      out += written_out(code);
    else
      out += rest.substr(0, length);
    rest.remove_prefix(length);
  }
  return out;
}

}  // namespace penstock
