#include <fmt/format.h>

#include <map>

#include "dataplane/postgres/catalog.hpp"
#include "dataplane/postgres/catalog_session.hpp"

namespace penstock::postgres {
namespace {

// The last attachment on the way from the root to a heap ($1, $2), and whether the heap was made by the same
// transaction: then nobody else can have filled it before. An age below 0 is that of a row frozen so long ago
// that its number has come round. A table's system columns are never touched after it was made; ATTACH
// PARTITION counts one more parent at each of the others, so that one which is as old as they are, and has a
// parent, was made with it. $3: another transaction, 0: none. One that is older than the heap says nothing:
// it made the heap below a savepoint, whose number is higher, or came to it late.
constexpr const char* kAttachmentQuery = R"sql(
WITH RECURSIVE up(child, parent, edge, command) AS (
  SELECT inhrelid, inhparent, xmin, cmin::text::bigint FROM pg_inherits WHERE inhrelid = $2
  UNION ALL
  SELECT i.inhrelid, i.inhparent, i.xmin, i.cmin::text::bigint
  FROM up JOIN pg_inherits i ON i.inhrelid = up.parent WHERE up.parent <> $1::oid)
SELECT up.edge, up.command, up.edge = a.xmin,
       has_table_privilege(c.oid, 'SELECT') AND has_schema_privilege(n.oid, 'USAGE')
         AND NOT row_security_active(c.oid) AND am.amname = 'heap',
       pg_relation_size(c.oid) > 0, quote_ident(n.nspname) || '.' || quote_ident(c.relname),
       c.relfilenode <> c.oid,
       (SELECT bool_and(EXISTS (
          SELECT FROM pg_attribute own JOIN pg_attribute made USING (attrelid)
          WHERE own.attrelid = part.child AND own.attnum > 0 AND own.attinhcount > 0
            AND made.attname = 'tableoid' AND made.attnum < 0
            AND own.xmin = made.xmin AND own.cmin = made.cmin)) FROM up part),
       $3::text <> '0' AND age($3::text::xid) > age(up.edge)
         AND (age($3::text::xid) <= age(a.xmin) OR age(a.xmin) < 0)
FROM up, pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tableoid' AND a.attnum < 0
LEFT JOIN pg_am am ON am.oid = c.relam
WHERE c.oid = $2 ORDER BY age(up.edge) < 0, age(up.edge), up.command DESC LIMIT 1)sql";

// Rows lie in the order in which they came, by and large: those of before are among the first. A transaction
// that is older than the attaching one may have written after it all the same; that is told of for nothing.
// Those that an ALTER TABLE rewrote, or SET UNLOGGED and LOGGED, are as new as that: in a heap that has
// another file than it was made with, rows of a transaction that changed the catalog's record of it are in
// doubt, too.
constexpr const char* kFormerRowQuery = R"sql(
SELECT EXISTS (
  SELECT FROM (SELECT xmin AS made, cmin::text::bigint AS command FROM ONLY {0} LIMIT 100000) former
  WHERE made = '{1}'::xid AND command < {2}
     OR {3} AND made <> '{1}'::xid AND (age(made) > age('{1}'::xid) OR age(made) < 0)
     OR {4} AND made <> '{1}'::xid AND made IN (
          SELECT xmin FROM pg_class WHERE oid = {5} UNION ALL
          SELECT xmin FROM pg_attribute WHERE attrelid = {5} AND attnum > 0)))sql";

Arrival read_arrival(pqxx::transaction_base& tx, std::uint32_t root, std::uint32_t heap,
                     std::uint32_t change) {
  const auto rows =
      tx.exec_params(kAttachmentQuery, std::to_string(root), std::to_string(heap), std::to_string(change));
  if (rows.empty()) return {};  // it is gone again
  const auto row = rows[0];
  const bool made_with_it = row[2].as<bool>();
  const auto name = text_of(row[5]);
  Arrival out{false, row[7].as<bool>(false), row[4].as<bool>(false), row[8].as<bool>(false)};
  // Whose rows may not be read is taken to be filled if it takes up room.
  if (!row[3].as<bool>(false)) {
    out.filled = !made_with_it && out.has_rows;
    return out;
  }
  out.has_rows = tx.exec1(fmt::format("SELECT EXISTS (SELECT FROM ONLY {})", name))[0].as<bool>();
  out.filled = tx.exec1(fmt::format(kFormerRowQuery, name, text_of(row[0]), text_of(row[1]), !made_with_it,
                                    text_of(row[6]) == "t", heap))[0]
                   .as<bool>();
  return out;
}

}  // namespace

Result<std::map<std::uint32_t, Arrival>> read_arrivals(const Endpoint& endpoint, std::uint32_t root,
                                                       const std::map<std::uint32_t, std::uint32_t>& heaps) {
  std::map<std::uint32_t, Arrival> out;
  PENSTOCK_TRY(look(endpoint, "looking at partitions", [&](pqxx::transaction_base& tx) {
    read_from_the_start(tx);
    for (const auto& [heap, change] : heaps)
      out[heap] = read_arrival(tx, root, heap, change);
  }));
  return out;
}

Result<std::vector<std::uint32_t>> read_ancestors(const Endpoint& endpoint, std::uint32_t oid) {
  std::vector<std::uint32_t> out;
  PENSTOCK_TRY(look(endpoint, "reading what a table is a part of", [&](pqxx::transaction_base& tx) {
    const auto rows = tx.exec_params(
        "WITH RECURSIVE up(oid, level) AS (SELECT inhparent, 1 FROM pg_inherits WHERE inhrelid = $1::oid "
        "UNION "
        "SELECT i.inhparent, up.level + 1 FROM up JOIN pg_inherits i ON i.inhrelid = up.oid) "
        "SELECT oid FROM up ORDER BY level",
        std::to_string(oid));
    for (const auto& row : rows)
      out.push_back(row[0].as<std::uint32_t>());
  }));
  return out;
}

Result<std::map<std::uint32_t, TableName>> read_names(const Endpoint& endpoint,
                                                      const std::vector<std::uint32_t>& oids) {
  std::map<std::uint32_t, TableName> out;
  std::vector<std::string> texts;
  for (const auto oid : oids)
    texts.push_back(std::to_string(oid));
  PENSTOCK_TRY(look(endpoint, "reading names of tables", [&](pqxx::transaction_base& tx) {
    const auto rows = tx.exec_params(
        "SELECT c.oid, n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE c.oid = ANY ($1::oid[])",
        array_of(texts));
    for (const auto& row : rows)
      out[row[0].as<std::uint32_t>()] = {text_of(row[1]), text_of(row[2])};
  }));
  return out;
}

}  // namespace penstock::postgres
