// Keys: by what a change names its row, and by what the target tells rows apart. If the two differ, rows are
// lost.

#include <fmt/format.h>

#include <algorithm>

#include "dataplane/postgres/checks_parts.hpp"

namespace penstock::postgres {
namespace {

using Names = std::vector<std::string>;

bool same_names(Names a, Names b) {
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  return a == b;
}

Names missing_from(const Names& these, const Names& wanted) {
  Names out;
  for (const auto& name : wanted) {
    if (!holds_name(these, name)) out.push_back(name);
  }
  return out;
}

std::string identity_cure(const TableName& table, bool replacing) {
  return fmt::format(
      "Add a primary key, or run ALTER TABLE {0} REPLICA IDENTITY USING INDEX with a unique index of NOT "
      "NULL columns"
      "{1}; or load the table in a Pipe of mode SnapshotOnly",
      table.quoted(),
      replacing
          ? fmt::format(", or ALTER TABLE {} REPLICA IDENTITY FULL with engine: MergeTree", table.quoted())
          : fmt::format(", or REPLICA IDENTITY FULL"));
}

/// A table without an identity that is put into a publication has its UPDATEs and DELETEs refused by
/// PostgreSQL: the application breaks, not Penstock. So no heap may be without.
void check_heap_identities(const TableWish& wish, const SourceTable& table, Faults& out) {
  for (const auto& heap : table.heaps) {
    if (heap.oid == table.oid || heap.identity == ReplicaIdentity::Full) continue;
    const auto part = fmt::format("{}, a part of {},", heap.name.text(), wish.source_text);
    if (heap.identity == ReplicaIdentity::Nothing) {
      add_fault(out, "ReplicaIdentityNothing", fmt::format("{} has REPLICA IDENTITY NOTHING", part),
                fmt::format("Run ALTER TABLE {} REPLICA IDENTITY DEFAULT", heap.name.quoted()));
    } else if (heap.identity_key.empty()) {
      add_fault(out, "NoReplicaIdentity",
                fmt::format("{} has no primary key and no other replica identity of its own", part),
                identity_cure(heap.name, wish.replacing));
    } else if (!missing_from(heap.identity_key, row_key(table)).empty()) {
      add_fault(out, "ReplicaIdentityDiffers",
                fmt::format("{} names its rows by ({}), the table by ({})", part, listed(heap.identity_key),
                            listed(row_key(table))),
                fmt::format("Run ALTER TABLE {} REPLICA IDENTITY FULL, or give it the same key",
                            heap.name.quoted()));
    }
  }
}

/// True when the table's own identity is fit; the faults of its parts are told apart from it.
bool check_table_identity(const TableWish& wish, const SourceTable& table, Faults& out) {
  if (table.identity == ReplicaIdentity::Full) return true;
  if (table.identity == ReplicaIdentity::Nothing) {
    add_fault(out, "ReplicaIdentityNothing",
              fmt::format("{} has REPLICA IDENTITY NOTHING: its updates and deletes could not be streamed",
                          wish.source_text),
              fmt::format("Run ALTER TABLE {} REPLICA IDENTITY DEFAULT", table.name.quoted()));
    return false;
  }
  if (!table.identity_key.empty()) return true;
  const bool deferrable = table.identity == ReplicaIdentity::Default && !table.primary_key.empty();
  add_fault(out, "NoReplicaIdentity",
            fmt::format("{} has {}, and updates and deletes could not name their row", wish.source_text,
                        deferrable ? "a primary key that is DEFERRABLE, which is no replica identity"
                                   : "no primary key and no other replica identity"),
            identity_cure(table.name, wish.replacing));
  return false;
}

void check_row_key(const TableWish& wish, bool streams, const SourceTable& table, Faults& out) {
  const auto& key = row_key(table);
  if (key.empty()) {
    const bool could_have = table.kind == 'r' || table.kind == 'p';
    if (could_have || wish.order_by.empty())
      add_fault(out, streams ? "NoReplicaIdentity" : "NoKey",
                fmt::format("{} has no key, and ReplacingMergeTree would merge all its rows into one",
                            wish.source_text),
                could_have ? "Set engine: MergeTree for this table, or add a primary key"
                           : "Set engine: MergeTree for it");
    return;
  }
  const auto excluded = missing_from(missing_from(wish.excluded_columns, key), key);
  if (!excluded.empty())
    add_fault(out, "KeyColumnExcluded",
              fmt::format("column {} of {} is excluded, and part of the key that names its rows",
                          listed(excluded), wish.source_text),
              "Take it out of excludedColumns, or set engine: MergeTree for this table");
  if (wish.order_by.empty()) return;
  if (const auto lacking = missing_from(wish.order_by, key); !lacking.empty())
    add_fault(
        out, "OrderByLacksKey",
        fmt::format(
            "orderBy of {} lacks the key column {}: rows that differ only there would be merged into one",
            wish.source_text, listed(lacking)),
        "Add it at the end of orderBy, or set engine: MergeTree for this table");
  if (streams && table.identity != ReplicaIdentity::Full && !same_names(wish.order_by, key)) {
    const auto beyond = missing_from(key, wish.order_by);
    if (!beyond.empty())
      add_fault(
          out, "OrderByNeedsFull",
          fmt::format("orderBy of {} has column {} beyond the key, whose old value a delete does not carry",
                      wish.source_text, listed(beyond)),
          fmt::format("Run ALTER TABLE {} REPLICA IDENTITY FULL (on each partition too), or take it out of "
                      "orderBy",
                      table.name.quoted()));
  }
}

/// ClickHouse's sorting key holds no NULL.
void check_order_by_nulls(const TableWish& wish, const SourceTable& table, Faults& out) {
  for (const auto& column : table.columns) {
    if (column.not_null || !holds_name(wish.order_by, column.name)) continue;
    add_fault(out, "OrderByNullable",
              fmt::format("column {} of {} is in orderBy and may be NULL", column.name, wish.source_text),
              fmt::format("Run ALTER TABLE {} ALTER COLUMN {} SET NOT NULL, or take it out of orderBy",
                          table.name.quoted(), quote_identifier(column.name)));
  }
}

}  // namespace

const std::vector<std::string>& row_key(const SourceTable& table) {
  return table.identity_key.empty() ? table.primary_key : table.identity_key;
}

void check_identity(const TableWish& wish, bool streams, const SourceTable& table, Faults& out) {
  const bool publishable = table.kind == 'r' || table.kind == 'p';
  const bool fit = !streams || !publishable || check_table_identity(wish, table, out);
  if (streams && publishable && fit) check_heap_identities(wish, table, out);
  if (wish.replacing && fit) check_row_key(wish, streams, table, out);
  check_order_by_nulls(wish, table, out);
}

}  // namespace penstock::postgres
