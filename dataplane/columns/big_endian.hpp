#pragma once

#include <cstdint>
#include <cstring>
#include <type_traits>

namespace penstock {

/// The number at `bytes` (sizeof(T) of them) in network order, as PostgreSQL's binary formats hold numbers.
template <typename T>
[[nodiscard]] inline T load_big_endian(const char* bytes) {
  std::make_unsigned_t<T> value;
  std::memcpy(&value, bytes, sizeof value);
  if constexpr (sizeof(T) == 2) {
    value = __builtin_bswap16(value);
  } else if constexpr (sizeof(T) == 4) {
    value = __builtin_bswap32(value);
  } else if constexpr (sizeof(T) == 8) {
    value = __builtin_bswap64(value);
  }
  return static_cast<T>(value);
}

}  // namespace penstock
