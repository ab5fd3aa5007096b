#pragma once

// The last transaction that is in the destination, by which a replay shows whether the source still is what
// it was: a copy of its disks that was restored writes another history over the same LSNs. Pure.

#include <cstdint>
#include <optional>
#include <string>

#include "core/lsn.hpp"

namespace penstock::pipeline {

struct LastCommit {
  Lsn lsn;                ///< of the commit record, as Begin has it
  std::uint32_t xid = 0;  ///< of the transaction
  std::int64_t time = 0;  ///< of the commit: µs since 2000-01-01, the source's clock

  bool operator==(const LastCommit&) const = default;
  explicit operator bool() const { return static_cast<bool>(lsn); }
  /// "0/1964A10 742 817563123456789", for the status; parse() takes it back.
  [[nodiscard]] std::string text() const;
  [[nodiscard]] static std::optional<LastCommit> parse(const std::string& text);
};

/// Watches a stream that begins at or before a commit: it has to come again, as it was, before any later one.
class Replay {
 public:
  /// `last`: null where nothing was streamed yet. `begins`: the slot's confirmed LSN.
  Replay(const LastCommit& last, Lsn begins) {
    if (last && begins <= last.lsn) awaited_ = last;
  }
  /// False: the source has another history.
  [[nodiscard]] bool goes_on_with(const LastCommit& commit) {
    if (!awaited_ || commit.lsn < awaited_->lsn) return true;
    const bool same = commit == *awaited_;
    awaited_.reset();
    return same;
  }

 private:
  std::optional<LastCommit> awaited_;
};

}  // namespace penstock::pipeline
