#include "dataplane/pipeline/fit_target.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "dataplane/clickhouse/key_text.hpp"
#include "dataplane/pipeline/same_table.hpp"
#include "dataplane/pipeline/source_changes.hpp"

namespace penstock::pipeline {
namespace {

template <typename Columns>
auto find(Columns& columns, const std::string& name) -> decltype(&*columns.begin()) {
  const auto at =
      std::find_if(columns.begin(), columns.end(), [&](const auto& column) { return column.name == name; });
  return at == columns.end() ? nullptr : &*at;
}

bool type_is_chosen(const TableJob& table, const std::string& column) {
  const auto* chosen = find(table.overrides, column);
  return chosen && !chosen->type.empty();
}

/// The column's type without its Nullable is what the target has.
bool only_lacks_null(const clickhouse::TargetColumn& wanted, const clickhouse::TargetColumn& present) {
  return clickhouse::is_nullable(wanted.type) && !clickhouse::is_nullable(present.type) &&
         clickhouse::comparable_type(clickhouse::value_type(wanted.type)) ==
             clickhouse::comparable_type(clickhouse::value_type(present.type));
}

/// Faults that a table made anew would not have.
Status insist_on_fit(const TableJob& table, const clickhouse::TargetDefinition& wanted,
                     const clickhouse::TargetTable& present) {
  for (const auto& fault : clickhouse::check_target(wanted, present))
    if (fault.reason == "TargetColumnType" || fault.reason == "TargetSortingKey")
      return fail(table_changed(table, fault.message));
  return {};
}

/// Right before it is altered: what was read for all at once may have become another's.
Status insist_on_ours(const PipeJob& job, const TableJob& table, clickhouse::Client& client) {
  PENSTOCK_ASSIGN(const auto present, clickhouse::read_mark(client, table.written()));
  if (!present) return {};
  auto taken = clickhouse::taken_from_us(job.destination.database, table.written(), present->mark, job.uid);
  return taken ? Status(fail(*std::move(taken))) : Status{};
}

}  // namespace

Result<bool> fit_target(const PipeJob& job, const TableJob& table, const postgres::SourceTable& source,
                        clickhouse::Client& client, const FitLook& look) {
  auto present = clickhouse::target_of(look.targets, table.written());
  if (!present) return false;
  if (auto taken =
          clickhouse::taken_from_us(job.destination.database, table.written(), present->mark, job.uid))
    return fail(*std::move(taken));
  PENSTOCK_ASSIGN(auto wanted, clickhouse::with_server_types(
                                   client, define_target(job, table, source, look.features), look.types));
  const auto& database = job.destination.database;
  bool altered = false;
  for (const auto& column : wanted.columns) {
    auto* there = find(present->columns, column.name);
    if (!there) {
      const auto* known = find(source.columns, column.name);
      if (had_column(table, *known))
        return fail(table_changed(table, fmt::format("column {} was dropped from its target", column.name)));
      PENSTOCK_TRY(insist_on_ours(job, table, client));
      PENSTOCK_TRY(clickhouse::add_column(client, database, table.written(), column,
                                          {known->type, known->missing_value, known->missing_differs}));
      present->columns.push_back(column);
      altered = true;
    } else if (!type_is_chosen(table, column.name) && only_lacks_null(column, *there)) {
      PENSTOCK_TRY(insist_on_ours(job, table, client));
      PENSTOCK_TRY(clickhouse::make_nullable(client, database, table.written(), column));
      there->type = column.type;
      altered = true;
    }
  }
  // Which of the two a server makes of a time is decided when it makes the table.
  std::erase_if(wanted.columns,
                [](const auto& column) { return clickhouse::value_type(column.type).starts_with("Time64"); });
  PENSTOCK_TRY(insist_on_fit(table, wanted, *present));
  return altered;
}

namespace {

Result<FitLook> look_for_fit(const PipeJob& job, const BoundTables& bound, clickhouse::Client& client,
                             const TargetFeatures& features) {
  FitLook out;
  out.features = features;
  std::vector<std::string> names;
  std::vector<clickhouse::TargetDefinition> definitions;
  for (const auto& table : bound.tables) {
    names.push_back(table.job.written());
    definitions.push_back(define_target(job, table.job, table.source, features));
  }
  PENSTOCK_ASSIGN(out.targets, clickhouse::read_targets(client, names));
  PENSTOCK_ASSIGN(out.types, clickhouse::ask_types(client, definitions));
  return out;
}

/// Brings the targets after the source. Of those that cannot be, and that waiting does not cure, the faults.
Status fit_all(const PipeJob& job, const BoundTables& bound, clickhouse::Client& client,
               const TargetFeatures& features, bool& altered, std::vector<TableFault>& faults) {
  PENSTOCK_ASSIGN(const auto look, look_for_fit(job, bound, client, features));
  for (const auto& table : bound.tables) {
    const auto fitted = fit_target(job, table.job, table.source, client, look);
    if (fitted) {
      altered = altered || *fitted;
      continue;
    }
    auto error = fitted.error();
    const bool passes = error.kind == ErrorKind::Transient || error.kind == ErrorKind::InDoubt;
    if (passes && error.reason != kTableChanged) return fail(std::move(error));
    faults.push_back({table.job.source_text, std::move(error)});
  }
  return {};
}

bool lacks_columns(const BoundTable& table) {
  return table.binding.columns.size() != taken_columns(table.job, table.source).size();
}

}  // namespace

Result<BoundTables> bind_fitting(const PipeJob& job, clickhouse::Client& client) {
  constexpr int kTries = 5;
  PENSTOCK_ASSIGN(const auto facts, clickhouse::read_destination(client));
  for (int tries = 1;; ++tries) {
    PENSTOCK_ASSIGN(auto bound, bind_tables(job, client));
    bool altered = false;
    std::vector<TableFault> faults;
    PENSTOCK_TRY(fit_all(job, bound, client, {facts.time64}, altered, faults));
    // A look at the catalog may have added a column between the two: what was bound lacks it.
    const auto is_faulty = [&](const BoundTable& table) {
      return std::any_of(faults.begin(), faults.end(),
                         [&](const TableFault& fault) { return fault.source == table.job.source_text; });
    };
    const bool lacking = std::any_of(bound.tables.begin(), bound.tables.end(), [&](const BoundTable& table) {
      return lacks_columns(table) && !is_faulty(table);
    });
    if ((altered || lacking) && tries < kTries) continue;
    for (const auto& table : bound.tables)
      if (lacks_columns(table) && !is_faulty(table))
        faults.push_back(
            {table.job.source_text, table_changed(table.job, "columns are added to it all the time")});
    std::erase_if(bound.tables, is_faulty);
    bound.faults.insert(bound.faults.end(), faults.begin(), faults.end());
    return bound;
  }
}

}  // namespace penstock::pipeline
