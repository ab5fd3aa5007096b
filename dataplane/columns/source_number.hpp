#pragma once

// Readers of the source's integers and floats, in both forms.

#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string_view>

#include "dataplane/columns/big_endian.hpp"

namespace penstock {

/// int2, int4, int8, oid in binary. False: malformed.
template <typename Source>
[[nodiscard]] bool read_integer(std::string_view bytes, std::int64_t& value) {
  if (bytes.size() != sizeof(Source)) return false;
  value = load_big_endian<Source>(bytes.data());
  return true;
}

/// PostgreSQL has but one NaN; the bits of those it computes differ, so that ours would too.
template <typename Float>
[[nodiscard]] Float one_nan(Float value) {
  return std::isnan(value) ? std::numeric_limits<Float>::quiet_NaN() : value;
}

/// float4, float8 in binary. False: malformed.
template <typename Float>
[[nodiscard]] bool read_float(std::string_view bytes, Float& value) {
  if (bytes.size() != sizeof(Float)) return false;
  using Bits = std::conditional_t<sizeof(Float) == 4, std::uint32_t, std::uint64_t>;
  const Bits bits = load_big_endian<Bits>(bytes.data());
  std::memcpy(&value, &bits, sizeof value);
  value = one_nan(value);
  return true;
}

/// A float as PostgreSQL prints it: -0, 1e+20, NaN, -Infinity. False: malformed.
template <typename Float>
[[nodiscard]] bool parse_float(std::string_view text, Float& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return false;
  value = one_nan(value);
  return true;
}

}  // namespace penstock
