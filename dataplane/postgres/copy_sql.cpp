// The statements of a load.

#include <fmt/format.h>

#include <algorithm>

#include "dataplane/postgres/copy_reader.hpp"
#include "dataplane/postgres/libpq.hpp"

namespace penstock::postgres {
namespace {

constexpr std::int64_t kMostBlocks = 0xffffffff;

std::string copy_sql(const TableName& heap, const std::vector<CopyColumn>& columns,
                     const std::string& where) {
  std::string list;
  for (const auto& column : columns)
    list += (list.empty() ? "" : ", ") + column_expression(column);
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
                           std::int64_t last) {
  // Row numbers in a block start at 1, so that (n,0) is below all of block n.
  const auto block = [](std::int64_t number) { return std::clamp<std::int64_t>(number, 0, kMostBlocks); };
  auto where = fmt::format(" WHERE ctid >= '({},0)'::pg_catalog.tid", block(first));
  if (last >= 0) where += fmt::format(" AND ctid < '({},0)'::pg_catalog.tid", block(last));
  return copy_sql(heap, columns, where);
}

std::string copy_all_sql(const TableName& heap, const std::vector<CopyColumn>& columns) {
  return copy_sql(heap, columns, "");
}

Status begin_at_snapshot(pg_conn* session, const Endpoint& endpoint, const std::string& snapshot) {
  if (PQtransactionStatus(session) != PQTRANS_IDLE) PENSTOCK_TRY(execute(session, endpoint, "ROLLBACK"));
  PENSTOCK_TRY(execute(session, endpoint, "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"));
  const ResultHandle result(PQexec(session, ("SET TRANSACTION SNAPSHOT " + quote_literal(snapshot)).c_str()));
  if (PQresultStatus(result.get()) == PGRES_COMMAND_OK) return {};
  auto error = error_of_result(endpoint, session, result.get(), "joining snapshot " + snapshot);
  const auto state = sqlstate_of(result.get());
  // Its file is gone (invalid_parameter_value, undefined_object), or its transaction is.
  if (state == "22023" || state == "42704" || state == "55000") {
    error.kind = ErrorKind::Transient;
    error.reason = "SnapshotLost";
    error.cure = "The load goes on at a newer snapshot";
  }
  const ResultHandle ended(PQexec(session, "ROLLBACK"));
  return fail(std::move(error));
}

Status check_not_rewritten(pg_conn* session, const Endpoint& endpoint, std::uint32_t heap) {
  // The table is read as the snapshot has it, the function tells what is now; it stays so, for the heap is
  // locked since it was read.
  const auto sql = fmt::format(
      "SELECT relfilenode = coalesce(pg_relation_filenode(oid), 0) FROM pg_class WHERE oid = {}", heap);
  PENSTOCK_ASSIGN(const auto row, run(session, endpoint, sql, "looking whether a table was rewritten"));
  if (first_value(row.get()) == "t") return {};
  return fail(ErrorKind::Transient, "SnapshotOutdated",
              "a table was rewritten or emptied after the load's snapshot was taken",
              "The load goes on at a newer snapshot");
}

Status execute(pg_conn* session, const Endpoint& endpoint, const std::string& sql) {
  constexpr std::size_t kShown = 60;
  const auto shown = sql.size() <= kShown ? sql : sql.substr(0, kShown) + "…";
  PENSTOCK_TRY(run(session, endpoint, sql, "running " + on_one_line(shown)));
  return {};
}

}  // namespace penstock::postgres
