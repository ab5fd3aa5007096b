#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "dataplane/postgres/checks_parts.hpp"

namespace penstock::postgres {
namespace {

constexpr std::string_view kReservedPrefix = "_penstock_";

const char* kind_name(char kind) {
  switch (kind) {
    case 'v':
      return "a view";
    case 'm':
      return "a materialized view";
    case 'f':
      return "a foreign table";
    default:
      return "a table";
  }
}

void check_kind(const TableWish& wish, bool streams, const SourceTable& table, Faults& out) {
  if (table.persistence == 't') {
    add_fault(out, "TemporaryTable",
              fmt::format("{} is a temporary table of another session", wish.source_text),
              "Take it out of spec.tables");
    return;
  }
  if (!streams) return;
  if (table.kind != 'r' && table.kind != 'p') {
    add_fault(out, "CannotStream",
              fmt::format("{} is {}, whose changes PostgreSQL does not publish", wish.source_text,
                          kind_name(table.kind)),
              "Name the table itself, or load it in a Pipe of mode SnapshotOnly");
  } else if (table.name.schema == "pg_catalog" || table.name.schema == "information_schema") {
    add_fault(out, "CannotStream",
              fmt::format("{} is a system table, which cannot be published", wish.source_text),
              "Load it in a Pipe of mode SnapshotOnly");
  } else if (table.persistence == 'u') {
    add_fault(out, "CannotStream", fmt::format("{} is unlogged: its changes are in no WAL", wish.source_text),
              fmt::format("Run ALTER TABLE {} SET LOGGED, or load it in a Pipe of mode SnapshotOnly",
                          table.name.quoted()));
  }
  for (const auto& heap : table.heaps) {
    if (heap.oid != table.oid && heap.persistence == 'u')
      add_fault(out, "CannotStream",
                fmt::format("{}, a part of {}, is unlogged: its changes are in no WAL", heap.name.text(),
                            wish.source_text),
                fmt::format("Run ALTER TABLE {} SET LOGGED, or load the table in a Pipe of mode SnapshotOnly",
                            heap.name.quoted()));
    if (heap.kind != 'f' || heap.oid == table.oid) continue;
    add_fault(out, "CannotStream",
              fmt::format("{}, a part of {}, is a foreign table, whose changes PostgreSQL does not publish",
                          heap.name.text(), wish.source_text),
              "Detach it, or load the table in a Pipe of mode SnapshotOnly");
  }
}

void check_row_security(const TableWish& wish, const ServerFacts& server, const SourceTable& table,
                        Faults& out) {
  if (!table.row_security) return;
  add_fault(out, "RowSecurityHidesRows",
            fmt::format("row-level security of {} applies to role {} and could hide rows from it",
                        wish.source_text, server.role),
            fmt::format("Run ALTER ROLE {} BYPASSRLS", quote_identifier(server.role)));
}

void grant(Faults& out, const TableWish& wish, const ServerFacts& server, const TableName& where,
           const std::vector<std::string>& columns) {
  const auto role = quote_identifier(server.role);
  const auto part = where.text() == wish.name.text() ? "" : fmt::format(", a part of {}", wish.source_text);
  const auto message = columns.empty()
                           ? fmt::format("role {} has no SELECT on {}{}", server.role, where.text(), part)
                           : fmt::format("role {} has no SELECT on column {} of {}{}", server.role,
                                         listed(columns), where.text(), part);
  const auto what = columns.empty() ? "" : fmt::format(" ({})", quoted_list(columns));
  add_fault(out, "PermissionDenied", message,
            fmt::format("Run GRANT SELECT{} ON {} TO {}", what, where.quoted(), role));
}

void check_privileges(const TableWish& wish, const ServerFacts& server, const SourceTable& table,
                      Faults& out) {
  if (!table.schema_usage)
    add_fault(out, "PermissionDenied",
              fmt::format("role {} has no USAGE on schema {}", server.role, table.name.schema),
              fmt::format("Run GRANT USAGE ON SCHEMA {} TO {}", quote_identifier(table.name.schema),
                          quote_identifier(server.role)));
  const auto wanted = wanted_columns(wish, table);
  std::vector<std::string> hidden;
  for (const auto* column : wanted) {
    if (!column->selectable) hidden.push_back(column->name);
  }
  if (!hidden.empty()) {
    grant(out, wish, server, table.name,
          hidden.size() == wanted.size() ? std::vector<std::string>{} : hidden);
    return;
  }
  for (const auto& heap : table.heaps) {
    if (heap.oid == table.oid) continue;
    std::vector<std::string> here;
    for (const auto* column : wanted) {
      if (holds_name(heap.hidden_columns, column->name)) here.push_back(column->name);
    }
    if (!here.empty())
      grant(out, wish, server, heap.name, here.size() == wanted.size() ? std::vector<std::string>{} : here);
  }
}

/// PostgreSQL reads the columns of a row filter by the publication's right; a load by this role's.
void check_filter_privileges(const TableWish& wish, const ServerFacts& server, const SourceTable& table,
                             Faults& out) {
  const auto wanted = wanted_columns(wish, table);
  for (const auto& heap : table.heaps) {
    std::vector<std::string> hidden;
    for (const auto& column : heap.filter_columns) {
      const bool told = std::any_of(wanted.begin(), wanted.end(),
                                    [&](const SourceColumn* one) { return one->name == column.name; });
      if (!told && holds_name(heap.hidden_columns, column.name)) hidden.push_back(column.name);
    }
    if (!hidden.empty()) grant(out, wish, server, heap.name, hidden);
  }
}

std::size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j)
    row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    auto diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const auto replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({replaced, row[j] + 1, row[j - 1] + 1}));
    }
  }
  return row.back();
}

