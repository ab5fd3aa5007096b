#pragma once

#include <string>
#include <utility>

#include "dataplane/clickhouse/client.hpp"

namespace penstock::clickhouse {

/// A SELECT over system tables, for which the endpoint's database need not exist. A server that does not
/// answer one within 30 s is as good as down.
[[nodiscard]] inline Result<Rows> look(Client& client, std::string sql, std::string purpose,
                                       Settings settings = {}) {
  return client.select(
      {std::move(sql), std::move(settings), false, true, std::move(purpose), std::chrono::seconds(30)});
}

}  // namespace penstock::clickhouse
