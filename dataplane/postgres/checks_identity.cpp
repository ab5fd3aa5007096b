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

/// The same holds for an identity that no publication can publish.
void check_virtual_columns(const TableWish& wish, const SourceTable& table, Faults& out) {
  for (const auto& heap : table.heaps) {
    if (heap.identity != ReplicaIdentity::Full || heap.virtual_columns.empty()) continue;
    add_fault(out, "VirtualColumnInIdentity",
              fmt::format("{} has REPLICA IDENTITY FULL and the virtual column {}: as soon as it is "
                          "published, PostgreSQL refuses its updates and deletes",
                          heap.oid == table.oid ? wish.source_text : heap.name.text(),
                          listed(heap.virtual_columns)),
              fmt::format("Run ALTER TABLE {} REPLICA IDENTITY DEFAULT (it needs a primary key), make the "
                          "column STORED, or load the table in a Pipe of mode SnapshotOnly",
                          heap.name.quoted()));
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

/// Rows that share a key, be it for a moment, are merged into one by ReplacingMergeTree.
void check_unique(const TableWish& wish, bool streams, const SourceTable& table, Faults& out) {
  // A manifest that gives orderBy says by what rows are told apart, here as well.
  if (table.kind == 'r' && table.heaps.size() > 1 && wish.order_by.empty()) {
    add_fault(
        out, "KeyNotUnique",
        fmt::format("{} is inherited from, and PostgreSQL keeps its key unique in each table by itself: "
                    "two of them may hold the same one",
                    wish.source_text),
        fmt::format("Set engine: MergeTree for it; or, where no two of them ever hold the same key, say so "
                    "with orderBy: [{}]",
                    listed(row_key(table))));
    return;
  }
  if (!streams || table.identity != ReplicaIdentity::Full || (table.kind != 'r' && table.kind != 'p')) return;
  const auto& target_key = wish.order_by.empty() ? row_key(table) : wish.order_by;
  if (!missing_from(target_key, row_key(table)).empty()) return;  // OrderByLacksKey says it
  const bool unique =
      std::any_of(table.unique_keys.begin(), table.unique_keys.end(),
                  [&](const UniqueKey& key) { return missing_from(target_key, key.columns).empty(); });
  if (unique) return;
  add_fault(
      out, "KeyNotUnique",
      fmt::format("the key ({}) of {} is DEFERRABLE: two rows may hold the same one within a transaction",
                  listed(target_key), wish.source_text),
      "Make it NOT DEFERRABLE, or set engine: MergeTree for the table");
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
  Names generated;
  for (const auto& column : table.columns) {
    if (column.generated && holds_name(key, column.name)) generated.push_back(column.name);
  }
  if (!generated.empty())
    add_fault(out, "KeyColumnGenerated",
              fmt::format("column {} of {} is part of the key that names its rows, and generated: it is not "
                          "replicated",
                          listed(generated), wish.source_text),
              fmt::format("Run ALTER TABLE {} REPLICA IDENTITY USING INDEX with a unique index of other "
                          "columns that are NOT NULL, or make it a plain column",
                          table.name.quoted()));
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

/// A change leaves out large values that it did not change. A log keeps what each change made of the row, and
/// that is to be had from the change alone.
void check_log(const TableWish& wish, const SourceTable& table, Faults& out) {
  if (table.identity == ReplicaIdentity::Full) return;
  Names large;
  for (const auto* column : wanted_columns(wish, table)) {
    if (column->out_of_line) large.push_back(column->name);
  }
  if (large.empty()) return;
  add_fault(
      out, "AppendOnlyNeedsFull",
      fmt::format("the target of {} keeps every change, and an update leaves out values of {} that it did "
                  "not change",
                  wish.source_text, listed(large)),
      fmt::format("Run ALTER TABLE {} REPLICA IDENTITY FULL (on each partition too), or exclude what may "
                  "be large",
                  table.name.quoted()));
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
  if (streams && publishable) check_virtual_columns(wish, table, out);
  if (wish.replacing && fit) {
    check_row_key(wish, streams, table, out);
    if (!row_key(table).empty()) check_unique(wish, streams, table, out);
  }
  if (!wish.replacing && streams && publishable && fit) check_log(wish, table, out);
  check_order_by_nulls(wish, table, out);
}

}  // namespace penstock::postgres