std::string nearest_column(const SourceTable& table, const std::string& name) {
  const SourceColumn* best = nullptr;
  auto least = name.size() / 2 + 1;  // more than half of it wrong is no slip of the pen
  for (const auto& column : table.columns) {
    const auto distance = edit_distance(column.name, name);
    if (distance < least) {
      least = distance;
      best = &column;
    }
  }
  return best == nullptr ? "" : best->name;
}

void check_names(const TableWish& wish, const SourceTable& table, Faults& out) {
  std::vector<std::string> names = wish.excluded_columns;
  for (const auto* list : {&wish.named_columns, &wish.order_by})
    names.insert(names.end(), list->begin(), list->end());
  std::vector<std::string> told;
  for (const auto& name : names) {
    if (holds_name(told, name)) continue;
    const auto found = std::find_if(table.columns.begin(), table.columns.end(),
                                    [&](const SourceColumn& column) { return column.name == name; });
    const bool excluded = holds_name(wish.excluded_columns, name);
    if (found == table.columns.end()) {
      const auto near = nearest_column(table, name);
      add_fault(out, "ColumnNotFound", fmt::format("{} has no column {}", wish.source_text, name),
                near.empty() ? "Correct the name in spec.tables" : fmt::format("Is {} meant?", near));
      told.push_back(name);
    } else if (found->generated && !excluded) {
      add_fault(out, "ColumnIsGenerated",
                fmt::format("column {} of {} is generated, and generated columns are not replicated", name,
                            wish.source_text),
                "Take it out of orderBy and columns, and compute it in the target");
      told.push_back(name);
    } else if (excluded && (holds_name(wish.named_columns, name) || holds_name(wish.order_by, name))) {
      add_fault(out, "ColumnExcludedAndNamed",
                fmt::format("column {} of {} is excluded and named elsewhere in the same entry", name,
                            wish.source_text),
                "Take it out of excludedColumns, or out of orderBy and columns");
      told.push_back(name);
    }
  }
}

