#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include "dataplane/clickhouse/key_text.hpp"
#include "dataplane/clickhouse/look.hpp"
#include "dataplane/clickhouse/partition_key.hpp"
#include "dataplane/clickhouse/target.hpp"

namespace penstock::clickhouse {
namespace {

Error definition_fault(const TargetDefinition& definition, const char* reason, const std::string& what,
                       std::string cure) {
  return {ErrorKind::NeedsUser, reason,
          fmt::format("target {}.{}: {}", quote(definition.database), quote(definition.table), what),
          std::move(cure)};
}

/// Types that some versions know but keep behind a setting, and its names through the versions.
struct TypeGate {
  const char* word;
  std::array<const char*, 2> settings;
};
constexpr std::array kTypeGates = {
    TypeGate{"Time", {"allow_experimental_time_time64_type", "enable_time_time64_type"}},
    TypeGate{"JSON", {"allow_experimental_json_type", "enable_json_type"}},
    TypeGate{"Variant", {"allow_experimental_variant_type", "enable_variant_type"}},
    TypeGate{"Dynamic", {"allow_experimental_dynamic_type", "enable_dynamic_type"}},
};

/// Whether `type` names the type `word` ("Time" or "Time64", but not in DateTime).
bool mentions(std::string_view type, std::string_view word) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  for (auto at = type.find(word); at != std::string_view::npos; at = type.find(word, at + 1))
    if (at == 0 || !is_letter(type[at - 1])) return true;
  return false;
}

/// The settings that open the gates of the definition's types, as far as this server knows and needs them.
Result<Settings> gate_settings(Client& client, const TargetDefinition& definition) {
  std::set<std::string> wanted;
  for (const auto& column : definition.columns)
    for (const auto& gate : kTypeGates)
      if (mentions(column.type, gate.word))
        for (const char* name : gate.settings)
          wanted.insert(literal(name));
  Settings out;
  if (wanted.empty()) return out;
  PENSTOCK_ASSIGN(const auto rows,
                  look(client,
                       fmt::format("SELECT name FROM system.settings WHERE value = '0' AND name IN ({})",
                                   fmt::join(wanted, ", ")),
                       "look at settings"));
  for (const auto& row : rows)
    out[row.at(0)] = "1";
  return out;
}

/// An expression over a type whose type is that type, without a value ever being made.
using TypeProbe = std::string (*)(const std::string& type);

std::string probe_default(const std::string& type) {
  return fmt::format("toTypeName(defaultValueOfTypeName({}))", literal(type));
}

/// Types that we do not encode ourselves travel as String, or Nullable(String).
std::string probe_cast_from_text(const std::string& type) {
  const char* text = is_nullable(type) ? "materialize(CAST('' AS Nullable(String)))" : "materialize('')";
  return fmt::format("toTypeName(CAST({}, {}))", text, literal(type));
}

Result<Rows> probe_types(Client& client, TypeProbe probe, const std::vector<TargetColumn>& columns,
                         const Settings& settings) {
  std::vector<std::string> items;
  items.reserve(columns.size());
  for (const auto& column : columns)
    items.push_back(probe(column.type));
  return look(client, fmt::format("SELECT {}", fmt::join(items, ", ")), "check column types", settings);
}

/// The types as the server writes them, one row; asks one by one when it refuses, to say whose fault it is.
Result<std::vector<std::string>> server_types(Client& client, TypeProbe probe,
                                              const TargetDefinition& definition,
                                              const std::vector<TargetColumn>& columns) {
  if (columns.empty()) return std::vector<std::string>{};
  PENSTOCK_ASSIGN(const auto settings, gate_settings(client, definition));
  auto rows = probe_types(client, probe, columns, settings);
  if (rows && rows->size() == 1 && rows->front().size() == columns.size()) return std::move(rows->front());
  if (rows)
    return fail(ErrorKind::Internal, "DestinationRequestInvalid", "the server lists other types than asked");
  if (!refuses_the_text(rows.error())) return fail(rows.error());
  for (const auto& column : columns) {
    const auto one = probe_types(client, probe, {column}, settings);
    if (one || !refuses_the_text(one.error())) continue;
    return fail(definition_fault(
        definition, "TargetTypeInvalid",
        fmt::format("\"{}\", the type of column {}, is none that this server {} ({})", column.type,
                    column.name, probe == probe_default ? "takes" : "makes of text", one.error().message),
        "Correct the type in spec.tables[].columns"));
  }
  return fail(rows.error());
}

/// Columns, types and sorting key were checked before, and what the partition expression is made of: what is
/// left is what a server takes for no key.
Error blame_partition_by(const TargetDefinition& definition, Error error) {
  constexpr std::array kLikely{"DestinationStatementInvalid", "TargetColumnMissing", "TargetColumnType",
                               "DestinationRejected"};
  const bool likely = std::find(kLikely.begin(), kLikely.end(), error.reason) != kLikely.end();
  const bool named = error.message.find("artition key") != std::string::npos;
  if (definition.partition_by.empty() || !(likely || named)) return error;
  return partition_by_invalid(definition, fmt::format("is refused: {}", error.message));
}

}  // namespace

Result<TargetDefinition> with_server_types(Client& client, TargetDefinition definition) {
  PENSTOCK_ASSIGN(const auto types, server_types(client, probe_default, definition, definition.columns));
  std::vector<TargetColumn> foreign;
  for (std::size_t at = 0; at < types.size(); ++at) {
    definition.columns[at].type = types[at];
    if (ColumnType::parse(types[at]).kind == ColumnType::Kind::Other)
      foreign.push_back(definition.columns[at]);
  }
  PENSTOCK_TRY(server_types(client, probe_cast_from_text, definition, foreign));
  return definition;
}

