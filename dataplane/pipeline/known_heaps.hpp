#pragma once

// The heaps of a source table as the Pipe's status remembers them: source_partitions.hpp says what for.

#include <cstdint>
#include <map>
#include <string>

#include "dataplane/postgres/catalog.hpp"

namespace penstock::pipeline {

/// One heap as it is remembered.
struct Known {
  static constexpr std::int64_t kRewritten = -2;
  static constexpr std::int64_t kEmptied = -3;  ///< by whatever: the target has other rows
  /// A doubt: nothing shows what became of the former rows. Less the transaction that made the file, as far
  /// as the catalog tells, and less these.
  static constexpr std::int64_t kInDoubt = -10;
  static constexpr std::int64_t kWeak = std::int64_t{1} << 40;
  static constexpr std::int64_t kTold = std::int64_t{1} << 41;
  [[nodiscard]] static std::int64_t doubt(std::uint32_t made_by, bool weak, bool told) {
    return kInDoubt - made_by - (weak ? kWeak : 0) - (told ? kTold : 0);
  }

  std::int64_t attached = 0;
  std::int64_t file = 0;  ///< 0: not known, or it has none
  /// Became of rows that the target has: 0 nothing, else as above, or a column's number.
  std::int64_t what = 0;
  std::int64_t columns = 0;   ///< a digest of Heap::columns_changed; 0: not known
  std::uint32_t horizon = 0;  ///< Heap::horizon, when that was seen, or a little earlier
  bool compared = false;      ///< with the target: it differs, or never can be

  [[nodiscard]] bool rewritten() const { return what > 0 || what == kRewritten; }
  [[nodiscard]] bool doubted() const { return what <= kInDoubt; }
  /// A doubt that is given up where the rows cannot be compared: see NewFile::changed_since.
  [[nodiscard]] bool weak() const { return doubted() && ((kInDoubt - what) & kWeak) != 0; }
  [[nodiscard]] bool told() const {
    return rewritten() || what == kEmptied || (doubted() && ((kInDoubt - what) & kTold) != 0);
  }
  [[nodiscard]] std::uint32_t made_by() const { return static_cast<std::uint32_t>(kInDoubt - what); }
};
using KnownHeaps = std::map<std::uint32_t, Known>;  // by oid

/// Of the changes of those columns that the table takes.
[[nodiscard]] std::int64_t changes_of(const postgres::SourceTable& table, const postgres::Heap& heap);
/// As they are now, with nothing behind them.
[[nodiscard]] KnownHeaps known_of(const postgres::SourceTable& table);

/// partitions_text(). What is not readable is left out: it will be looked at as if it were new.
[[nodiscard]] std::string text_of(const KnownHeaps& heaps);
[[nodiscard]] KnownHeaps parse_heaps(const std::string& text);
/// There are none, which is known.
[[nodiscard]] bool is_none(const std::string& text);

}  // namespace penstock::pipeline
