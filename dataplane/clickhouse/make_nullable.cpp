#include <fmt/format.h>

#include "dataplane/clickhouse/target.hpp"

namespace penstock::clickhouse {

Status make_nullable(Client& client, const std::string& database, const std::string& table,
                     const TargetColumn& column) {
  return client.execute({fmt::format("ALTER TABLE {}.{} MODIFY COLUMN {} {}", quote(database), quote(table),
                                     quote(column.name), column.type),
                         {},
                         false,
                         true,
                         fmt::format("make column {} of {}.{} Nullable", column.name, database, table),
                         {},
                         true});
}

}  // namespace penstock::clickhouse
