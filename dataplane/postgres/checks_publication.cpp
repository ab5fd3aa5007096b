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
    const auto found = std::find_if(publication.contents.begin(), publication.contents.end(),
                                    [&](const PublishedTable& published) { return published.name == one; });
    if (found == publication.contents.end()) {
      add_fault(out, "PublicationLacksTable",
                fmt::format("publication {} does not contain {}", publication.name, one.text()),
                fmt::format("Run ALTER PUBLICATION {} ADD TABLE {}", name, one.quoted()));
      continue;
    }
    if (found->row_filter)
      add_fault(
          out, "PublicationFiltersRows",
          fmt::format("publication {} publishes only some rows of {} (WHERE)", publication.name, one.text()),
          fmt::format(
              "Publish it without the filter: ALTER PUBLICATION {0} DROP TABLE {1}; ALTER PUBLICATION "
              "{0} ADD TABLE {1}",
              name, one.quoted()));
    std::vector<std::string> lacking;
    for (const auto* column : wanted_columns(wish, table)) {
      if (!found->columns.empty() && !holds_name(found->columns, column->name))
        lacking.push_back(column->name);
    }
    if (!lacking.empty())
      add_fault(out, "PublicationLacksColumns",
                fmt::format("publication {} does not publish column {} of {}", publication.name,
                            listed(lacking), one.text()),
                "Add them to the publication's column list, or to excludedColumns");
  }
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
