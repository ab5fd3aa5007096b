#include "dataplane/postgres/heap_state.hpp"

#include <fmt/format.h>

#include <cstdlib>

#include "dataplane/postgres/libpq.hpp"
#include "dataplane/postgres/open_transactions.hpp"

namespace penstock::postgres {
namespace {

constexpr const char* kByName =
    "SELECT c.oid, c.relfilenode FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE "
    "n.nspname = {} AND c.relname = {}";

// A row for each column of the two; one without a column where there is none.
constexpr const char* kStateQuery = R"sql(
WITH RECURSIVE top AS ({0}), leaf AS ({1}),
way(child, parent, edge) AS (
  SELECT inhrelid, inhparent, xmin::text FROM pg_inherits WHERE inhrelid = (SELECT oid FROM leaf)
  UNION
  SELECT i.inhrelid, i.inhparent, i.xmin::text FROM way JOIN pg_inherits i ON i.inhrelid = way.parent
  WHERE way.parent IS DISTINCT FROM (SELECT oid FROM top)),
found AS (
  SELECT coalesce((SELECT oid FROM top), 0) AS top, coalesce((SELECT oid FROM leaf), 0) AS leaf,
         coalesce((SELECT relfilenode FROM leaf), 0) AS file,
         (SELECT string_agg(concat_ws(':', child, parent, edge), ',' ORDER BY child, parent) FROM way) AS ways)
SELECT found.top, found.leaf, found.file, coalesce(found.ways, ''), a.attrelid, a.attnum, a.attname, a.atttypid,
       a.atttypmod, a.attisdropped, a.attgenerated <> '', {2}
FROM found LEFT JOIN pg_attribute a ON a.attrelid IN (found.top, found.leaf) AND a.attnum > 0
ORDER BY a.attrelid, a.attnum)sql";

// Every change of a publication's options writes its row anew, and so does every change of a table's entry.
constexpr const char* kPublished = R"sql(coalesce((
  SELECT string_agg(concat_ws('.', c.oid, p.oid, p.xmin, r.oid, r.xmin{columns}), ',' ORDER BY c.oid)
  FROM pg_class c JOIN pg_publication p ON p.pubname = {name}
  LEFT JOIN pg_publication_rel r ON r.prpubid = p.oid AND r.prrelid = c.oid {schemas}
  WHERE c.oid IN (found.top, found.leaf)), ''))sql";
constexpr const char* kPublishedSchemas =
    "LEFT JOIN pg_publication_namespace s ON s.pnpubid = p.oid AND s.pnnspid = c.relnamespace";
constexpr int kSchemasPublished = 150000;

constexpr const char* kLockersQuery =
    "SELECT l.pid FROM pg_locks l JOIN pg_database d ON d.oid = l.database WHERE d.datname = "
    "current_database()"
    " AND l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock' AND l.relation IN (SELECT oid FROM ({}) "
    "x)";

constexpr const char* kWaitedForQuery =
    "SELECT DISTINCT b.pid FROM pg_locks l JOIN pg_database d ON d.oid = l.database, "
    "unnest(pg_blocking_pids(l.pid)) "
    "b(pid) WHERE d.datname = current_database() AND l.locktype = 'relation' AND NOT l.granted";

std::string by_name(const TableName& name) {
  return fmt::format(kByName, quote_literal(name.schema), quote_literal(name.name));
}

std::string published_expression(pg_conn* session, const std::string& publication) {
  if (publication.empty()) return "''";
  const bool schemas = PQserverVersion(session) >= kSchemasPublished;
  return fmt::format(fmt::runtime(kPublished), fmt::arg("name", quote_literal(publication)),
                     fmt::arg("columns", schemas ? ", s.oid, s.xmin" : ""),
                     fmt::arg("schemas", schemas ? kPublishedSchemas : ""));
}

template <typename Number>
Number number_of(const PGresult* rows, int row, int column) {
  return static_cast<Number>(std::strtoll(PQgetvalue(rows, row, column), nullptr, 10));
}

ColumnState column_of(const PGresult* rows, int row) {
  ColumnState out;
  out.number = number_of<int>(rows, row, 5);
  out.name = PQgetvalue(rows, row, 6);
  out.type = number_of<std::uint32_t>(rows, row, 7);
  out.typmod = number_of<std::int32_t>(rows, row, 8);
  out.dropped = PQgetvalue(rows, row, 9)[0] == 't';
  out.generated = PQgetvalue(rows, row, 10)[0] == 't';
  return out;
}

}  // namespace

Result<HeapState> read_heap_state(pg_conn* session, const Endpoint& endpoint, const TableName& table,
                                  const TableName& heap, const std::string& publication) {
  PENSTOCK_ASSIGN(const auto rows, run(session, endpoint,
                                       fmt::format(kStateQuery, by_name(table), by_name(heap),
                                                   published_expression(session, publication)),
                                       "looking at a table in the catalog"));
  HeapState out;
  out.table = number_of<std::uint32_t>(rows.get(), 0, 0);
  out.heap = number_of<std::uint32_t>(rows.get(), 0, 1);
  out.file = number_of<std::int64_t>(rows.get(), 0, 2);
  out.attachment = PQgetvalue(rows.get(), 0, 3);
  out.published = PQgetvalue(rows.get(), 0, 11);
  for (int row = 0; row < PQntuples(rows.get()); ++row) {
    if (PQgetisnull(rows.get(), row, 4) == 1) continue;
    const auto of = number_of<std::uint32_t>(rows.get(), row, 4);
    if (of == out.table) out.table_columns.push_back(column_of(rows.get(), row));
    if (of == out.heap) out.heap_columns.push_back(column_of(rows.get(), row));
  }
  return out;
}

int backend_of(pg_conn* session) {
  return PQbackendPID(session);
}

template <typename Ask>
auto PresentCatalog::ask(const Ask& question) -> decltype(question(std::declval<pg_conn*>())) {
  const std::lock_guard lock(mutex_);
  if (!session_) {
    PENSTOCK_ASSIGN(session_, connect(endpoint_));
  }
  auto answer = question(session_.get());
  if (!answer) session_.reset();
  return answer;
}

Result<HeapState> PresentCatalog::state_of(const TableName& table, const TableName& heap,
                                           const std::string& publication) {
  return ask([&](pg_conn* session) { return read_heap_state(session, endpoint_, table, heap, publication); });
}

Result<std::set<int>> PresentCatalog::sessions_waited_for() {
  return ask([&](pg_conn* session) -> Result<std::set<int>> {
    PENSTOCK_ASSIGN(const auto rows,
                    run(session, endpoint_, kWaitedForQuery, "looking for waiting sessions"));
    std::set<int> out;
    for (int row = 0; row < PQntuples(rows.get()); ++row)
      out.insert(number_of<int>(rows.get(), row, 0));
    return out;
  });
}

Status PresentCatalog::end_session(int pid) {
  return ask([&](pg_conn* session) -> Status {
    PENSTOCK_TRY(
        run(session, endpoint_, fmt::format("SELECT pg_terminate_backend({})", pid), "ending a session"));
    return {};
  });
}

Result<std::string> PresentCatalog::sessions_that_lock(const TableName& table) {
  return ask([&](pg_conn* session) {
    return name_sessions(session, endpoint_, fmt::format(kLockersQuery, by_name(table)));
  });
}

}  // namespace penstock::postgres
