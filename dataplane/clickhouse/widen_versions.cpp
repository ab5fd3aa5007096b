#include <fmt/format.h>

#include "core/log.hpp"
#include "dataplane/clickhouse/target.hpp"

namespace penstock::clickhouse {

bool has_narrow_versions(const TargetTable& table) {
  for (const auto& column : table.columns)
    if (column.name == kVersionColumn) return column.type == "UInt64";
  return false;
}

Status widen_versions(Client& client, const TargetTable& table) {
  const auto name = quote(table.database) + "." + quote(table.table);
  // Not awaited: parts that are still to be rewritten are read as if they were.
  auto done = client.execute({fmt::format("ALTER TABLE {} MODIFY COLUMN {} UInt128 COMMENT {}", name,
                                          quote(kVersionColumn), literal(kWidened)),
                              {{"alter_sync", "0"}},
                              false,
                              true,
                              "widen the versions of table " + name});
  if (done) {
    log::info("clickhouse", "{}: the versions of an earlier build were widened", name);
    return {};
  }
  const auto kind = done.error().kind;
  if (kind == ErrorKind::Transient || kind == ErrorKind::InDoubt || kind == ErrorKind::Cancelled) return done;
  return fail(
      ErrorKind::BadData, "TargetVersionsNarrow",
      fmt::format("target table {} has the versions of an earlier build, and they cannot be widened: {}",
                  name, done.error().message),
      "It is loaded anew by itself; raise resyncGeneration of the table to have it at once");
}

}  // namespace penstock::clickhouse
