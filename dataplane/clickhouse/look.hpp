#pragma once

#include <fmt/format.h>

#include <string>
#include <utility>

#include "dataplane/clickhouse/client.hpp"

namespace penstock::clickhouse {

/// A SELECT over system tables, for which the endpoint's database need not exist. A server that does not
/// answer one within 30 s, or what the endpoint's limits allow, is as good as down.
[[nodiscard]] inline Result<Rows> look(Client& client, std::string sql, std::string purpose,
                                       Settings settings = {}) {
  const auto limit = client.endpoint().limits.look(std::chrono::seconds(30));
  return client.select({std::move(sql), std::move(settings), false, true, std::move(purpose),
                        std::chrono::ceil<std::chrono::seconds>(limit)});
}

/// Fails with StatementStillRuns (Transient) while the server runs a statement that was sent with
/// `log_comment`. A statement whose answer was lost may run for long yet, and what it will do cannot be
/// observed before it has.
[[nodiscard]] inline Status none_runs(Client& client, const std::string& log_comment,
                                      const std::string& purpose) {
  PENSTOCK_ASSIGN(const auto running,
                  look(client,
                       fmt::format("SELECT query_id FROM system.processes WHERE Settings['log_comment'] = {}",
                                   literal(log_comment)),
                       "look at statements that run"));
  if (running.empty()) return {};
  return fail(ErrorKind::Transient, "StatementStillRuns",
              fmt::format("cannot {} at {}: an earlier try still runs there (query_id {})", purpose,
                          client.endpoint().text(), running[0].at(0)),
              "It goes on by itself when that has ended; KILL QUERY ends it by force");
}

}  // namespace penstock::clickhouse
