#pragma once

// The reading half of a stream: drains the slot, decodes, hands batches over when they are due, and tells the
// source what is safe.

#include <atomic>
#include <chrono>
#include <functional>

#include "dataplane/pipeline/batch.hpp"
#include "dataplane/pipeline/pace.hpp"
#include "dataplane/pipeline/stream_decoder.hpp"

namespace penstock::pipeline {

/// What the reader tells about itself, each second or so.
struct ReaderNews {
  Lsn confirmed, received;
  Lsn written;  ///< every change up to here is in the destination, but those of tables that were left out
  std::int64_t lag_bytes = 0;
  double lag_seconds = 0;
};

struct ReaderControl {
  const StreamPace& pace;
  const std::atomic<bool>& stop_soon;  ///< hand over what came in, wait for it, acknowledge, end
  const std::atomic<bool>& stop_now;
  std::function<bool()> writer_failed;
  std::function<bool()> begin_anew;     ///< asked now and then: end as for stop_soon, to be called again
  std::function<Lsn(Lsn)> may_confirm;  ///< of what is written, what the source may be told
  /// The slot's place, which nobody else moves from now on. An error: it is not where it was left.
  std::function<Status(Lsn)> begins_at;
  std::function<void(std::size_t)> blame;  ///< an error that is about to be returned is of this table alone
  /// Rows of this table (as the manifest writes it) may differ from the source's: why.
  std::function<void(const std::string&, const std::string&)> differs;
  std::function<void(const std::string&, std::uint32_t)> truncated;  ///< this table was, in this transaction
  std::function<void(const ReaderNews&)> tell;
  /// More is known of this table by now than it was bound with: end as where its columns have changed.
  std::function<bool(const BoundTable&)> outdated;
  /// Called once, at the end: the commit LSN of the newest transaction of which anything was taken in.
  std::function<void(Lsn)> ended_at;
  /// A part of this table, by pg_class.oid, that a transaction has changed rows of.
  std::function<void(const std::string&, std::uint32_t, const PartChange&)> part_seen;
};

/// Runs until stopped or failed. One thread. `last`: of what was written before. `replayed`: what commits up
/// to here may be in some target already, and is handed over in small batches. `text_only`: ask for text
/// fields even where all have a binary decoder.
[[nodiscard]] Status read_stream(const PipeJob& job, const std::vector<BoundTable>& tables,
                                 std::vector<RowVersion> positions, Lsn replayed, const LastCommit& last,
                                 bool text_only, BatchQueue& queue, std::vector<DroppedColumn>& dropped,
                                 const ReaderControl& control);

}  // namespace penstock::pipeline