/// ClickHouse takes array columns `n.a` and `n.b` for one Nested `n`, whose arrays must be of equal length in
/// a row.
void check_nested(const TableWish& wish, const SourceTable& table, Faults& out) {
  std::map<std::string, std::vector<std::string>> by_prefix;
  for (const auto* column : wanted_columns(wish, table)) {
    const auto dot = column->name.find('.');
    if (dot == std::string::npos || column->type.kind != PgType::Kind::Array) continue;
    if (!holds_name(wish.retyped_columns, column->name))
      by_prefix[column->name.substr(0, dot)].push_back(column->name);
  }
  for (const auto& [prefix, names] : by_prefix) {
    if (names.size() < 2) continue;
    add_fault(out, "ArraysLookNested",
              fmt::format("ClickHouse would take the array columns {} of {} for one Nested column {}",
                          listed(names), wish.source_text, prefix),
              "Give all but one of them the type String in columns, or exclude them");
  }
}

}  // namespace

void check_columns(const TableWish& wish, const ServerFacts& server, const SourceTable& table, Faults& out) {
  check_names(wish, table, out);
  const auto wanted = wanted_columns(wish, table);
  if (wanted.empty())
    add_fault(out, "NothingLeftToReplicate",
              fmt::format("no column of {} is left to replicate", wish.source_text),
              "Exclude fewer columns, or take the table out of spec.tables");
  for (const auto* column : wanted) {
    if (column->name.rfind(kReservedPrefix, 0) == 0)
      add_fault(out, "ReservedColumnName",
                fmt::format("column {} of {} begins with {}, which is kept for Penstock's own", column->name,
                            wish.source_text, kReservedPrefix),
                "Rename it, or exclude it");
  }
  check_nested(wish, table, out);
  check_privileges(wish, server, table, out);
  check_filter_privileges(wish, server, table, out);
}

void check_tables(const SourceWish& wish, const ServerFacts& server,
                  const std::vector<std::optional<SourceTable>>& tables, Faults& out) {
  for (std::size_t at = 0; at < wish.tables.size(); ++at) {
    const auto& one = wish.tables[at];
    if (!tables[at]) {
      add_fault(out, "TableNotFound",
                fmt::format("table {} does not exist in database {}", one.source_text, server.database),
                "Correct its name in spec.tables (quote names with capitals: '\"Orders\"'), or create it");
      continue;
    }
    check_kind(one, wish.streams, *tables[at], out);
    check_columns(one, server, *tables[at], out);
    check_row_security(one, server, *tables[at], out);
    check_identity(one, wish.streams, *tables[at], out);
    for (std::size_t other = 0; other < tables.size(); ++other) {
      if (other == at || !tables[other]) continue;
      const auto& heaps = tables[other]->heaps;
      if (std::any_of(heaps.begin(), heaps.end(),
                      [&](const Heap& heap) { return heap.oid == tables[at]->oid; }) &&
          tables[other]->oid != tables[at]->oid)
        add_fault(out, "TableCoveredTwice",
                  fmt::format("{} is a part of {}, which is in spec.tables too", one.source_text,
                              wish.tables[other].source_text),
                  "Take one of the two out of spec.tables");
    }
  }
}

std::vector<const SourceColumn*> wanted_columns(const TableWish& wish, const SourceTable& table) {
  std::vector<const SourceColumn*> out;
  for (const auto& column : table.columns) {
    if (!column.generated && column.published && !holds_name(wish.excluded_columns, column.name))
      out.push_back(&column);
  }
  return out;
}

bool holds_name(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string listed(const std::vector<std::string>& names) {
  return fmt::format("{}", fmt::join(names, ", "));
}

std::string quoted_list(const std::vector<std::string>& names) {
  std::vector<std::string> quoted;
  for (const auto& name : names)
    quoted.push_back(quote_identifier(name));
  return listed(quoted);
}

}  // namespace penstock::postgres
