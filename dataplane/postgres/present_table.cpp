#include "dataplane/postgres/present_table.hpp"

#include <fmt/format.h>

#include <cstdlib>

#include "dataplane/postgres/libpq.hpp"
#include "dataplane/postgres/open_transactions.hpp"

namespace penstock::postgres {
namespace {

// Strategy 3 of a btree operator family is equality (PostgreSQL docs, "B-Tree Indexes", "Behavior of B-Tree
// Operator Classes"). Replica identity and primary key first: an index that is unique on some rows only, or
// on an expression, says nothing of the others.
constexpr const char* kPresentQuery = R"sql(
SELECT n.nspname, c.relname, c.relkind, row_security_active(c.oid), has_schema_privilege(n.oid, 'USAGE'),
       a.attnum, a.attname, a.atttypid, a.atttypmod, a.attisdropped, a.attgenerated <> '',
       CASE WHEN NOT a.attisdropped THEN has_column_privilege(c.oid, a.attnum, 'SELECT') END,
       (WITH RECURSIVE base AS (
          SELECT t.oid, t.typtype, t.typbasetype FROM pg_type t WHERE t.oid = a.atttypid
          UNION ALL
          SELECT t.oid, t.typtype, t.typbasetype FROM base JOIN pg_type t ON t.oid = base.typbasetype
          WHERE base.typtype = 'd')
        SELECT format_type(base.oid, -1) FROM base WHERE base.typtype <> 'd'),
       (SELECT format('OPERATOR(%I.%s)', s.nspname, o.oprname)
        FROM pg_index i
        CROSS JOIN LATERAL unnest(i.indkey::int2[], i.indclass::oid[]) k(attnum, opclass)
        JOIN pg_opclass p ON p.oid = k.opclass
        JOIN pg_am am ON am.oid = p.opcmethod AND am.amname = 'btree'
        JOIN pg_amop m ON m.amopfamily = p.opcfamily AND m.amoplefttype = p.opcintype
                          AND m.amoprighttype = p.opcintype AND m.amopstrategy = 3
        JOIN pg_operator o ON o.oid = m.amopopr
        JOIN pg_namespace s ON s.oid = o.oprnamespace
        WHERE i.indrelid = a.attrelid AND k.attnum = a.attnum AND i.indisunique AND i.indisvalid
        ORDER BY i.indisreplident DESC, i.indisprimary DESC, i.indexrelid LIMIT 1)
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
WHERE c.oid = {} ORDER BY a.attnum)sql";

constexpr const char* kLockersQuery = R"sql(
WITH RECURSIVE tree(oid) AS (
  SELECT {}::oid UNION SELECT i.inhrelid FROM tree JOIN pg_inherits i ON i.inhparent = tree.oid),
every(oid) AS (
  SELECT oid FROM tree
  UNION SELECT i.indexrelid FROM pg_index i JOIN tree ON i.indrelid = tree.oid
  UNION SELECT c.reltoastrelid FROM pg_class c JOIN tree ON c.oid = tree.oid)
SELECT l.pid FROM pg_locks l
WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock' AND l.relation IN (SELECT oid FROM every)
  AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
  AND l.pid IS DISTINCT FROM pg_backend_pid())sql";

PresentColumn column_of(const PGresult* rows, int row) {
  const auto text = [&](int at) { return std::string(PQgetvalue(rows, row, at)); };
  PresentColumn out;
  out.number = std::atoi(PQgetvalue(rows, row, 5));
  out.name = text(6);
  out.type = static_cast<std::uint32_t>(std::strtoul(PQgetvalue(rows, row, 7), nullptr, 10));
  out.typmod = std::atoi(PQgetvalue(rows, row, 8));
  out.dropped = text(9) == "t";
  out.generated = text(10) == "t";
  out.selectable = text(11) == "t";
  out.base_type = text(12);
  out.equals = text(13);
  return out;
}

}  // namespace

Result<std::optional<PresentTable>> read_present_table(pg_conn* session, const Endpoint& endpoint,
                                                       std::uint32_t oid, const WhileWaiting& waiting) {
  PENSTOCK_ASSIGN(const auto rows, run_waiting(session, endpoint, fmt::format(kPresentQuery, oid),
                                               "reading a table's definition", waiting));
  const int count = PQntuples(rows.get());
  if (count == 0) return std::optional<PresentTable>{};
  PresentTable out;
  out.name = {PQgetvalue(rows.get(), 0, 0), PQgetvalue(rows.get(), 0, 1)};
  out.kind = PQgetvalue(rows.get(), 0, 2)[0];
  out.row_security = PQgetvalue(rows.get(), 0, 3)[0] == 't';
  out.schema_usage = PQgetvalue(rows.get(), 0, 4)[0] == 't';
  for (int row = 0; row < count; ++row)
    out.columns.push_back(column_of(rows.get(), row));
  return std::optional<PresentTable>(std::move(out));
}

Result<std::string> name_lockers(pg_conn* session, const Endpoint& endpoint, std::uint32_t oid) {
  return name_sessions(session, endpoint, fmt::format(kLockersQuery, oid));
}

}  // namespace penstock::postgres
