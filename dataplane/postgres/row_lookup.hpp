#pragma once

// Reads columns of a few rows by key: for values that the stream leaves out because they did not change
// (PostgreSQL docs, "TOAST"; Logical Replication Message Formats, TupleData 'u').

#include <atomic>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/lsn.hpp"
#include "core/result.hpp"
#include "core/table_name.hpp"
#include "dataplane/postgres/copy_reader.hpp"

namespace penstock::postgres {

struct KeyColumn {
  std::string name;
  std::string type;  ///< format_type(), for the cast
};

struct KeyField {
  std::string_view bytes;
  bool binary = false;
};

/// For each key (keys.size() is a multiple of key.size()) that is in the table now: found(index of the key,
/// fields of `wanted`). Keys that are gone are passed over. `wanted` fields come in binary, or text where
/// as_text.
[[nodiscard]] Status lookup_rows(pg_conn* session, const Endpoint& endpoint, const TableName& table,
                                 const std::vector<KeyColumn>& key, const std::vector<CopyColumn>& wanted,
                                 const std::vector<KeyField>& keys,
                                 const std::function<Status(std::size_t, std::span<const FieldView>)>& found);

/// Returns once none of the transactions (32-bit xids of the last two billion) is in progress: a commit is
/// streamed before other sessions see it, for as long as synchronous standbys take. Fails with
/// CommitNotVisible (Transient) after 30 s, Cancelled once `stop` is set.
[[nodiscard]] Status wait_until_visible(pg_conn* session, const Endpoint& endpoint,
                                        const std::vector<std::uint32_t>& xids,
                                        const std::atomic<bool>& stop);

/// pg_current_wal_lsn() on a session that is at hand.
[[nodiscard]] Result<Lsn> current_wal_lsn(pg_conn* session, const Endpoint& endpoint);

}  // namespace penstock::postgres
