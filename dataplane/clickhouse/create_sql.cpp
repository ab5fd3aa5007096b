#include <fmt/format.h>

#include <algorithm>

#include "dataplane/clickhouse/key_text.hpp"
#include "dataplane/clickhouse/target.hpp"

namespace penstock::clickhouse {
namespace {

/// How many of the last inserts a MergeTree table remembers the tokens of. Its default is none; replicated
/// and cloud tables have their own window and ignore it.
constexpr int kDeduplicationWindow = 1000;

std::vector<std::string> column_lines(const TargetDefinition& definition) {
  std::vector<std::string> lines;
  for (const auto& column : definition.columns)
    lines.push_back(quote(column.name) + " " + column.type);
  lines.push_back(fmt::format("{} UInt128", quote(kVersionColumn)));
  lines.push_back(fmt::format("{} UInt8", quote(kDeletedColumn)));
  lines.push_back(fmt::format("{} DateTime64(3) DEFAULT now64(3)", quote(kSyncedAtColumn)));
  return lines;
}

std::string engine_text(Engine engine) {
  switch (engine) {
    case Engine::ReplacingMergeTree:
      return fmt::format("ReplacingMergeTree({}, {})", quote(kVersionColumn), quote(kDeletedColumn));
    case Engine::MergeTree:
      return "MergeTree";
    case Engine::Null:
      break;
  }
  return "Null";
}

std::string key_list(const std::vector<std::string>& names) {
  if (names.empty()) return "tuple()";
  std::vector<std::string> quoted;
  quoted.reserve(names.size());
  for (const auto& name : names)
    quoted.push_back(quote(name));
  return fmt::format("({})", fmt::join(quoted, ", "));
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// Whether a Nullable column stands in the sorting key or in the partition expression.
bool key_may_be_null(const TargetDefinition& definition) {
  return std::any_of(definition.columns.begin(), definition.columns.end(), [&](const TargetColumn& column) {
    if (!is_nullable(column.type)) return false;
    const auto& partition = definition.partition_key;
    return contains(definition.order_by, column.name) ||
           (partition && contains(partition->columns, column.name));
  });
}

std::string settings_clause(const TargetDefinition& definition) {
  std::vector<std::string> settings;
  if (key_may_be_null(definition)) settings.emplace_back("allow_nullable_key = 1");
  if (definition.engine == Engine::MergeTree)
    settings.push_back(fmt::format("non_replicated_deduplication_window = {}", kDeduplicationWindow));
  return settings.empty() ? "" : fmt::format("SETTINGS {}\n", fmt::join(settings, ", "));
}

std::string what_is_made(const TargetDefinition& definition) {
  auto sql =
      fmt::format("{}.{}\n(\n    {}\n)\nENGINE = {}\n", quote(definition.database), quote(definition.table),
                  fmt::join(column_lines(definition), ",\n    "), engine_text(definition.engine));
  if (definition.engine != Engine::Null) {
    if (definition.partition_key) sql += fmt::format("PARTITION BY {}\n", definition.partition_key->sql);
    sql += fmt::format("ORDER BY {}\n", key_list(definition.order_by));
    sql += settings_clause(definition);
  }
  return sql + "COMMENT " + literal(definition.mark.text());
}

}  // namespace

std::string create_sql(const TargetDefinition& definition) {
  return "CREATE TABLE IF NOT EXISTS " + what_is_made(definition);
}

std::string create_new_sql(const TargetDefinition& definition) {
  return "CREATE TABLE " + what_is_made(definition);
}

}  // namespace penstock::clickhouse
