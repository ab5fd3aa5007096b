#include <algorithm>
#include <map>
#include <utility>

#include "dataplane/postgres/catalog.hpp"
#include "dataplane/postgres/catalog_types.hpp"

namespace penstock::postgres {
namespace {

constexpr const char* kTableQuery = R"sql(
SELECT w.at, c.oid, c.relkind, c.relreplident, c.relpersistence, row_security_active(c.oid),
       has_table_privilege(c.oid, 'SELECT'), pg_has_role(c.relowner, 'USAGE'),
       has_schema_privilege(n.oid, 'USAGE'), n.nspname, c.relname, c.relnatts
FROM {wanted}
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f'))sql";
constexpr const char* kByName = R"sql(unnest($1::text[], $2::text[]) WITH ORDINALITY w(schema, name, at)
JOIN pg_namespace n ON n.nspname = w.schema
JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = w.name)sql";
constexpr const char* kByOid = R"sql(unnest($1::oid[]) WITH ORDINALITY w(oid, at)
JOIN pg_class c ON c.oid = w.oid JOIN pg_namespace n ON n.oid = c.relnamespace)sql";

// From 18 on a NOT NULL may be NOT VALID: rows from before it hold NULL all the same. $2: server_version_num.
constexpr const char* kColumnQuery = R"sql(
SELECT a.attrelid, a.attname, a.attnum, a.atttypid, a.atttypmod,
       a.attnotnull AND NOT EXISTS (
         SELECT FROM pg_constraint k
         WHERE $2::int >= 180000 AND k.conrelid = a.attrelid AND k.contype = 'n' AND k.conkey = ARRAY[a.attnum]
           AND NOT k.convalidated),
       a.attgenerated <> '', has_column_privilege(a.attrelid, a.attnum, 'SELECT'),
       CASE WHEN NOT a.atthasmissing THEN NULL WHEN t.typdelim = ',' THEN (a.attmissingval::text::text[])[1]
            ELSE trim('{}' FROM a.attmissingval::text) END, a.attstorage <> 'p', a.xmin
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
WHERE a.attrelid = ANY ($1::oid[]) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attrelid, a.attnum)sql";

// A table may inherit from another by more than one way. Of the attachments on the way to a heap the sum
// tells that one of them was made anew. {detaching}: from 14 on. {size} waits for locks.
constexpr const char* kHeapQuery = R"sql(
WITH RECURSIVE way(root, oid, attached) AS (
  SELECT o, o, 0::bigint FROM unnest($1::oid[]) o
  UNION
  SELECT way.root, i.inhrelid, way.attached + i.xmin::text::bigint
  FROM way JOIN pg_inherits i ON i.inhparent = way.oid {detaching}),
tree AS (SELECT root, oid, max(attached) AS attached FROM way GROUP BY root, oid)
SELECT tree.root, c.oid, n.nspname, c.relname, c.relkind, c.relreplident, row_security_active(c.oid),
       has_table_privilege(c.oid, 'SELECT'), coalesce(am.amname = 'heap', false),
       coalesce(pg_relation_filenode(c.oid), 0), {size}, c.relpages, c.reltuples,
       (SELECT 28 + sum(CASE WHEN a.attlen > 0 THEN a.attlen ELSE 32 END) FROM pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
       ARRAY(SELECT a.attname::text FROM pg_attribute a
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
               AND NOT has_column_privilege(c.oid, a.attnum, 'SELECT')),
       ARRAY(SELECT a.attname::text FROM pg_attribute a
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND NOT a.attnotnull),
       current_setting('block_size')::bigint, tree.attached,
       ARRAY(SELECT a.attname::text FROM pg_attribute a
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum),
       ARRAY(SELECT a.xmin::text FROM pg_attribute a
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum),
       (pg_snapshot_xmin(pg_current_snapshot())::text::numeric % 4294967296)::bigint,
       ARRAY(SELECT a.attname::text FROM pg_attribute a
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = 'v'),
       c.relpersistence,
       ARRAY(SELECT a.attname::text FROM pg_attribute a
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND c.oid <> tree.root
               AND a.attinhcount > 0
               AND (a.attislocal OR a.attinhcount > (
                 SELECT count(*) FROM pg_inherits i JOIN tree parent ON parent.oid = i.inhparent
                 WHERE i.inhrelid = c.oid AND parent.root = tree.root)))
FROM tree JOIN pg_class c ON c.oid = tree.oid JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_am am ON am.oid = c.relam
WHERE c.relkind IN ('r', 'm', 'f', 'v') ORDER BY tree.root, c.oid)sql";

