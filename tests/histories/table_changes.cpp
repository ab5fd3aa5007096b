#include <fmt/format.h>

#include "tests/histories/model.hpp"

namespace penstock::histories {
namespace {

using Statements = std::vector<std::string>;

std::string alter(const Table& table, const std::string& what) {
  return fmt::format("ALTER TABLE {} {}", table.name, what);
}

std::string list_of(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& each : names)
    out += (out.empty() ? "\"" : ", \"") + each + '"';
  return out;
}

/// Two columns at most, of those there are.
std::vector<std::string> some_columns(Dice& dice, const Table& table) {
  std::vector<std::string> out{dice.one_of(table.columns).name};
  if (const auto& more = dice.one_of(table.columns).name; dice.chance(40) && more != out[0])
    out.push_back(more);
  return out;
}

Statements change_identity(Dice& dice, World& world, Table& table) {
  switch (dice.number(1, 6)) {
    case 1:
      return {alter(table, "REPLICA IDENTITY NOTHING")};
    case 2:
    case 3:
      return {alter(table, "REPLICA IDENTITY DEFAULT")};
    case 4:
      return {alter(table, "REPLICA IDENTITY FULL")};
    default: {
      const auto index = world.fresh("i");
      const auto columns = some_columns(dice, table);
      Statements out;
      for (const auto& each : columns)
        out.push_back(alter(table, fmt::format("ALTER \"{}\" SET NOT NULL", each)));
      out.push_back(fmt::format("CREATE UNIQUE INDEX {} ON {} ({})", index, table.name, list_of(columns)));
      out.push_back(alter(table, "REPLICA IDENTITY USING INDEX " + index));
      if (dice.chance(15)) out.push_back("DROP INDEX " + index);
      return out;
    }
  }
}

/// The name of a primary key's constraint is not known by now: it is looked up.
std::string drop_key(const Table& table) {
  return fmt::format(
      "DO $$ BEGIN EXECUTE 'ALTER TABLE {0} DROP CONSTRAINT ' || (SELECT conname FROM pg_constraint WHERE "
      "conrelid = "
      "'{0}'::regclass AND contype = 'p'); END $$",
      table.name);
}

Statements change_key(Dice& dice, Table& table) {
  const auto former = table.key;
  const auto next = dice.chance(30) ? former : some_columns(dice, table);
  const auto put = [&](const std::vector<std::string>& key) {
    return alter(table,
                 fmt::format("ADD PRIMARY KEY ({}){}", list_of(key), dice.chance(10) ? " DEFERRABLE" : ""));
  };
  Statements out{drop_key(table)};
  if (dice.chance(15)) return out;  // without one from now on
  if (dice.chance(50)) out.insert(out.begin(), "BEGIN");
  out.push_back(put(next));
  if (out[0] == "BEGIN") out.emplace_back("COMMIT");
  table.key = next;
  return out;
}

Statements rename(Dice& dice, World& world, Table& table) {
  const auto away = world.fresh("away");
  Statements out{alter(table, "RENAME TO " + away)};
  if (dice.chance(70)) {
    out.push_back(
        fmt::format("DELETE FROM public.{} WHERE ctid IN (SELECT ctid FROM public.{} LIMIT 1)", away, away));
    out.push_back(fmt::format("ALTER TABLE public.{} RENAME TO {}", away, table.name.substr(7)));
    if (dice.chance(30)) {
      out.insert(out.begin(), "BEGIN");
      out.emplace_back("COMMIT");
    }
    return out;
  }
  out.push_back(fmt::format("CREATE TABLE {} (LIKE public.{} INCLUDING ALL)", table.name, away));
  out.push_back(fmt::format("INSERT INTO {0} SELECT * FROM public.{1} LIMIT 2", table.name, away));
  return out;
}

Statements move(const Table& table) {
  const auto bare = table.name.substr(7);
  return {alter(table, "SET SCHEMA aside"),
          fmt::format("DELETE FROM aside.{0} WHERE ctid IN (SELECT ctid FROM aside.{0} "
                      "LIMIT 1)",
                      bare),
          fmt::format("ALTER TABLE aside.{} SET SCHEMA public", bare)};
}

Statements make_anew(const Table& table) {
  return {fmt::format("CREATE TABLE aside.copy (LIKE {} INCLUDING ALL)", table.name),
          "DROP TABLE " + table.name + " CASCADE",
          fmt::format("ALTER TABLE aside.copy RENAME TO {}", table.name.substr(7)),
          fmt::format("ALTER TABLE aside.{} SET SCHEMA public", table.name.substr(7))};
}

Statements change_types(Dice& dice) {
  static const std::vector<Statements> kChanges{
      {"ALTER TYPE mood RENAME VALUE 'calm' TO 'quiet'"},
      {"ALTER TYPE mood RENAME VALUE 'quiet' TO 'calm'"},
      {"ALTER TYPE mood ADD VALUE IF NOT EXISTS 'odd'"},
      {"ALTER TYPE pair ADD ATTRIBUTE c int"},
      {"ALTER TYPE pair DROP ATTRIBUTE c"},
      {"ALTER TYPE pair RENAME ATTRIBUTE b TO z"},
      {"ALTER TYPE mood RENAME VALUE 'calm' TO 'x'", "ALTER TYPE mood RENAME VALUE 'wild' TO 'calm'",
       "ALTER TYPE mood RENAME VALUE 'x' TO 'wild'"}};
  return dice.one_of(kChanges);
}

}  // namespace

