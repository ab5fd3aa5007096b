#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "dataplane/clickhouse/key_text.hpp"
#include "dataplane/clickhouse/target.hpp"

namespace penstock::clickhouse {
namespace {

using Faults = std::vector<Error>;

constexpr const char* kOtherTable = "name another target, or drop the table so that it is made anew";

std::string name_of(const TargetTable& table) {
  return quote(table.database) + "." + quote(table.table);
}

void add(Faults& faults, const TargetTable& table, const char* reason, const std::string& what,
         std::string cure) {
  faults.push_back({ErrorKind::NeedsUser, reason, fmt::format("target table {} {}", name_of(table), what),
                    std::move(cure)});
}

const TargetColumn* find(const TargetTable& table, std::string_view name) {
  for (const auto& column : table.columns)
    if (column.name == name) return &column;
  return nullptr;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  return out;
}

/// ", but one named ID (upper and lower case count)" when that is all that is wrong.
std::string near_miss(const TargetTable& table, std::string_view name) {
  for (const auto& column : table.columns)
    if (lower(column.name) == lower(name))
      return fmt::format(", but one named {} (upper and lower case count)", column.name);
  return "";
}

const char* engine_name(Engine engine) {
  switch (engine) {
    case Engine::ReplacingMergeTree:
      return "ReplacingMergeTree";
    case Engine::MergeTree:
      return "MergeTree";
    case Engine::Null:
      break;
  }
  return "Null";
}

/// The engine's arguments as written: "_penstock_version, _penstock_deleted".
std::string_view engine_arguments(std::string_view engine_full) {
  const auto open = engine_full.find('(');
  const auto space = engine_full.find(' ');
  if (open == std::string_view::npos || space < open) return {};
  int depth = 0;
  for (auto at = open; at < engine_full.size(); ++at) {
    if (engine_full[at] == '(') ++depth;
    if (engine_full[at] == ')' && --depth == 0) return engine_full.substr(open + 1, at - open - 1);
  }
  return engine_full.substr(open + 1);
}

void check_engine(const TargetDefinition& wanted, const TargetTable& present, Faults& faults) {
  if (present.engine.ends_with("View")) {
    add(faults, present, "TargetIsView", fmt::format("is a {}, not a table", present.engine),
        "Name another target in spec.tables[].target");
    return;
  }
  if (plain_engine(present.engine) != engine_name(wanted.engine)) {
    add(faults, present, "TargetEngine",
        fmt::format("has the engine {}; {} is wanted", present.engine, engine_name(wanted.engine)),
        fmt::format("Set spec.tables[].engine to what the table has, {}", kOtherTable));
    return;
  }
  if (wanted.engine != Engine::ReplacingMergeTree) return;
  auto arguments = split_key(engine_arguments(present.engine_full));
  // Replicated tables have their path and replica first.
  if (arguments.size() > 2) arguments.erase(arguments.begin(), arguments.end() - 2);
  if (arguments != std::vector<std::string>{kVersionColumn, kDeletedColumn})
    add(faults, present, "TargetEngine",
        fmt::format("has the engine {}({}), so that FINAL would not give the source's state",
                    plain_engine(present.engine), fmt::join(arguments, ", ")),
        fmt::format("Make it with ENGINE = ReplacingMergeTree({}, {})", kVersionColumn, kDeletedColumn));
}

/// Only where rows are replaced: the order of an append-only table is its owner's affair.
void check_sorting_key(const TargetDefinition& wanted, const TargetTable& present, Faults& faults) {
  if (wanted.engine != Engine::ReplacingMergeTree || plain_engine(present.engine) != "ReplacingMergeTree")
    return;
  if (split_key(present.sorting_key) == wanted.order_by) return;
  add(faults, present, "TargetSortingKey",
      fmt::format("is ordered by ({}); ({}) is wanted", present.sorting_key,
                  fmt::join(wanted.order_by, ", ")),
      fmt::format("Set spec.tables[].orderBy to what the table has, if that identifies a row; or {}",
                  kOtherTable));
}

/// One fault for all that are missing: a table that somebody else made may lack every one.
void check_missing_columns(const TargetDefinition& wanted, const TargetTable& present, Faults& faults) {
  std::vector<std::string> names;
  std::vector<std::string> additions;
  for (const auto& column : wanted.columns) {
    if (find(present, column.name) != nullptr) continue;
    names.push_back(column.name + near_miss(present, column.name));
    additions.push_back(fmt::format("ADD COLUMN {} {}", quote(column.name), column.type));
  }
  if (names.empty()) return;
  add(faults, present, "TargetColumnMissing", fmt::format("has no column {}", fmt::join(names, ", ")),
      fmt::format("ALTER TABLE {} {}; or exclude what is not wanted there (spec.tables[].excludedColumns)",
                  name_of(present), fmt::join(additions, ", ")));
}

void check_column(const TargetColumn& wanted, const TargetTable& present, Faults& faults) {
  const auto* column = find(present, wanted.name);
  if (column == nullptr) return;
  const auto here = name_of(present);
  if (column->default_kind == "MATERIALIZED" || column->default_kind == "ALIAS") {
    add(faults, present, "TargetColumnComputed",
        fmt::format("computes its column {} ({}), so that nothing can be inserted into it", wanted.name,
                    column->default_kind),
        fmt::format("Rename the column in ClickHouse, or exclude {} with spec.tables[].excludedColumns",
                    wanted.name));
    return;
  }
  if (!type_holds(column->type, wanted.type))
    add(faults, present, "TargetColumnType",
        fmt::format("has the column {} as {}; {} is wanted", wanted.name, column->type, wanted.type),
        fmt::format("Say type: \"{}\" for it in spec.tables[].columns, or ALTER TABLE {} MODIFY COLUMN {} {}",
                    column->type, here, quote(wanted.name), wanted.type));
}

void check_control_columns(const TargetTable& present, Faults& faults) {
  struct Control {
    const char* name;
    const char* type;
    const char* declaration;
  };
  const std::vector<Control> needed = {{kVersionColumn, "UInt128", "UInt128"},
                                       {kDeletedColumn, "UInt8", "UInt8"},
                                       {kSyncedAtColumn, "DateTime64(3)", "DateTime64(3) DEFAULT now64(3)"}};
  std::vector<std::string> lacking;
  std::vector<std::string> additions;
  for (const auto& control : needed) {
    const auto* column = find(present, control.name);
    if (column != nullptr && comparable_type(column->type) == control.type) continue;
    lacking.push_back(column == nullptr ? control.name : fmt::format("{} as {}", control.name, control.type));
    additions.push_back(fmt::format("{} COLUMN {} {}", column == nullptr ? "ADD" : "MODIFY", control.name,
                                    control.declaration));
  }
  if (!lacking.empty())
    add(faults, present, "TargetWithoutControlColumns",
        fmt::format("lacks Penstock's control columns: {}", fmt::join(lacking, ", ")),
        fmt::format("ALTER TABLE {} {}", name_of(present), fmt::join(additions, ", ")));
}

/// Rows have no version to tell a block by that was sent again after a lost answer. Replicated and cloud
/// tables have a window of their own.
void check_deduplication(const TargetDefinition& wanted, const TargetTable& present, Faults& faults) {
  if (wanted.engine != Engine::MergeTree || present.engine != "MergeTree") return;
  if (present.mark && !present.mark->adopted) return;
  constexpr std::string_view kWindow = "non_replicated_deduplication_window = ";
  const auto at = present.engine_full.find(kWindow);
  if (at != std::string::npos &&
      !std::string_view(present.engine_full).substr(at + kWindow.size()).starts_with("0"))
    return;
  add(faults, present, "TargetWithoutDeduplication",
      "forgets what was inserted: a block that is sent again after a lost answer would be in it twice",
      fmt::format("ALTER TABLE {} MODIFY SETTING non_replicated_deduplication_window = 1000",
                  name_of(present)));
}

}  // namespace

std::vector<Error> check_target(const TargetDefinition& wanted, const TargetTable& present) {
  Faults faults;
  check_engine(wanted, present, faults);
  if (present.engine.ends_with("View")) return faults;
  check_sorting_key(wanted, present, faults);
  check_missing_columns(wanted, present, faults);
  for (const auto& column : wanted.columns)
    check_column(column, present, faults);
  check_control_columns(present, faults);
  check_deduplication(wanted, present, faults);
  return faults;
}

std::vector<Error> check_destination(const DestinationFacts& facts, const Endpoint& endpoint) {
  constexpr std::pair kOldest{23, 3};
  // Overlay is the default database of the embedded engine; it stands on an Atomic one.
  constexpr std::array<std::string_view, 4> kExchanging{"Atomic", "Replicated", "Shared", "Overlay"};
  Faults faults;
  if (std::pair{facts.major, facts.minor} < kOldest)
    faults.push_back({ErrorKind::NeedsUser, "DestinationTooOld",
                      fmt::format("ClickHouse at {} has version {}; {}.{} is the oldest that works",
                                  endpoint.text(), facts.version, kOldest.first, kOldest.second),
                      "Upgrade ClickHouse"});
  if (facts.read_only || !facts.allow_ddl)
    faults.push_back({ErrorKind::NeedsUser, "DestinationReadOnly",
                      fmt::format("the settings profile of the user at {} does not let it {} ({})",
                                  endpoint.text(), facts.read_only ? "write" : "make tables",
                                  facts.read_only ? "readonly" : "allow_ddl = 0"),
                      "Give the user another settings profile"});
  const bool exchanging =
      std::find(kExchanging.begin(), kExchanging.end(), facts.database_engine) != kExchanging.end();
  if (facts.database_exists && !exchanging)
    faults.push_back(
        {ErrorKind::NeedsUser, "ExchangeNotSupported",
         fmt::format("database {} at {} has the engine {}, which cannot exchange tables atomically",
                     endpoint.database, endpoint.text(), facts.database_engine),
         "Use a database with the engine Atomic, Replicated or Shared"});
  return faults;
}

}  // namespace penstock::clickhouse
