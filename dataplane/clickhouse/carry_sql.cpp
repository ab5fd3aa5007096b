#include "dataplane/clickhouse/carry_sql.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "dataplane/clickhouse/key_text.hpp"

namespace penstock::clickhouse {
namespace {

using Names = std::vector<std::string>;

// An alias hides a column of its name from the expressions beside it: none may be a user's column.
constexpr std::string_view kKeyAlias = "_penstock_carry_key_";
constexpr std::string_view kHeldAlias = "_penstock_carry_held";
constexpr std::string_view kRowAlias = "_penstock_carry_row";

const TargetColumn* stored(const TargetTable& table, std::string_view name) {
  for (const auto& column : table.columns)
    if (column.name == name)
      return column.default_kind.empty() || column.default_kind == "DEFAULT" ? &column : nullptr;
  return nullptr;
}

bool has_tombstones(const TargetTable& table) {
  const auto* version = stored(table, kVersionColumn);
  const auto* deleted = stored(table, kDeletedColumn);
  return plain_engine(table.engine) == "ReplacingMergeTree" && version != nullptr && deleted != nullptr &&
         (version->type == "UInt128" || version->type == "UInt64") && deleted->type == "UInt8";
}

/// NULL where the value is none of the staging table's type.
std::string cast_to(std::string_view expression, std::string_view type) {
  const auto plain = value_type(type);
  return fmt::format("CAST(accurateCastOrNull({}, {}) AS Nullable({}))", expression, literal(plain), plain);
}

/// The key column as the staging table has it, of one and the same type from both tables.
std::string key_of_target(const CarriedColumn& column) {
  return column.cast ? cast_to(quote(column.name), column.to) : quote(column.name);
}
std::string key_of_staging(const CarriedColumn& column) {
  return column.cast ? fmt::format("CAST({} AS Nullable({}))", quote(column.name), value_type(column.to))
                     : quote(column.name);
}

/// A key that would become another one, there and back again, is a key that the staging table cannot have.
std::string keeps_its_value(const CarriedColumn& column) {
  return fmt::format("if(isNull({0}), {1}, ifNull({2} = {0}, 0))", quote(column.name),
                     is_nullable(column.to) ? 1 : 0, cast_to(key_of_target(column), column.from));
}

using KeyExpression = std::string (*)(const CarriedColumn&);

/// Only to leave out most keys that are no tombstones: two keys may have one hash. NULL has none of its own.
std::string hash_of(const Carry& carry, KeyExpression expression) {
  Names parts;
  for (const auto& column : carry.key)
    parts.push_back(column.cast || is_nullable(column.to)
                        ? fmt::format("ifNull(toString({}), '')", expression(column))
                        : expression(column));
  return fmt::format("cityHash64({})", fmt::join(parts, ", "));
}

Names key_items(const Carry& carry, KeyExpression expression) {
  Names out;
  for (std::size_t at = 0; at < carry.key.size(); ++at)
    out.push_back(fmt::format("{} AS {}{}", expression(carry.key[at]), kKeyAlias, at));
  return out;
}

Names key_aliases(const Carry& carry) {
  Names out;
  for (std::size_t at = 0; at < carry.key.size(); ++at)
    out.push_back(fmt::format("{}{}", kKeyAlias, at));
  return out;
}

std::string name_of(const Carry& carry, const std::string& table) {
  return quote(carry.database) + "." + quote(table);
}

/// " AND …" for the keys of the target that the staging table can have.
std::string castable_keys(const Carry& carry) {
  std::string out;
  for (const auto& column : carry.key)
    if (column.cast) out += " AND " + keeps_its_value(column);
  return out;
}

std::string hashes_of_tombstones(const Carry& carry, std::uint64_t slice, std::uint64_t slices) {
  const auto hash = hash_of(carry, key_of_target);
  const auto part = slices > 1 ? fmt::format(" AND {} % {} = {}", hash, slices, slice) : "";
  return fmt::format("SELECT {} FROM {} WHERE {} != 0{}", hash, name_of(carry, carry.target), kDeletedColumn,
                     part);
}

/// The rows of the target whose key has a tombstone, and those keys as far as the staging table holds them.
/// A row is an array, so that "none" needs no type.
std::string rows_sql(const Carry& carry, const std::string& hashes) {
  Names row{kVersionColumn};
  for (const auto& column : carry.others)
    row.push_back(quote(column.name));
  const auto of_target =
      fmt::format("SELECT {}, {}, {}, 0 AS {}, [tuple({})] AS {} FROM {} PREWHERE {} IN ({}) WHERE 1{}",
                  fmt::join(key_items(carry, key_of_target), ", "), kVersionColumn, kDeletedColumn,
                  kHeldAlias, fmt::join(row, ", "), kRowAlias, name_of(carry, carry.target),
                  hash_of(carry, key_of_target), hashes, castable_keys(carry));
  const auto of_staging = fmt::format(
      "SELECT {}, CAST(0 AS {}) AS {}, toUInt8(0) AS {}, 1 AS {}, [] AS {} FROM {} PREWHERE {} IN ({})",
      fmt::join(key_items(carry, key_of_staging), ", "), carry.version_type, kVersionColumn, kDeletedColumn,
      kHeldAlias, kRowAlias, name_of(carry, carry.staging), hash_of(carry, key_of_staging), hashes);
  return of_target + "\nUNION ALL\n" + of_staging;
}

/// Of one version a live row counts as the newer: a change of the key writes both with one. What an
/// earlier resync carried has version 0 and no live row beside it.
std::string deleted_keys_sql(const Carry& carry, const std::string& rows) {
  const auto keys = fmt::format("{}", fmt::join(key_aliases(carry), ", "));
  return fmt::format(
      "SELECT {0}, argMaxIf({1}, {2}, {3} != 0)[1] AS {1}\nFROM (\n{4}\n)\nGROUP BY {0}\n"
      "HAVING max({5}) = 0 AND countIf({3} != 0) > 0 AND"
      " (countIf({3} = 0) = 0 OR maxIf({2}, {3} != 0) > maxIf({2}, {3} = 0))",
      keys, kRowAlias, kVersionColumn, kDeletedColumn, rows, kHeldAlias);
}

}  // namespace

std::optional<Carry> plan_carry(const TargetTable& target, const TargetTable& staging) {
  if (!has_tombstones(target) || !has_tombstones(staging)) return std::nullopt;
  Carry out{target.database, target.table, staging.table, stored(target, kVersionColumn)->type, {}, {}};
  const auto key = split_key(staging.sorting_key);
  for (const auto& name : key) {
    const auto* from = stored(target, name);
    const auto* to = stored(staging, name);
    if (from == nullptr || to == nullptr) return std::nullopt;
    out.key.push_back({name, from->type, to->type, from->type != to->type});
  }
  if (out.key.empty()) return std::nullopt;
  for (const auto& column : staging.columns) {
    const bool in_key = std::find(key.begin(), key.end(), column.name) != key.end();
    if (in_key || column.name == kVersionColumn || column.name == kDeletedColumn) continue;
    const auto* from = stored(target, column.name);
    if (from == nullptr || stored(staging, column.name) == nullptr) continue;
    out.others.push_back({column.name, from->type, column.type, !type_holds(column.type, from->type)});
  }
  return out;
}

std::string probe_cast_sql(const CarriedColumn& column) {
  return fmt::format(
      "SELECT {}",
      cast_to(fmt::format("materialize(defaultValueOfTypeName({}))", literal(column.from)), column.to));
}

std::string count_tombstones_sql(const Carry& carry) {
  return fmt::format("SELECT count() FROM {} WHERE {} != 0", name_of(carry, carry.target), kDeletedColumn);
}

std::string carry_sql(const Carry& carry, std::uint64_t slice, std::uint64_t slices) {
  Names names;
  Names values = key_aliases(carry);
  for (const auto& column : carry.key)
    names.push_back(quote(column.name));
  for (std::size_t at = 0; at < carry.others.size(); ++at) {
    const auto& column = carry.others[at];
    const auto value = fmt::format("tupleElement({}, {})", kRowAlias, at + 2);
    names.push_back(quote(column.name));
    values.push_back(column.cast ? cast_to(value, column.to) : value);
  }
  names.insert(names.end(), {kVersionColumn, kDeletedColumn});
  values.insert(values.end(), {"0", "1"});
  return fmt::format("INSERT INTO {} ({})\nSELECT {}\nFROM (\n{}\n)", name_of(carry, carry.staging),
                     fmt::join(names, ", "), fmt::join(values, ", "),
                     deleted_keys_sql(carry, rows_sql(carry, hashes_of_tombstones(carry, slice, slices))));
}

}  // namespace penstock::clickhouse
