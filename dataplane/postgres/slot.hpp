#pragma once

#include <chrono>
#include <functional>
#include <stop_token>
#include <string>

#include "core/lsn.hpp"
#include "dataplane/postgres/connection.hpp"

namespace penstock::postgres {

/// A logical slot just made, and the session that keeps its exported snapshot alive: as long as this object
/// lives (and the server does), `snapshot` can be imported (PostgreSQL docs, "Streaming Replication
/// Protocol", CREATE_REPLICATION_SLOT … (SNAPSHOT 'export')).
struct CreatedSlot {
  Connection session;
  std::string snapshot;
  /// Every transaction that the slot delivers has its commit record here or above, and is not seen by the
  /// snapshot, which sees all that committed below.
  Lsn consistent_point;
  Lsn restart_lsn;  ///< as it was at creation, from pg_replication_slots
};

/// A slot is made at a point that no open transaction reaches over, so making one waits for every transaction
/// that writes, prepared ones included, in any database of the server.
struct SlotPatience {
  std::chrono::milliseconds limit =
      std::chrono::minutes(5);  ///< then it fails; each try waits anew, so not short
  std::stop_token stop{};       ///< ends the wait with kind Cancelled
  /// Told every few seconds, on the calling thread, what is being waited for: an Error with reason
  /// WaitingForTransactions that names the sessions.
  std::function<void(const Error&)> report{};
};

enum class SlotKind {
  Lasting,
  Failover,  ///< lasting, and kept on the standbys, too: PostgreSQL 17 and newer, on a primary
  Temporary  ///< goes with its session: made for its snapshot, whose place in the order of commits is exact
};

/// Fails with reason SlotExists (InDoubt) when one of that name is there: ours from before a crash, or
/// another's; WaitingForTransactions (Transient); NoFreeSlot, NoReplicationRight (NeedsUser). On failure no
/// slot is left behind, unless the kind is InDoubt. The publication must exist before the slot: what the slot
/// decodes is seen through the catalog as it was then.
[[nodiscard]] Result<CreatedSlot> create_slot(const Endpoint& endpoint, const std::string& name,
                                              const SlotPatience& patience = {},
                                              SlotKind kind = SlotKind::Lasting);

/// A snapshot without a slot: SnapshotOnly, or a load that goes on after its first snapshot was lost. It
/// lives as long as `session` does. A stream that has passed `after` has delivered every transaction that the
/// snapshot sees. The reverse does not hold for `before`: a transaction whose commit is in the WAL below it
/// may yet be invisible to the snapshot, because a commit is written first and becomes visible after.
struct ExportedSnapshot {
  Connection session;
  std::string snapshot;
  Lsn before;  ///< the end of the WAL, read before the snapshot was taken (on a standby: of what was
               ///< replayed)
  Lsn after;   ///< and after: all that the snapshot sees was written below this
};
[[nodiscard]] Result<ExportedSnapshot> export_snapshot(const Endpoint& endpoint);

}  // namespace penstock::postgres
