#pragma once

// The moment of the source that a load reads.

#include <functional>
#include <optional>
#include <stop_token>
#include <vector>

#include "dataplane/pipeline/job.hpp"
#include "dataplane/pipeline/partition_reader.hpp"
#include "dataplane/postgres/slot.hpp"

namespace penstock::pipeline {

/// Takes the snapshot of a load, and keeps it alive. One thread.
class LoadSnapshot {
 public:
  /// Told what is waited for; null: nothing any more.
  using Report = std::function<void(const std::optional<Error>&)>;

  /// `slot`: made for this load, or none. `job` outlives this.
  LoadSnapshot(const PipeJob& job, std::optional<postgres::CreatedSlot> slot, std::stop_token stop,
               Report report);

  /// Tables that were added to the publication beside a slot: of these the stream brings what began after
  /// that, so that the snapshot must see all that is older. `tables` are in the publication.
  [[nodiscard]] Status note_late_comers(std::vector<TableName> tables);

  /// The snapshot of the slot, if there is one; else a new one. `exact`: append-only targets want to know
  /// which commits it saw, and only a slot's snapshot says: they get one that goes with the load.
  /// `late_comers`: some table is one. Errors: is_of_logs() and those of the source.
  [[nodiscard]] Status take(bool exact, bool late_comers, LoadContext& context);

  /// Of a snapshot without a slot: the end of the WAL before it was taken.
  [[nodiscard]] Lsn before() const { return exported_.before; }

 private:
  [[nodiscard]] Status wait_for_older_transactions();
  [[nodiscard]] Status wait_for_late_comers();
  [[nodiscard]] Status make_slot();
  [[nodiscard]] Status make_slot_of_logs();
  [[nodiscard]] Status remind(std::optional<std::chrono::milliseconds> patience);

  const PipeJob& job_;
  std::optional<postgres::CreatedSlot> slot_;
  std::stop_token stop_;
  Report report_;
  std::vector<TableName> to_remind_of_;  ///< postgres::remind_of_added_tables()
  postgres::ExportedSnapshot exported_;
};

/// The slot that only tables which keep every change need for their load cannot be had.
[[nodiscard]] bool is_of_logs(const Error& error);

}  // namespace penstock::pipeline