std::vector<std::string> change_table(Dice& dice, World& world, Table& table) {
  if (!table.parts.empty() && dice.chance(70)) return change_parts(dice, world, table);
  switch (dice.number(1, 12)) {
    case 1:
    case 2:
      return change_identity(dice, world, table);
    case 3:
    case 4:
      return change_key(dice, table);
    case 5:
    case 6:
      return rename(dice, world, table);
    case 7:
      return move(table);
    case 8:
      return make_anew(table);
    case 9:
    case 10:
      return change_types(dice);
    case 11:
      return {"VACUUM FULL " + table.name};
    default:
      return {alter(table, "SET UNLOGGED"), change_rows(dice, world), alter(table, "SET LOGGED")};
  }
}

std::vector<std::string> change_parts(Dice& dice, World& world, Table& table) {
  const auto part = table.parts.empty() ? table.name : dice.one_of(table.parts);
  const auto fresh = table.name + "_" + std::to_string(table.next_part++);
  const int from = 20 * table.next_part;
  const auto bounds = fmt::format("FOR VALUES FROM ({}) TO ({})", from, from + 20);
  const int kind = dice.number(1, 9);
  if (kind >= 8 && table.partitioned) {  // and does not stay, or is not followed
    Statements out{fmt::format("CREATE {}TABLE {} PARTITION OF {} {}", dice.chance(20) ? "UNLOGGED " : "",
                               fresh, table.name, bounds),
                   fmt::format("INSERT INTO {} (k) VALUES ({})", table.name, from + 1)};
    static const std::vector<std::string> kEnds{"DROP TABLE ", "TRUNCATE ", "VACUUM FULL ", "DELETE FROM "};
    if (dice.chance(70)) out.push_back(dice.one_of(kEnds) + fresh);
    table.parts.push_back(fresh);
    return out;
  }
  if (kind <= 2) {
    table.parts.push_back(fresh);
    Statements out{table.partitioned
                       ? fmt::format("CREATE TABLE {} (LIKE {} INCLUDING ALL)", fresh, table.name)
                       : fmt::format("CREATE TABLE {} (PRIMARY KEY (k)) INHERITS ({})", fresh, table.name)};
    out.push_back(
        fmt::format("INSERT INTO {} (k) VALUES ({})", fresh, from + (table.inherited ? 10'000 : 1)));
    if (table.partitioned) out.push_back(alter(table, fmt::format("ATTACH PARTITION {} {}", fresh, bounds)));
    return out;
  }
  if (kind == 3) return {"TRUNCATE " + part};
  if (kind == 4) return {"DROP TABLE " + part};
  if (kind == 5)
    return {fmt::format("ALTER TABLE {} REPLICA IDENTITY {}", part, dice.chance(50) ? "FULL" : "DEFAULT")};
  if (kind == 6)
    return {fmt::format("ALTER TABLE {} SET UNLOGGED", part), change_rows(dice, world),
            fmt::format("ALTER TABLE {} SET LOGGED", part)};
  const auto leave = table.partitioned ? alter(table, "DETACH PARTITION " + part)
                                       : fmt::format("ALTER TABLE {} NO INHERIT {}", part, table.name);
  if (!table.partitioned && dice.chance(50))
    return {leave, fmt::format("DELETE FROM {}", part),
            fmt::format("ALTER TABLE {} INHERIT {}", part, table.name)};
  return {leave};
}

std::vector<std::string> change_publication(Dice& dice, World& world, Table& table) {
  const auto alter_it = [&](const std::string& what) -> std::string {
    if (!world.publication.empty()) return fmt::format("ALTER PUBLICATION {} {}", world.publication, what);
    std::string doubled;
    for (const char c : what)
      doubled += c == '\'' ? "''" : std::string(1, c);
    return fmt::format(
        "DO $$ BEGIN EXECUTE format('ALTER PUBLICATION %I {}', (SELECT pubname FROM pg_publication)); END $$",
        doubled);
  };
  const auto changed = change_rows(dice, world);
  switch (dice.number(1, 5)) {
    case 1:
      return {alter_it("DROP TABLE " + table.name), changed, alter_it("ADD TABLE " + table.name)};
    case 2:
      return {alter_it("DROP TABLE " + table.name), changed};
    case 3:
      return {alter_it("SET (publish = 'insert, update')"), changed,
              alter_it("SET (publish = 'insert, update, delete, truncate')")};
    case 4:
      return {alter_it("DROP TABLE " + table.name),
              alter_it(fmt::format("ADD TABLE {} WHERE (\"{}\" IS NOT NULL AND false)", table.name,
                                   table.key.empty() ? "k" : table.key[0])),
              changed, alter_it("DROP TABLE " + table.name), alter_it("ADD TABLE " + table.name)};
    default:
      return {alter_it("SET (publish_via_partition_root = false)"), changed,
              alter_it("SET (publish_via_partition_root = true)")};
  }
}

}  // namespace penstock::histories
