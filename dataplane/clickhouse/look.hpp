#pragma once

#include <string>
#include <utility>

#include "dataplane/clickhouse/client.hpp"

namespace penstock::clickhouse {

/// A SELECT over system tables, for which the endpoint's database need not exist.
[[nodiscard]] inline Result<Rows> look(Client& client, std::string sql, std::string purpose,
                                       Settings settings = {}) {
  return client.select({std::move(sql), std::move(settings), false, true, std::move(purpose)});
}

}  // namespace penstock::clickhouse