constexpr const char* kMissingQuery = R"sql(
SELECT a.attrelid, a.attname,
       CASE WHEN t.typdelim = ',' THEN (a.attmissingval::text::text[])[1] ELSE trim('{}' FROM a.attmissingval::text) END
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid WHERE a.attrelid = ANY ($1::oid[]) AND a.attnum > 0 AND NOT a.attisdropped AND a.atthasmissing)sql";

// Only what PostgreSQL itself would take as a replica identity: valid, and not deferrable.
constexpr const char* kKeyQuery = R"sql(
SELECT i.indrelid, i.indisprimary, i.indisreplident, i.indimmediate AND i.indisvalid,
       (SELECT array_agg(a.attname::text ORDER BY k.at)
        FROM unnest(i.indkey::int2[]) WITH ORDINALITY k(attnum, at)
        JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum WHERE k.at <= i.indnkeyatts)
FROM pg_index i WHERE i.indrelid = ANY ($1::oid[]) AND (i.indisprimary OR i.indisreplident))sql";

// A constraint keeps its oid when REINDEX CONCURRENTLY makes another index.
constexpr const char* kUniqueQuery = R"sql(
SELECT i.indrelid, coalesce(k.oid, i.indexrelid),
       (SELECT array_agg(a.attname::text ORDER BY a.attname)
        FROM unnest(i.indkey::int2[]) WITH ORDINALITY n(attnum, at)
        JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = n.attnum WHERE n.at <= i.indnkeyatts)
FROM pg_index i LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.contype IN ('p', 'u')
WHERE i.indrelid = ANY ($1::oid[]) AND i.indisunique AND i.indimmediate AND i.indisvalid
  AND i.indpred IS NULL AND i.indexprs IS NULL
  AND NOT EXISTS (SELECT FROM unnest(i.indkey::int2[]) WITH ORDINALITY n(attnum, at)
                  JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = n.attnum
                  WHERE n.at <= i.indnkeyatts AND NOT a.attnotnull)
ORDER BY 1, 2)sql";

struct Keys {
  std::vector<std::string> primary;
  bool primary_identifies = false;
  std::vector<std::string> chosen;  ///< of REPLICA IDENTITY USING INDEX
};
using KeysByTable = std::map<std::uint32_t, Keys>;

std::vector<std::string> identity_key(ReplicaIdentity identity, const Keys& keys) {
  if (identity == ReplicaIdentity::Default && keys.primary_identifies) return keys.primary;
  if (identity == ReplicaIdentity::Index) return keys.chosen;
  return {};
}

ReplicaIdentity identity_of(const pqxx::field& letter) {
  switch (letter.c_str()[0]) {
    case 'n':
      return ReplicaIdentity::Nothing;
    case 'f':
      return ReplicaIdentity::Full;
    case 'i':
      return ReplicaIdentity::Index;
    default:
      return ReplicaIdentity::Default;
  }
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  return text.replace(text.find(what), what.size(), by);
}

std::string oids_of(const std::vector<SourceTable*>& tables) {
  std::vector<std::string> out;
  for (const auto* table : tables)
    out.push_back(std::to_string(table->oid));
  return array_of(out);
}

using Found = std::vector<std::optional<SourceTable>>;
using ByOid = std::multimap<std::uint32_t, SourceTable*>;  // one table may be asked for twice

template <typename Do>
void for_table(const ByOid& tables, const pqxx::field& oid, Do&& what) {
  const auto [first, last] = tables.equal_range(oid.as<std::uint32_t>());
  for (auto one = first; one != last; ++one)
    what(*one->second);
}

void add_classes(const pqxx::result& rows, Found& out) {
  for (const auto& row : rows) {
    SourceTable table;
    table.oid = row[1].as<std::uint32_t>();
    table.kind = row[2].c_str()[0];
    table.identity = identity_of(row[3]);
    table.persistence = row[4].c_str()[0];
    table.row_security = row[5].as<bool>();
    table.table_select = row[6].as<bool>();
    table.owned = row[7].as<bool>();
    table.schema_usage = row[8].as<bool>();
    table.name = {text_of(row[9]), text_of(row[10])};
    table.last_number = row[11].as<int>();
    out[row[0].as<std::size_t>() - 1] = std::move(table);
  }
}

void find_by_name(pqxx::transaction_base& tx, const std::vector<TableName>& names, Found& out) {
  std::vector<std::string> schemas, tables;
  for (const auto& name : names) {
    schemas.push_back(name.schema);
    tables.push_back(name.name);
  }
  add_classes(tx.exec_params(replaced(kTableQuery, "{wanted}", kByName), array_of(schemas), array_of(tables)),
              out);
}

void find_by_oid(pqxx::transaction_base& tx, const std::vector<std::uint32_t>& oids, Found& out) {
  std::vector<std::string> texts;
  for (const auto oid : oids)
    texts.push_back(std::to_string(oid));
  add_classes(tx.exec_params(replaced(kTableQuery, "{wanted}", kByOid), array_of(texts)), out);
}

