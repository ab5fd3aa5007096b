#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.hpp"

namespace penstock {

/// A position in PostgreSQL's write-ahead log, in bytes (PostgreSQL docs, "pg_lsn Type"). Zero is "none".
struct Lsn {
  std::uint64_t value = 0;

  auto operator<=>(const Lsn&) const = default;
  [[nodiscard]] explicit operator bool() const { return value != 0; }

  /// "16/B374D848", as PostgreSQL writes it.
  [[nodiscard]] std::string text() const;
  [[nodiscard]] static Result<Lsn> parse(std::string_view text);
};

}  // namespace penstock
