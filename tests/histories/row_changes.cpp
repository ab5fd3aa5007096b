#include <fmt/format.h>

#include <algorithm>

#include "tests/histories/model.hpp"

namespace penstock::histories {
namespace {

std::string quoted(const std::string& name) {
  return '"' + name + '"';
}

/// Where the row is: of an inherited table, in a child now and then, whose keys are its own, as `orderBy`
/// says (nothing in PostgreSQL sees to it).
struct Place {
  std::string table;
  int key_offset = 0;
};

Place place(Dice& dice, const Table& table) {
  const bool by_number = std::any_of(table.key.begin(), table.key.end(), [&](const auto& name) {
    const auto* column = table.column(name);
    return column != nullptr && column->type == "int";
  });
  if (!table.inherited || !by_number || dice.chance(50)) return {table.name, 0};
  const int part = dice.number(0, static_cast<int>(table.parts.size()) - 1);
  return {table.parts[static_cast<std::size_t>(part)], 100 * (part + 1)};
}

std::string key_value(Dice& dice, const std::string& type, const Place& place) {
  const auto value = literal(dice, type, true);
  return type == "int" && place.key_offset > 0 ? fmt::format("{} + {}", value, place.key_offset) : value;
}

/// The whole row or the parts of its key: "k = 3 AND k2 = 'k1'".
std::string where(Dice& dice, const Table& table, const Place& place) {
  std::string out;
  for (const auto& name : table.key) {
    const auto* column = table.column(name);
    if (!out.empty() && dice.chance(30)) break;
    out += fmt::format("{}{} = {}", out.empty() ? "" : " AND ", quoted(name),
                       key_value(dice, column == nullptr ? "int" : column->type, place));
  }
  return out.empty() ? "true" : out;
}

std::string on_conflict(Dice& dice, const Table& table, const std::string& updates) {
  if (table.key.empty() || updates.empty() || dice.chance(70))
    return dice.chance(50) ? "" : " ON CONFLICT DO NOTHING";
  std::string key;
  for (const auto& each : table.key)
    key += (key.empty() ? "" : ", ") + quoted(each);
  return fmt::format(" ON CONFLICT ({}) DO UPDATE SET {}", key, updates);
}

std::string insert(Dice& dice, const Table& table) {
  std::string names, values, updates;
  const auto into = place(dice, table);
  for (const auto& column : table.columns) {
    const bool key = table.in_key(column.name);
    if (!key && dice.chance(15)) continue;
    names += (names.empty() ? "" : ", ") + quoted(column.name);
    values += values.empty() ? "" : ", ";
    values += key ? key_value(dice, column.type, into) : literal(dice, column.type, false);
    if (!key)
      updates += fmt::format("{0}{1} = excluded.{1}", updates.empty() ? "" : ", ", quoted(column.name));
  }
  return fmt::format("INSERT INTO {} ({}) VALUES ({}){}", into.table, names, values,
                     on_conflict(dice, table, updates));
}

std::string update(Dice& dice, const Table& table, bool all) {
  std::string sets;
  for (const auto& column : table.columns) {
    if (table.in_key(column.name) || dice.chance(60)) continue;
    sets += fmt::format("{}{} = {}", sets.empty() ? "" : ", ", quoted(column.name),
                        literal(dice, column.type, false));
  }
  if (sets.empty()) return insert(dice, table);
  return fmt::format("UPDATE {} SET {} WHERE {}", table.name, sets,
                     all ? "true" : where(dice, table, place(dice, table)));
}

std::string move(Dice& dice, const Table& table) {
  if (table.key.empty()) return update(dice, table, false);
  const auto& name = dice.one_of(table.key);
  const auto* column = table.column(name);
  if (column == nullptr) return update(dice, table, false);
  const auto from = place(dice, table);
  return fmt::format("UPDATE {} SET {} = {} WHERE {}", table.name, quoted(name),
                     key_value(dice, column->type, from), where(dice, table, from));
}

/// Only the key has values; not of every table.
std::string copy(Dice& dice, const Table& table) {
  const auto* column = table.key.size() == 1 ? table.column(table.key[0]) : nullptr;
  if (column == nullptr || (column->type != "int" && column->type != "bigint")) return insert(dice, table);
  const int from = dice.number(13, 17);
  return fmt::format("COPY {} ({}) FROM PROGRAM 'seq {} {}'", table.name, quoted(column->name), from,
                     from + 2);
}

}  // namespace

std::string change_rows(Dice& dice, World& world) {
  const auto& table = dice.one_of(world.tables);
  switch (dice.number(1, 20)) {
    case 1:
    case 2:
    case 3:
    case 4:
    case 5:
    case 6:
      return insert(dice, table);
    case 7:
    case 8:
    case 9:
    case 10:
    case 11:
      return update(dice, table, false);
    case 12:
      return update(dice, table, true);
    case 13:
    case 14:
    case 15:
      return move(dice, table);
    case 16:
    case 17:
    case 18:
      return fmt::format("DELETE FROM {} WHERE {}", table.name, where(dice, table, place(dice, table)));
    case 19:
      return copy(dice, table);
    default:
      return dice.chance(40) ? "TRUNCATE " + table.name : insert(dice, table);
  }
}

}  // namespace penstock::histories
