#include "dataplane/pipeline/same_table.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "dataplane/pipeline/source_partitions.hpp"

namespace penstock::pipeline {
namespace {

using postgres::ColumnState;
using postgres::HeapState;
using Columns = std::vector<ColumnState>;

const ColumnState* by_name(const Columns& columns, const std::string& name) {
  const auto at = std::find_if(columns.begin(), columns.end(), [&](const ColumnState& column) {
    return !column.dropped && column.name == name;
  });
  return at == columns.end() ? nullptr : &*at;
}

const ColumnState* by_number(const Columns& columns, int number) {
  const auto at = std::find_if(columns.begin(), columns.end(),
                               [&](const ColumnState& column) { return column.number == number; });
  return at == columns.end() ? nullptr : &*at;
}

bool same_type(const ColumnState& one, const ColumnState& other) {
  constexpr std::uint32_t kVarchar = 1043;  // whose length changes nothing of a value
  return one.type == other.type && (one.typmod == other.typmod || one.type == kVarchar);
}

/// What happened to a column that is read; empty: nothing.
std::string fate_of(const std::string& name, const Columns& then, const Columns& now) {
  const auto* present = by_name(now, name);
  if (!present) return fmt::format("column {} was dropped or renamed", name);
  const auto* former = by_number(then, present->number);
  if (!former) return by_name(then, name) ? fmt::format("column {} was replaced", name) : "";
  if (former->name != name) return fmt::format("column {} was renamed", name);
  if (!same_type(*former, *present) || former->generated != present->generated)
    return fmt::format("column {} was altered", name);
  return "";
}

bool is_read(const BoundTable& table, const std::string& column) {
  const auto& columns = table.binding.columns;
  return std::any_of(columns.begin(), columns.end(), [&](const auto& one) { return one.name == column; });
}

std::string fate_of_columns(const BoundTable& table, const HeapState& then, const HeapState& now) {
  for (const auto& column : table.binding.columns) {
    if (auto fate = fate_of(column.name, then.table_columns, now.table_columns); !fate.empty()) return fate;
    if (auto fate = fate_of(column.name, then.heap_columns, now.heap_columns); !fate.empty()) return fate;
  }
  // Nor is the plan another than both: it was made between the two.
  for (const auto& planned : table.source.columns) {
    const auto* present = is_read(table, planned.name) ? by_name(now.table_columns, planned.name) : nullptr;
    if (present && (present->number != planned.attribute_number || present->type != planned.declared_type))
      return fmt::format("column {} was replaced or altered", planned.name);
  }
  return "";
}

/// The filter was written with the names that its columns had when the load was planned.
bool names_its_filter(const BoundTable& table, std::size_t heap, const HeapState& now) {
  const auto& columns = table.source.kind == 'p' ? now.table_columns : now.heap_columns;
  const auto& named = table.source.heaps[heap].filter_columns;
  return std::all_of(named.begin(), named.end(), [&](const postgres::NumberedColumn& one) {
    const auto* present = by_number(columns, one.number);
    return present && !present->dropped && present->name == one.name;
  });
}

}  // namespace

Error table_changed(const TableJob& table, const std::string& what) {
  return {ErrorKind::Transient, kTableChanged,
          fmt::format("table {} changed while it was loaded: {}", table.source_text, what),
          "It is loaded anew by itself"};
}

std::optional<Error> what_changed(const BoundTable& table, std::size_t heap, const HeapState& then,
                                  const HeapState& now) {
  const auto& planned = table.source.heaps[heap];
  const auto changed = [&](const std::string& what) { return table_changed(table.job, what); };
  if (now.table != table.source.oid || then.table != now.table)
    return changed("another table has its name, or none");
  if (now.heap != planned.oid || then.heap != now.heap)
    return changed(fmt::format("{} is another table, or none", planned.name.text()));
  if (then.attachment != now.attachment)
    return changed(fmt::format("{} was attached or detached", planned.name.text()));
  if (const auto fate = fate_of_columns(table, then, now); !fate.empty()) return changed(fate);
  // What was published differently when the snapshot was taken may have kept changes from the stream.
  if (then.published != now.published) return changed("its publication was altered");
  if (!names_its_filter(table, heap, now)) return changed("a column of its row filter was renamed");
  if (then.file != now.file || now.file != planned.relation_file)
    return changed(fmt::format("{} was rewritten or emptied", planned.name.text()));
  return std::nullopt;
}

std::optional<Error> what_changed_since_setup(const BoundTable& table, bool rows_too) {
  if (rows_too && has_other_heaps(table.source, table.job.partitions, table.job.streamed_parts))
    return table_changed(table.job, "since Setup it was rewritten or emptied, or a partition was detached");
  for (const auto* text : {&table.job.former_definition, &table.job.streamed_definition})
    if (const auto then = SourceDefinition::parse(*text))
      for (const auto& what : differences(*then, table.now))
        return table_changed(table.job, what);
  return std::nullopt;
}

}  // namespace penstock::pipeline
