#pragma once

#include <string>

#include "core/lsn.hpp"
#include "dataplane/postgres/connection.hpp"

namespace penstock::postgres {

/// A logical slot just made, and the session that keeps its exported snapshot alive: as long as this object lives
/// (and the server does), `snapshot` can be imported (PostgreSQL docs, "Streaming Replication Protocol",
/// CREATE_REPLICATION_SLOT … (SNAPSHOT 'export')).
struct CreatedSlot {
  Connection session;
  std::string snapshot;
  Lsn consistent_point;
  Lsn restart_lsn;  ///< as it was at creation, from pg_replication_slots: the version of loaded rows
};

/// Fails with reason SlotExists (InDoubt) when one of that name is there: ours from before a crash, or another's.
[[nodiscard]] Result<CreatedSlot> create_slot(const Endpoint& endpoint, const std::string& name);

/// A snapshot without a slot (SnapshotOnly, or a load that goes on after its first snapshot was lost), and the WAL
/// position read *after* it was taken: every transaction that the snapshot does not see commits beyond… see cpp.
struct ExportedSnapshot {
  Connection session;
  std::string snapshot;
  Lsn before;  ///< pg_current_wal_insert_lsn() read before the snapshot was taken
  Lsn after;   ///< and after: all that the snapshot sees was written below this
};
[[nodiscard]] Result<ExportedSnapshot> export_snapshot(const Endpoint& endpoint);

}  // namespace penstock::postgres
