#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "dataplane/postgres/catalog.hpp"
#include "dataplane/postgres/catalog_session.hpp"

namespace penstock::postgres {
namespace {

constexpr const char* kHeapQuery = R"sql(
SELECT c.xmin,
       has_table_privilege(c.oid, 'SELECT') AND has_schema_privilege(n.oid, 'USAGE') AND NOT row_security_active(c.oid),
       pg_relation_size(c.oid) = 0,
       quote_ident(n.nspname) || '.' || quote_ident(c.relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1)sql";

// Columns that were changed since the heap ($2) was made, under their numbers in its root ($1). A table's
// system columns are never touched after that.
constexpr const char* kChangedQuery = R"sql(
SELECT r.attnum, a.xmin
FROM pg_attribute a
JOIN pg_attribute r ON r.attrelid = $1 AND r.attname = a.attname AND NOT r.attisdropped
JOIN pg_attribute made ON made.attrelid = a.attrelid AND made.attname = 'tableoid' AND made.attnum < 0
WHERE a.attrelid = $2 AND a.attnum > 0 AND NOT a.attisdropped AND a.xmin <> made.xmin ORDER BY r.attnum)sql";

// An age below 0 is that of a row frozen so long ago that its number has come round.
constexpr const char* kRowsQuery = R"sql(
SELECT coalesce(bool_or(made = '{1}'::xid), false),
       coalesce(bool_or(made <> '{1}'::xid AND (age(made) > age('{1}'::xid) OR age(made) < 0)), false),
       count(*) > 0
FROM (SELECT xmin AS made FROM ONLY {0} LIMIT 100000) rows)sql";

struct Rows {
  bool of_it = false, older = false;  ///< than the transaction
  bool any = false;
};

Rows look_at_rows(pqxx::transaction_base& tx, const std::string& heap, const std::string& xid) {
  const auto row = tx.exec1(fmt::format(kRowsQuery, heap, xid));
  return {row[0].as<bool>(), row[1].as<bool>(), row[2].as<bool>()};
}

std::optional<NewFile> read_one(pqxx::transaction_base& tx, const SourceTable& table, std::uint32_t oid,
                                std::uint32_t since) {
  const auto heaps = tx.exec_params(kHeapQuery, std::to_string(oid));
  if (heaps.empty()) return std::nullopt;  // it is gone again
  const auto changed_at = text_of(heaps[0][0]);
  const bool readable = heaps[0][1].as<bool>();
  const auto name = text_of(heaps[0][3]);
  NewFile out;
  out.changed_by = heaps[0][0].as<std::uint32_t>();
  out.has_pages = !heaps[0][2].as<bool>();
  if (readable) {
    const auto rows = look_at_rows(tx, name, since != 0 ? std::to_string(since) : changed_at);
    out.has_rows = rows.any;
    out.keeps_rows = since != 0 && rows.older;
    out.all_newer = since != 0 && rows.any && !rows.older;
  } else {
    out.has_rows = out.has_pages;
  }
  if (out.keeps_rows) return out;
  std::set<std::string> looked_at;
  for (const auto& row : tx.exec_params(kChangedQuery, std::to_string(table.oid), std::to_string(oid))) {
    const auto number = row[0].as<int>();
    const auto xid = text_of(row[1]);
    const bool taken = std::any_of(table.columns.begin(), table.columns.end(),
                                   [&](const auto& column) { return column.attribute_number == number; });
    if (!taken || !looked_at.insert(xid).second) continue;
    const auto rows = readable ? look_at_rows(tx, name, xid) : Rows{xid == changed_at, false, true};
    if (!rows.of_it || rows.older) continue;
    out.rewritten_with = number;
    return out;
  }
  const auto rows = readable ? look_at_rows(tx, name, changed_at) : Rows{out.has_rows, false, out.has_rows};
  out.changed_since = rows.older;
  out.has_rows_of_change = rows.of_it;
  return out;
}

}  // namespace

Result<std::map<std::uint32_t, NewFile>> read_new_files(const Endpoint& endpoint, const SourceTable& table,
                                                        const std::map<std::uint32_t, std::uint32_t>& heaps) {
  std::map<std::uint32_t, NewFile> out;
  PENSTOCK_TRY(look(endpoint, "looking at new files of tables", [&](pqxx::transaction_base& tx) {
    read_from_the_start(tx);
    for (const auto& [heap, since] : heaps)
      if (const auto one = read_one(tx, table, heap, since)) out[heap] = *one;
  }));
  return out;
}

}  // namespace penstock::postgres
