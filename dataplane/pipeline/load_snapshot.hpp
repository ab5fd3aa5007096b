#pragma once

// The moment of the source that a load reads.

#include <chrono>
#include <functional>
#include <optional>
#include <stop_token>
#include <utility>
#include <vector>

#include "dataplane/pipeline/job.hpp"
#include "dataplane/pipeline/partition_reader.hpp"
#include "dataplane/postgres/slot.hpp"

namespace penstock::pipeline {

/// Tables that were added to the publication beside a slot: of these the stream brings what began after that,
/// so that the snapshot must see all that is older.
struct LateComers {
  bool any = false;
  std::vector<TableName> newly_published{};  ///< those of which the publication has not had the same before
};

/// Takes the snapshot of a load, and keeps it alive. One thread.
class LoadSnapshot {
 public:
  /// Told what is waited for; null: nothing any more.
  using Report = std::function<void(const std::optional<Error>&)>;

  /// `slot`: made for this load, or none. `job` outlives this.
  LoadSnapshot(const PipeJob& job, std::optional<postgres::CreatedSlot> slot, std::stop_token stop,
               Report report);

  /// Called before take(). Of `late`, those that the server may never send changes of, because its
  /// walsenders' cache cannot be invalidated, and why: to be left out of the load. A table that somebody has
  /// locked is tried for some seconds.
  [[nodiscard]] Result<std::vector<std::pair<TableName, Error>>> never_sent(const LateComers& late);

  /// The snapshot of the slot, if there is one; else a new one. `exact`: append-only targets want to know
  /// which commits it saw, and only a slot's snapshot says: they get one that goes with the load. Errors:
  /// is_of_logs() and those of the source.
  [[nodiscard]] Status take(bool exact, const LateComers& late, LoadContext& context);

  /// Of a snapshot without a slot: the end of the WAL before it was taken.
  [[nodiscard]] Lsn before() const { return exported_.before; }

 private:
  [[nodiscard]] Status wait_for_older_transactions();
  [[nodiscard]] Status wait_for_late_comers(const LateComers& late);
  [[nodiscard]] Status make_slot();
  [[nodiscard]] Status make_slot_of_logs(const LateComers& late);
  [[nodiscard]] Status invalidate_cache(const TableName& table, std::chrono::milliseconds patience);
  [[nodiscard]] Status invalidate_caches(const LateComers& late);

  const PipeJob& job_;
  std::optional<postgres::CreatedSlot> slot_;
  std::stop_token stop_;
  Report report_;
  bool cache_goes_stale_ = false;  ///< of this server: postgres::publication_cache_fixed_in()
  postgres::ExportedSnapshot exported_;
};

/// The slot that only tables which keep every change need for their load cannot be had.
[[nodiscard]] bool is_of_logs(const Error& error);

}  // namespace penstock::pipeline