void read_columns(pqxx::transaction_base& tx, const ByOid& tables, const std::string& oids) {
  const auto rows = tx.exec_params(kColumnQuery, oids, version_of(tx));
  std::vector<DeclaredType> declared;
  for (const auto& row : rows)
    declared.push_back({row[3].as<std::uint32_t>(), row[4].as<std::int32_t>()});
  const auto types = resolve_types(tx, declared);
  const auto parts = read_type_parts(tx, declared);
  const auto reprints = read_reprints(tx, types);
  for (std::size_t at = 0; at < types.size(); ++at) {
    const auto row = rows[static_cast<pqxx::result::size_type>(at)];
    SourceColumn column{text_of(row[1]),   types[at],         row[2].as<int>(), row[5].as<bool>(),
                        row[6].as<bool>(), row[7].as<bool>(), declared[at].oid, declared[at].typmod};
    if (const auto found = parts.find(declared[at].oid); found != parts.end()) {
      column.type_parts = found->second.hashes;
      const auto since = static_cast<std::int32_t>(found->second.changed_by - row[10].as<std::uint32_t>());
      column.parts_changed = found->second.changed_by != 0 && since > 0;
    }
    if (const auto found = reprints.find(types[at].oid); found != reprints.end())
      column.reprinted_from = found->second;
    if (!row[8].is_null()) column.missing_value = text_of(row[8]);
    column.out_of_line = row[9].as<bool>();
    for_table(tables, row[0], [&](SourceTable& table) { table.columns.push_back(column); });
  }
}

KeysByTable read_keys(pqxx::transaction_base& tx, const std::string& oids) {
  KeysByTable out;
  for (const auto& row : tx.exec_params(kKeyQuery, oids)) {
    auto& keys = out[row[0].as<std::uint32_t>()];
    const bool usable = row[3].as<bool>();
    if (row[1].as<bool>()) {
      keys.primary = items_of(row[4]);
      keys.primary_identifies = usable;
    }
    if (row[2].as<bool>() && usable) keys.chosen = items_of(row[4]);
  }
  return out;
}

/// As the planner estimates: the density at the last ANALYZE times the size now, or a guess from the columns'
/// widths.
std::int64_t estimate_rows(double pages, double analysed_pages, double analysed_rows, double width,
                           double block_size) {
  constexpr double kPageHeader = 24;
  if (analysed_rows > 0 && analysed_pages > 0)
    return static_cast<std::int64_t>(analysed_rows / analysed_pages * pages);
  if (pages > 0) return static_cast<std::int64_t>(pages * (block_size - kPageHeader) / std::max(width, 28.0));
  return static_cast<std::int64_t>(std::max(analysed_rows, 0.0));
}

Heap heap_of(const pqxx::row& row, int version) {
  Heap out;
  out.oid = row[1].as<std::uint32_t>();
  out.name = {text_of(row[2]), text_of(row[3])};
  out.kind = row[4].c_str()[0];
  out.identity = identity_of(row[5]);
  out.row_security = row[6].as<bool>();
  out.hidden_columns = items_of(row[14]);
  out.relation_file = row[9].as<std::int64_t>();
  out.pages = row[10].as<std::int64_t>() / row[16].as<std::int64_t>();
  out.attached = row[17].as<std::int64_t>();
  const auto names = items_of(row[18]), changed = items_of(row[19]);
  for (std::size_t at = 0; at < names.size() && at < changed.size(); ++at)
    out.columns_changed.emplace_back(names[at], changed[at]);
  out.horizon = row[20].as<std::uint32_t>();
  out.virtual_columns = items_of(row[21]);
  out.persistence = row[22].c_str()[0];
  out.own_columns = items_of(row[23]);
  const bool stored = (out.kind == 'r' || out.kind == 'm') && row[8].as<bool>();
  out.ctid_ranges = stored && row[7].as<bool>() && version >= 140000;
  return out;
}

/// Adds a heap. A column may hold NULL when it may in any heap: a child of plain inheritance can be laxer.
void add_heap(SourceTable& table, const pqxx::row& row, int version) {
  table.heaps.push_back(heap_of(row, version));
  table.row_security = table.row_security || table.heaps.back().row_security;
  const auto pages = static_cast<double>(table.heaps.back().pages);
  table.rows_estimated += estimate_rows(pages, row[11].as<double>(), row[12].as<double>(),
                                        row[13].as<double>(28), row[16].as<double>());
  const auto nullable = items_of(row[15]);
  for (auto& column : table.columns) {
    if (std::find(nullable.begin(), nullable.end(), column.name) != nullable.end()) column.not_null = false;
  }
}

