#include "tests/types/number_forms.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <cstring>

namespace penstock::types {

std::string Digits::text() const {
  return digits.empty() ? "0" : fmt::format("{}{}e{}", negative ? "-" : "", digits, exponent);
}

std::optional<Digits> digits_of(const std::string& text) {
  Digits out;
  std::size_t at = 0;
  bool behind = false, any = false;
  if (at < text.size() && text[at] == '-') out.negative = true, ++at;
  for (; at < text.size() && text[at] != 'e' && text[at] != 'E'; ++at) {
    if (text[at] == '.' && !behind) {
      behind = true;
      continue;
    }
    if (text[at] < '0' || text[at] > '9') return std::nullopt;
    any = true;
    out.digits += text[at];
    out.exponent -= behind ? 1 : 0;
  }
  if (!any) return std::nullopt;
  if (at < text.size()) {
    auto power = text.substr(at + 1);
    const auto first = power.find_first_not_of("+-");
    if (first == std::string::npos || first > 1 ||
        power.find_first_not_of("0123456789", first) != std::string::npos)
      return std::nullopt;
    out.exponent += std::stol(power);
  }
  while (!out.digits.empty() && out.digits.back() == '0') {
    out.digits.pop_back();
    ++out.exponent;
  }
  out.digits.erase(0, out.digits.find_first_not_of('0'));
  return out;
}

std::string bits_of(float value) {
  std::uint32_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  return std::isnan(value) ? "nan" : fmt::format("{:08x}", bits);
}

std::string bits_of(double value) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  return std::isnan(value) ? "nan" : fmt::format("{:016x}", bits);
}

}  // namespace penstock::types
