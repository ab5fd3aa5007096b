#pragma once

#include <functional>
#include <stop_token>
#include <string>

#include "dataplane/postgres/connection.hpp"

namespace penstock::postgres {

/// The sessions of the pids that `pids` (a query of one integer column) gives, as `pid 7 (shop, idle in
/// transaction since …)`; 0 and NULL are prepared transactions. Empty when it gives none.
[[nodiscard]] Result<std::string> name_sessions(pg_conn* session, const Endpoint& endpoint,
                                                const std::string& pids);

/// `who` waits for the transactions of `sessions`: Transient, reason WaitingForTransactions.
[[nodiscard]] Error waiting_for_transactions(const std::string& who, const std::string& sessions);

/// Waits until every transaction that has written anything by now, in any database of the server, has ended,
/// prepared ones included; every few seconds `report` is told, on the calling thread, who is waited for.
/// Cancelled when `stop` asks for it; there is no other limit.
///
/// What a table that has been added to a publication wrote in a transaction that was open then is not
/// streamed. So the snapshot of its load must be taken when all of those have ended: call this after the
/// publication was changed, and before the snapshot is taken.
[[nodiscard]] Status wait_for_older_transactions(const Endpoint& endpoint, const std::stop_token& stop,
                                                 const std::function<void(const Error&)>& report);

}  // namespace penstock::postgres
