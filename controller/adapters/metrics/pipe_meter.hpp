#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "controller/adapters/metrics/orphaned_slots.hpp"
#include "dataplane/postgres/catalog.hpp"
#include "reconcilers/pipe/ports.hpp"

namespace penstock::adapters {

/// The WAL that the source keeps for a pipe's slot (pg_replication_slots).
struct SlotMeasures {
  std::int64_t retained_bytes = 0;         ///< written since restart_lsn
  std::optional<std::int64_t> safe_bytes;  ///< safe_wal_size; none: max_slot_wal_keep_size sets no limit
  bool operator==(const SlotMeasures&) const = default;
};

/// What is measured of a pipe and stands in no status. Counts are those of this process.
struct PipeMeasures {
  using TableAndColumn = std::pair<std::string, std::string>;

  std::optional<SlotMeasures> slot;                 ///< none: not looked at, or there is no slot
  std::vector<SeenSlot> slots_of_pipes;             ///< on its source, its own among them
  std::map<TableAndColumn, std::uint64_t> clamped;  ///< values moved into the target's range
  std::map<std::string, std::uint64_t> warnings;    ///< by reason
  bool operator==(const PipeMeasures&) const = default;
};

/// Where whoever measures a pipe leaves what he found, by the Pipe's UID, and a scrape picks it up.
/// Thread-safe; no call waits for anything but another such call.
class PipeMeter {
 public:
  void note_slot(const std::string& uid, std::optional<SlotMeasures> slot);
  void note_slots(const std::string& uid, const std::string& server,
                  const std::vector<postgres::SlotFacts>& slots);
  /// What a run says of its tables. Runs of one kind ("load", "stream") follow each other, and each counts
  /// from zero: what the earlier ones counted is kept.
  void note_run(const std::string& uid, const std::string& kind,
                const std::vector<reconcile::TableFacts>& tables);
  void note_warning(const std::string& uid, const std::string& reason);
  void forget(const std::string& uid);

  [[nodiscard]] PipeMeasures of(const std::string& uid) const;

 private:
  struct Entry {
    PipeMeasures measures;
    std::map<std::string, std::map<PipeMeasures::TableAndColumn, std::uint64_t>> last;  // by kind of run
  };

  mutable std::mutex mutex_;
  std::map<std::string, Entry> entries_;  // by uid
};

}  // namespace penstock::adapters
