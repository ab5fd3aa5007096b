#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/lsn.hpp"
#include "core/result.hpp"

namespace penstock {

/// Where the change that made a row stands in the order of the source: first the commit of its transaction,
/// then its place within. The LSN of the change alone is no order: an INSERT writes its heap record before it
/// waits for the unique index, so that of one key the change that commits first may have the later LSN.
///
/// In ClickHouse it is a UInt128, commit × 2^64 + change. The same change has the same version in every
/// replay. Of different keys several may share one: COPY writes many rows in one WAL record.
struct RowVersion {
  Lsn commit;  ///< of the commit record: Begin says it before the first change (pgoutput, "Begin")
  Lsn change;  ///< of the change's WAL record: above 0, which is what loaded rows have

  auto operator<=>(const RowVersion&) const = default;

  /// In decimal digits, as ClickHouse reads and writes the number.
  [[nodiscard]] std::string text() const;
  [[nodiscard]] static Result<RowVersion> parse(std::string_view digits);
  /// The number's words as ClickHouse stores them, the low one first.
  [[nodiscard]] std::array<std::uint64_t, 2> words() const { return {change.value, commit.value}; }
};

}  // namespace penstock
