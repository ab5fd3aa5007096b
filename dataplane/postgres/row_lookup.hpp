#pragma once

// Reads columns of a few rows by key: for values that the stream leaves out because they did not change
// (PostgreSQL docs, "TOAST"; Logical Replication Message Formats, TupleData 'u').

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/lsn.hpp"
#include "core/result.hpp"
#include "dataplane/postgres/copy_reader.hpp"
#include "dataplane/postgres/present_table.hpp"

namespace penstock::postgres {

/// The reason of an error when somebody's lock keeps the table from being read.
inline constexpr const char* kLockTimeout = "LockTimeout";
/// Of one when a commit that was streamed waits for a synchronous standby.
inline constexpr const char* kCommitNotVisible = "CommitNotVisible";

struct KeyColumn {
  const PresentColumn* column = nullptr;
  std::string sent_type{};  ///< of the values, where the column's is another now: compared by their text
};

struct WantedColumn {
  const PresentColumn* column = nullptr;
  bool as_text = false;
};

struct KeyField {
  std::string_view bytes;
  bool binary = false;
};

/// What to read, of a table as it is now. `keys.size()` is a multiple of `key.size()`, which is not 0.
struct Lookup {
  std::vector<KeyColumn> key;
  std::vector<WantedColumn> wanted;
  std::vector<KeyField> keys;
};

using LookupPlan = std::function<Result<Lookup>(const PresentTable&)>;
using FoundRow = std::function<Status(std::size_t, std::span<const FieldView>)>;

/// For each key of the lookup that `plan` makes of the table's present definition and that is in the table
/// now: found(index of the key, fields of `wanted`, binary or, where as_text, text). Keys that are not there
/// are passed over; one that names several rows gives several. Nothing is found before it is sure that the
/// definition did not change meanwhile: `plan` may be asked again.
///
/// An error that is the table's alone is of kind BadData: TableNotFound, PermissionDenied (which GRANT),
/// RowSecurityHidesRows, what the statement ended with, plan's own. A lock is waited for as long as the
/// session's lock_timeout says: LockTimeout (Transient), with who holds it. Else it is of the connection or
/// the server, or SourceTableChanged (Transient) when the definition does not keep still. After an error the
/// session may be in a failed transaction: close it.
[[nodiscard]] Status lookup_rows(pg_conn* session, const Endpoint& endpoint, std::uint32_t table,
                                 const LookupPlan& plan, const FoundRow& found, const WhileWaiting& waiting);

/// Returns once none of the transactions (32-bit xids of the last two billion) is in progress: a commit is
/// streamed before other sessions see it, for as long as synchronous standbys take. Fails with
/// kCommitNotVisible (Transient) after 3 s, and with what `waiting` ends with.
[[nodiscard]] Status wait_until_visible(pg_conn* session, const Endpoint& endpoint,
                                        const std::vector<std::uint32_t>& xids, const WhileWaiting& waiting);

/// pg_current_wal_lsn() on a session that is at hand.
[[nodiscard]] Result<Lsn> current_wal_lsn(pg_conn* session, const Endpoint& endpoint);
/// Whether commits wait for a standby: until then they are in the log, and streamed, and not visible
/// (PostgreSQL docs, "Synchronous Replication").
[[nodiscard]] Result<bool> waits_for_standbys(pg_conn* session, const Endpoint& endpoint);

}  // namespace penstock::postgres