void read_heaps(pqxx::transaction_base& tx, const ByOid& tables, const std::string& oids, HeapSizes sizes) {
  const int version = version_of(tx);
  const auto query = replaced(
      kHeapQuery, "{size}", sizes == HeapSizes::Read ? "coalesce(pg_relation_size(c.oid), 0)" : "0::bigint");
  const auto sql = replaced(query, "{detaching}", version >= 140000 ? "AND NOT i.inhdetachpending" : "");
  for (const auto& row : tx.exec_params(sql, oids))
    for_table(tables, row[0], [&](SourceTable& table) { add_heap(table, row, version); });
}

void take_missing(SourceColumn& column, const std::string& value) {
  if (column.missing_value && *column.missing_value != value) column.missing_differs = true;
  if (!column.missing_value) column.missing_value = value;
}

/// A heap without such a value has no rows from before: it was made later, or written anew.
void read_missing(pqxx::transaction_base& tx, const std::vector<SourceTable*>& tables,
                  const std::string& oids) {
  std::multimap<std::uint32_t, SourceTable*> by_heap;
  for (auto* table : tables)
    for (const auto& heap : table->heaps)
      if (heap.oid != table->oid) by_heap.emplace(heap.oid, table);
  if (by_heap.empty()) return;
  for (const auto& row : tx.exec_params(kMissingQuery, oids)) {
    const auto name = text_of(row[1]);
    for_table(by_heap, row[0], [&](SourceTable& table) {
      for (auto& column : table.columns)
        if (column.name == name) take_missing(column, text_of(row[2]));
    });
  }
}

void set_keys(SourceTable& table, const KeysByTable& keys) {
  const auto of = [&](std::uint32_t oid) {
    const auto found = keys.find(oid);
    return found == keys.end() ? Keys{} : found->second;
  };
  const auto own = of(table.oid);
  table.primary_key = own.primary;
  table.identity_key = identity_key(table.identity, own);
  for (auto& heap : table.heaps)
    heap.identity_key = identity_key(heap.identity, of(heap.oid));
  // ALTER TABLE … REPLICA IDENTITY does not descend, and the rows of each heap are logged by the heap's own.
  const auto lax = std::find_if(table.heaps.begin(), table.heaps.end(),
                                [](const Heap& heap) { return heap.identity != ReplicaIdentity::Full; });
  if (!table.heaps.empty() && lax == table.heaps.end()) {
    table.identity = ReplicaIdentity::Full;
    table.identity_key.clear();
  } else if (!table.heaps.empty() && table.identity == ReplicaIdentity::Full) {
    table.identity = lax->identity;
    table.identity_key = lax->identity_key;
  }
}

/// Completes what was found.
void describe(pqxx::transaction_base& tx, Found& out, HeapSizes sizes) {
  std::vector<SourceTable*> found;
  for (auto& table : out) {
    if (table) found.push_back(&*table);
  }
  ByOid by_oid;
  for (auto* table : found)
    by_oid.emplace(table->oid, table);
  const auto oids = oids_of(found);
  read_columns(tx, by_oid, oids);
  read_heaps(tx, by_oid, oids, sizes);
  for (const auto& row : tx.exec_params(kUniqueQuery, oids))
    for_table(by_oid, row[0], [&](SourceTable& table) {
      table.unique_keys.push_back({row[1].as<std::uint32_t>(), items_of(row[2])});
    });
  std::vector<std::string> every{};
  for (const auto* table : found) {
    every.push_back(std::to_string(table->oid));
    for (const auto& heap : table->heaps)
      every.push_back(std::to_string(heap.oid));
  }
  read_missing(tx, found, array_of(every));
  const auto keys = read_keys(tx, array_of(every));
  for (auto* table : found)
    set_keys(*table, keys);
}

}  // namespace

Result<std::vector<std::optional<SourceTable>>> read_tables(const Endpoint& endpoint,
                                                            const std::vector<TableName>& names,
                                                            HeapSizes sizes) {
  Found out(names.size());
  PENSTOCK_TRY(look(endpoint, "reading table definitions", [&](pqxx::transaction_base& tx) {
    find_by_name(tx, names, out);
    describe(tx, out, sizes);
  }));
  return out;
}

Result<std::vector<std::optional<SourceTable>>> read_tables_by_oid(const Endpoint& endpoint,
                                                                   const std::vector<std::uint32_t>& oids) {
  Found out(oids.size());
  PENSTOCK_TRY(look(endpoint, "reading table definitions", [&](pqxx::transaction_base& tx) {
    find_by_oid(tx, oids, out);
    describe(tx, out, HeapSizes::LeftOut);
  }));
  return out;
}

}  // namespace penstock::postgres
