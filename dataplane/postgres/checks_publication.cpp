#include <fmt/format.h>

#include <algorithm>

#include "dataplane/postgres/checks_parts.hpp"

namespace penstock::postgres {
namespace {

using Tables = std::vector<std::optional<SourceTable>>;

std::string quoted_tables(const std::vector<const SourceTable*>& tables) {
  std::vector<std::string> names;
  for (const auto* table : tables)
    names.push_back(table->name.quoted());
  return listed(names);
}

/// Ours: it must be possible to make it, or to bring it to these tables.
void check_own(const ServerFacts& server, const Tables& tables, const PublicationFacts& publication,
               Faults& out) {
  std::vector<const SourceTable*> all, foreign;
  for (const auto& table : tables) {
    if (!table) continue;
    all.push_back(&*table);
    const bool there = publication.exists && std::find(publication.tables.begin(), publication.tables.end(),
                                                       table->name) != publication.tables.end();
    if (!table->owned && !there) foreign.push_back(&*table);
  }
  if (server.in_recovery) return;  // SourceIsStandby says it
  const auto by_owner = fmt::format(
      "let the tables' owner run CREATE PUBLICATION penstock FOR TABLE {} WITH (publish_via_partition_root = "
      "true) "
      "and set "
      "spec.source.postgres.publication: penstock",
      quoted_tables(all));
  if (!publication.exists && !server.may_create_publication)
    add_fault(out, "CannotCreatePublication",
              fmt::format("role {} has no CREATE on database {}, which making a publication needs",
                          server.role, server.database),
              fmt::format("Run GRANT CREATE ON DATABASE {} TO {}, or {}", quote_identifier(server.database),
                          quote_identifier(server.role), by_owner));
  if (publication.exists && !publication.owned)
    add_fault(out, "CannotCreatePublication",
              fmt::format("publication {} belongs to another role than {}", publication.name, server.role),
              fmt::format("Run ALTER PUBLICATION {} OWNER TO {}", quote_identifier(publication.name),
                          quote_identifier(server.role)));
  if (!foreign.empty())
    add_fault(out, "CannotCreatePublication",
              fmt::format("role {} does not own {}, and only a table's owner may publish it", server.role,
                          quoted_tables(foreign)),
              "Connect as the tables' owner, or " + by_owner);
}

void check_operations(const PublicationFacts& publication, Faults& out) {
  std::vector<std::string> lacking;
  if (!publication.inserts) lacking.emplace_back("insert");
  if (!publication.updates) lacking.emplace_back("update");
  if (!publication.deletes) lacking.emplace_back("delete");
  if (!publication.truncates) lacking.emplace_back("truncate");
  if (lacking.empty()) return;
  add_fault(out, "PublicationLacksOperations",
            fmt::format("publication {} does not publish {}", publication.name, listed(lacking)),
            fmt::format("Run ALTER PUBLICATION {} SET (publish = 'insert, update, delete, truncate')",
                        quote_identifier(publication.name)));
}

/// How to publish all of it. Not SET TABLE, which would take out all others.
std::string publish_whole(const PublicationFacts& publication, const TableName& table) {
  return fmt::format("ALTER PUBLICATION {0} DROP TABLE {1}; ALTER PUBLICATION {0} ADD TABLE {1}",
                     quote_identifier(publication.name), table.quoted());
}

void lacks_columns(Faults& out, const PublicationFacts& publication, const TableName& table,
                   const std::vector<std::string>& columns, const std::string& why, const std::string& cure) {
  add_fault(out, "PublicationLacksColumns",
            fmt::format("the column list of publication {} leaves out {} of {}, {}", publication.name,
                        listed(columns), table.text(), why),
            cure);
}

/// Columns outside of the list are as if they were excluded; so the manifest may not name them.
void check_named(const TableWish& wish, const SourceTable& table, const PublicationFacts& publication,
                 Faults& out) {
  const auto check = [&](const std::vector<std::string>& names, const char* field) {
    std::vector<std::string> unpublished;
    for (const auto& column : table.columns)
      if (!column.published && holds_name(names, column.name)) unpublished.push_back(column.name);
    if (unpublished.empty()) return;
    lacks_columns(out, publication, table.name, unpublished,
                  fmt::format("which spec.tables[].{} of {} names", field, wish.source_text),
                  fmt::format("Add it to the column list, or take it out of {}", field));
  };
  check(wish.order_by, "orderBy");
  auto named = wish.named_columns;
  std::erase_if(named, [&](const auto& name) { return holds_name(wish.order_by, name); });
  check(named, "columns[].name");
}

/// PostgreSQL takes such a list, and then refuses each UPDATE and DELETE of the application.
void check_list(const TableWish& wish, const SourceTable& table, const PublicationFacts& publication,
                Faults& out) {
  const auto* own = published_as(publication, table.name);
  check_named(wish, table, publication, out);
  const bool full = std::any_of(table.heaps.begin(), table.heaps.end(),
                                [](const Heap& heap) { return heap.identity == ReplicaIdentity::Full; });
  if (own->listed && full) {
    add_fault(
        out, "PublicationLacksColumns",
        fmt::format("publication {} has a column list for {}, whose replica identity is FULL: PostgreSQL "
                    "refuses its updates and deletes",
                    publication.name, wish.source_text),
        fmt::format("Run {}, or give the table the identity of a key",
                    publish_whole(publication, table.name)));
    return;
  }
  std::vector<std::string> key;
  for (const auto& column : table.columns) {
    const bool names_rows = holds_name(row_key(table), column.name) ||
                            std::any_of(table.heaps.begin(), table.heaps.end(), [&](const Heap& heap) {
                              return holds_name(heap.identity_key, column.name);
                            });
    if (!column.published && names_rows && !holds_name(wish.order_by, column.name))
      key.push_back(column.name);
  }
  if (!key.empty())
    lacks_columns(
        out, publication, table.name, key, "which is part of the key that names its rows",
        fmt::format("Add it to the column list, or run {}", publish_whole(publication, table.name)));
}

/// A child of plain inheritance has a list of its own.
void check_list_of_child(const TableWish& wish, const SourceTable& table, const PublishedTable& child,
                         const PublicationFacts& publication, Faults& out) {
  if (!child.listed) return;
  std::vector<std::string> lacking;
  for (const auto* column : wanted_columns(wish, table)) {
    if (std::none_of(child.listed->begin(), child.listed->end(),
                     [&](const NumberedColumn& one) { return one.name == column->name; }))
      lacking.push_back(column->name);
  }
  if (!lacking.empty())
    lacks_columns(
        out, publication, child.name, lacking,
        fmt::format("a part of {}, of which it publishes them", wish.source_text),
        fmt::format("Run {}, or add them to excludedColumns", publish_whole(publication, child.name)));
}

/// An old row has the columns of its identity alone, and PostgreSQL refuses what it cannot filter.
void check_filter(const SourceTable& table, const PublicationFacts& publication, Faults& out) {
  for (const auto& heap : table.heaps) {
    if (heap.row_filter.empty() || heap.identity == ReplicaIdentity::Full) continue;
    std::vector<std::string> beyond;
    for (const auto& column : heap.filter_columns)
      if (!holds_name(heap.identity_key, column.name)) beyond.push_back(column.name);
    if (beyond.empty()) continue;
    add_fault(
        out, "RowFilterNeedsFull",
        fmt::format("publication {} filters the rows of {} by {}, which is not in its replica identity: "
                    "PostgreSQL refuses its updates and deletes",
                    publication.name, heap.name.text(), listed(beyond)),
        fmt::format("Run ALTER TABLE {} REPLICA IDENTITY FULL, or filter by the key alone",
                    heap.name.quoted()));
  }
}

void check_contents(const TableWish& wish, const SourceTable& table, const PublicationFacts& publication,
                    Faults& out) {
  const auto name = quote_identifier(publication.name);
  if (table.kind == 'p' && !publication.via_root) {
    add_fault(
        out, "PublicationWithoutRoot",
        fmt::format("{} is partitioned, and publication {} publishes its changes as those of its partitions",
                    wish.source_text, publication.name),
        fmt::format("Run ALTER PUBLICATION {} SET (publish_via_partition_root = true)", name));
    return;
  }
  // Children of plain inheritance are published one by one.
  std::vector<TableName> expected{table.name};
  for (const auto& heap : table.heaps) {
    if (table.kind == 'r' && heap.oid != table.oid) expected.push_back(heap.name);
  }
  for (const auto& one : expected) {
    const auto* found = published_as(publication, one);
    if (!found)
      add_fault(out, "PublicationLacksTable",
                fmt::format("publication {} does not contain {}", publication.name, one.text()),
                fmt::format("Run ALTER PUBLICATION {} ADD TABLE {}", name, one.quoted()));
    else if (one == table.name)
      check_list(wish, table, publication, out);
    else
      check_list_of_child(wish, table, *found, publication, out);
  }
  check_filter(table, publication, out);
}

}  // namespace

void check_publication(const SourceWish& wish, const ServerFacts& server, const Tables& tables,
                       const PublicationFacts& publication, Faults& out) {
  if (!wish.streams) return;
  if (wish.publication.empty()) {
    check_own(server, tables, publication, out);
    return;
  }
  if (!publication.exists) {
    std::vector<const SourceTable*> all;
    for (const auto& table : tables) {
      if (table) all.push_back(&*table);
    }
    add_fault(out, "PublicationMissing",
              fmt::format("publication {} does not exist in database {}", wish.publication, server.database),
              fmt::format(
                  "Run CREATE PUBLICATION {} FOR TABLE {} WITH (publish_via_partition_root = true), or leave "
                  "spec.source.postgres.publication empty",
                  quote_identifier(wish.publication), quoted_tables(all)));
    return;
  }
  check_operations(publication, out);
  for (std::size_t at = 0; at < tables.size(); ++at) {
    if (tables[at]) check_contents(wish.tables[at], *tables[at], publication, out);
  }
}

}  // namespace penstock::postgres
