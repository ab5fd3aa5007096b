#include <fmt/format.h>

#include <algorithm>

#include "dataplane/clickhouse/look.hpp"
#include "dataplane/clickhouse/target.hpp"

namespace penstock::clickhouse {
namespace {

bool is_wanted(const TargetDefinition& wanted, const std::string& column) {
  return column.starts_with(kControlPrefix) ||
         std::any_of(wanted.columns.begin(), wanted.columns.end(),
                     [&](const TargetColumn& one) { return one.name == column; });
}

}  // namespace

Result<std::vector<std::string>> read_additions(Client& client, const TargetDefinition& wanted,
                                                const TargetTable& present) {
  std::vector<std::string> out;
  for (const auto& column : present.columns)
    if (!is_wanted(wanted, column.name)) out.push_back("column " + column.name);
  const auto database = literal(present.database), table = literal(present.table);
  // Projections come from the statement: not every supported server has system.projections. What a server
  // adds of its own accord to numeric columns is nobody's loss.
  const auto sql = fmt::format(
      "SELECT 'index ' || name FROM system.data_skipping_indices WHERE database = {0} AND table = {1} AND "
      "name NOT LIKE 'auto\\\\_minmax\\\\_index\\\\_%' UNION ALL "
      "SELECT 'projection ' || arrayJoin(extractAll(create_table_query, ', PROJECTION (`[^`]+`|\\\\w+) ')) "
      "FROM "
      "system.tables WHERE database = {0} AND name = {1}",
      database, table);
  PENSTOCK_ASSIGN(const auto more, look(client, sql, "look at table " + present.table));
  for (const auto& row : more)
    out.push_back(row.at(0));
  if (present.engine_full.find(" TTL ") != std::string::npos) out.emplace_back("TTL");
  return out;
}

}  // namespace penstock::clickhouse
