// The statements of a load.

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "dataplane/postgres/copy_reader.hpp"
#include "dataplane/postgres/libpq.hpp"

namespace penstock::postgres {
namespace {

constexpr std::int64_t kMostBlocks = 0xffffffff;

std::string copy_sql(const TableName& heap, const std::vector<CopyColumn>& columns, std::string where,
                     const std::string& filter, std::size_t most = 0) {
  std::string list;
  for (const auto& column : columns)
    list += (list.empty() ? "" : ", ") + column_expression(column);
  if (!filter.empty()) where += fmt::format(" {} ({})", where.empty() ? "WHERE" : "AND", filter);
  if (most > 0) where += fmt::format(" LIMIT {}", most);
  return fmt::format("COPY (SELECT {} FROM ONLY {}{}) TO STDOUT (FORMAT binary)", list, heap.quoted(), where);
}

}  // namespace

std::string column_expression(const CopyColumn& column, std::string_view qualifier) {
  auto name = fmt::format("{}{}", qualifier, quote_identifier(column.name));
  if (!column.as_text) return name;
  // concat() writes a value with its type's output function. The test for NULL is this one because `IS NULL`
  // is also true of a row value of NULLs, which is none.
  return fmt::format("CASE WHEN {0} IS DISTINCT FROM NULL THEN pg_catalog.concat({0}) END", name);
}

std::string copy_range_sql(const TableName& heap, const std::vector<CopyColumn>& columns, std::int64_t first,
                           std::int64_t last, const std::string& filter) {
  // Row numbers in a block start at 1, so that (n,0) is below all of block n.
  const auto block = [](std::int64_t number) { return std::clamp<std::int64_t>(number, 0, kMostBlocks); };
  auto where = fmt::format(" WHERE ctid >= '({},0)'::pg_catalog.tid", block(first));
  if (last >= 0) where += fmt::format(" AND ctid < '({},0)'::pg_catalog.tid", block(last));
  return copy_sql(heap, columns, std::move(where), filter);
}

std::string copy_all_sql(const TableName& heap, const std::vector<CopyColumn>& columns,
                         const std::string& filter, std::size_t most) {
  return copy_sql(heap, columns, "", filter, most);
}

Status begin_at_snapshot(pg_conn* session, const Endpoint& endpoint, const std::string& snapshot) {
  if (PQtransactionStatus(session) != PQTRANS_IDLE) PENSTOCK_TRY(execute(session, endpoint, "ROLLBACK"));
  PENSTOCK_TRY(execute(session, endpoint, "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"));
  PENSTOCK_ASSIGN(
      const auto result,
      exec(session, endpoint, "SET TRANSACTION SNAPSHOT " + quote_literal(snapshot), "joining a snapshot"));
  if (PQresultStatus(result.get()) == PGRES_COMMAND_OK) return {};
  auto error = error_of_result(endpoint, session, result.get(), "joining snapshot " + snapshot);
  const auto state = sqlstate_of(result.get());
  // Its file is gone (invalid_parameter_value, undefined_object), or its transaction is.
  if (state == "22023" || state == "42704" || state == "55000") {
    error.kind = ErrorKind::Transient;
    error.reason = "SnapshotLost";
    error.cure = "The load goes on at a newer snapshot";
  }
  PENSTOCK_TRY(exec(session, endpoint, "ROLLBACK", "ending a transaction"));
  return fail(std::move(error));
}

Status lock_heap(pg_conn* session, const Endpoint& endpoint, const TableName& heap) {
  // LOCK TABLE would need SELECT on all columns. With constraint_exclusion a partition's root is locked, too.
  constexpr const char* kSettings =
      "SET LOCAL lock_timeout = '2s'; SET LOCAL constraint_exclusion = off; SET LOCAL synchronize_seqscans = "
      "off; "
      "SET LOCAL max_parallel_workers_per_gather = 0;";
  const auto sql = fmt::format("{} SELECT FROM ONLY {} WHERE false", kSettings, heap.quoted());
  PENSTOCK_TRY(run(session, endpoint, sql, "locking " + heap.text()));
  return {};
}

Status read_by_place(pg_conn* session, const Endpoint& endpoint) {
  return execute(session, endpoint,
                 "SET LOCAL enable_indexscan = off; SET LOCAL enable_indexonlyscan = off; SET LOCAL "
                 "enable_bitmapscan = off");
}

Status execute(pg_conn* session, const Endpoint& endpoint, const std::string& sql) {
  constexpr std::size_t kShown = 60;
  const auto shown = sql.size() <= kShown ? sql : sql.substr(0, kShown) + "…";
  PENSTOCK_TRY(run(session, endpoint, sql, "running " + on_one_line(shown)));
  return {};
}

}  // namespace penstock::postgres
