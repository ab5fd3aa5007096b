#include "core/row_version.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace penstock {
namespace {

__extension__ typedef unsigned __int128
    Number;  // NOLINT(modernize-use-using): `using` takes no __extension__

constexpr Number kMost = ~Number{0};

}  // namespace

std::string RowVersion::text() const {
  auto number = static_cast<Number>(commit.value) << 64 | change.value;
  std::string digits;
  do {
    digits += static_cast<char>('0' + static_cast<int>(number % 10));
    number /= 10;
  } while (number != 0);
  std::reverse(digits.begin(), digits.end());
  return digits;
}

Result<RowVersion> RowVersion::parse(std::string_view digits) {
  Number number = 0;
  bool fits = !digits.empty();
  for (const char c : digits) {
    const auto digit = static_cast<unsigned>(c - '0');
    fits = fits && c >= '0' && c <= '9' &&
           (number < kMost / 10 || (number == kMost / 10 && digit <= kMost % 10));
    if (!fits) break;
    number = number * 10 + digit;
  }
  if (!fits)
    return fail(ErrorKind::Internal, "InvalidRowVersion", fmt::format("\"{}\" is no version", digits));
  return RowVersion{{static_cast<std::uint64_t>(number >> 64)}, {static_cast<std::uint64_t>(number)}};
}

}  // namespace penstock