Result<TargetDefinition> with_partition_key(Client& client, TargetDefinition definition) {
  if (definition.partition_by.empty() || definition.engine == Engine::Null) return definition;
  PENSTOCK_ASSIGN(const auto settings, gate_settings(client, definition));
  PENSTOCK_ASSIGN(definition.partition_key, check_partition_by(client, definition, settings));
  return definition;
}

namespace {

/// In one statement for each hundred types or so: a statement has a limit.
Result<TypeTexts> ask_in_pieces(Client& client, TypeProbe probe, const std::vector<TargetColumn>& columns,
                                const Settings& settings) {
  constexpr std::size_t kPiece = 100;
  TypeTexts out;
  for (std::size_t from = 0; from < columns.size(); from += kPiece) {
    const std::vector<TargetColumn> piece(
        columns.begin() + static_cast<std::ptrdiff_t>(from),
        columns.begin() + static_cast<std::ptrdiff_t>(std::min(columns.size(), from + kPiece)));
    const auto rows = probe_types(client, probe, piece, settings);
    if (!rows && refuses_the_text(rows.error())) return TypeTexts{};
    if (!rows) return fail(rows.error());
    if (rows->size() != 1 || rows->front().size() != piece.size()) return TypeTexts{};
    for (std::size_t at = 0; at < piece.size(); ++at)
      out[piece[at].type] = rows->front()[at];
  }
  return out;
}

}  // namespace

Result<TypeTexts> ask_types(Client& client, const std::vector<TargetDefinition>& definitions) {
  TargetDefinition all;
  std::set<std::string> texts;
  for (const auto& definition : definitions)
    for (const auto& column : definition.columns)
      if (texts.insert(column.type).second) all.columns.push_back(column);
  PENSTOCK_ASSIGN(const auto settings, gate_settings(client, all));
  PENSTOCK_ASSIGN(auto out, ask_in_pieces(client, probe_default, all.columns, settings));
  std::vector<TargetColumn> foreign;
  for (auto& column : all.columns)
    if (const auto at = out.find(column.type);
        at != out.end() && ColumnType::parse(at->second).kind == ColumnType::Kind::Other)
      foreign.push_back({column.name, at->second, ""});
  if (foreign.empty()) return out;
  PENSTOCK_ASSIGN(const auto made, ask_in_pieces(client, probe_cast_from_text, foreign, settings));
  return made.empty() ? TypeTexts{} : out;
}

Result<TargetDefinition> with_server_types(Client& client, TargetDefinition definition,
                                           const TypeTexts& known) {
  const bool all = std::all_of(definition.columns.begin(), definition.columns.end(),
                               [&](const TargetColumn& column) { return known.contains(column.type); });
  if (!all) return with_server_types(client, std::move(definition));
  for (auto& column : definition.columns)
    column.type = known.at(column.type);
  return definition;
}

Status make_database(Client& client, const std::string& database) {
  PENSTOCK_ASSIGN(
      const auto found,
      look(client, fmt::format("SELECT 1 FROM system.databases WHERE name = {}", literal(database)),
           "look at database " + database));
  if (!found.empty()) return {};
  auto done = client.execute(
      {"CREATE DATABASE IF NOT EXISTS " + quote(database), {}, false, true, "create database " + database});
  if (!done && done.error().reason == "DestinationAccessDenied")
    return fail(ErrorKind::NeedsUser, "DestinationDatabaseMissing",
                fmt::format("database {} is not there, and the user may not create it: {}", database,
                            done.error().message),
                "Create the database, or grant the user CREATE DATABASE");
  return done;
}

namespace {

/// Sent again, where its answer was lost: it makes one table in any case.
Status create(Client& client, const TargetDefinition& definition,
              std::string (*sql)(const TargetDefinition&)) {
  const auto name = quote(definition.database) + "." + quote(definition.table);
  PENSTOCK_ASSIGN(const auto exact, with_partition_key(client, definition));
  PENSTOCK_ASSIGN(const auto settings, gate_settings(client, exact));
  auto done = client.execute({sql(exact), settings, false, true, "create table " + name});
  if (!done) return fail(blame_partition_by(definition, std::move(done).error()));
  return {};
}

}  // namespace

Result<bool> create_new_target(Client& client, const TargetDefinition& definition) {
  auto made = create(client, definition, create_new_sql);
  if (!made && made.error().reason == "TargetExists") return false;
  if (!made) return fail(std::move(made).error());
  return true;
}

Status create_target(Client& client, const TargetDefinition& definition) {
  if (auto faults = check_definition(definition); !faults.empty()) return fail(std::move(faults.front()));
  PENSTOCK_TRY(make_database(client, definition.database));
  const auto name = quote(definition.database) + "." + quote(definition.table);
  PENSTOCK_ASSIGN(const auto present,
                  look(client,
                       fmt::format("SELECT 1 FROM system.tables WHERE database = {} AND name = {}",
                                   literal(definition.database), literal(definition.table)),
                       "look at table " + name));
  if (!present.empty()) return {};
  PENSTOCK_ASSIGN(const auto exact, with_server_types(client, definition));
  return create(client, exact, create_sql);
}

}  // namespace penstock::clickhouse
