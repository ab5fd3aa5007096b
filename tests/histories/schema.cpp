#include <fmt/format.h>

#include <functional>

#include "tests/histories/model.hpp"

namespace penstock::histories {
namespace {

/// As CREATE TABLE has it: large texts are kept out of the row, uncompressed.
std::string declared(const Column& column) {
  return "\"" + column.name + "\" " + (column.type == "big" ? "text" : column.type);
}

std::string key_of(const Table& table) {
  std::string out;
  for (const auto& each : table.key)
    out += (out.empty() ? "\"" : ", \"") + each + '"';
  return out;
}

Table plan_table(Dice& dice, int number) {
  Table out;
  out.name = out.source = fmt::format("public.t{}", number);
  const int kind = dice.number(1, 10);
  out.partitioned = kind <= 2;
  out.inherited = kind == 3;
  const bool numbers = out.partitioned || out.inherited;
  out.columns.push_back({"k", numbers ? "int" : any_key_type(dice)});
  out.key = {"k"};
  if (dice.chance(25)) {
    out.columns.push_back({"k2", any_key_type(dice)});
    out.key.emplace_back("k2");
  }
  for (int at = dice.number(1, 5); at > 0; --at)
    out.columns.push_back({fmt::format("c{}", at), any_type(dice)});
  return out;
}

void create(Dice& dice, Table& table, const std::function<void(const std::string&)>& setup) {
  std::string columns;
  for (const auto& column : table.columns)
    columns += declared(column) + ", ";
  setup(fmt::format("CREATE TABLE {} ({}PRIMARY KEY ({})){}", table.name, columns, key_of(table),
                    table.partitioned ? " PARTITION BY RANGE (k)" : ""));
  for (const auto& column : table.columns)
    if (column.type == "big")
      setup(fmt::format("ALTER TABLE {} ALTER \"{}\" SET STORAGE EXTERNAL", table.name, column.name));
  for (int at = 0; (table.partitioned || table.inherited) && at < 2; ++at) {
    const auto part = fmt::format("{}_{}", table.name, at);
    table.parts.push_back(part);
    if (table.partitioned)
      setup(fmt::format("CREATE TABLE {} PARTITION OF {} FOR VALUES FROM ({}) TO ({})", part, table.name,
                        at == 0 ? "MINVALUE" : "6", at == 0 ? "6" : "20"));
    else
      setup(fmt::format("CREATE TABLE {} (PRIMARY KEY ({})) INHERITS ({})", part, key_of(table), table.name));
  }
  table.next_part = 2;
  if (dice.chance(15)) setup(fmt::format("ALTER TABLE {} REPLICA IDENTITY FULL", table.name));
  if (dice.chance(15) && table.parts.empty()) {
    setup(
        fmt::format("CREATE UNIQUE INDEX {}_u ON {} ({})", table.name.substr(7), table.name, key_of(table)));
    setup(fmt::format("ALTER TABLE {} REPLICA IDENTITY USING INDEX {}_u", table.name, table.name.substr(7)));
  }
}

void fill(Dice& dice, const Table& table, const std::function<void(const std::string&)>& setup) {
  for (int row = dice.number(2, 8); row > 0; --row) {
    std::string values;
    for (const auto& column : table.columns)
      values += (values.empty() ? "" : ", ") + literal(dice, column.type, table.in_key(column.name));
    setup(fmt::format("INSERT INTO {} VALUES ({}) ON CONFLICT DO NOTHING", table.name, values));
  }
}

}  // namespace

void make_schema(Dice& dice, World& world, std::vector<Line>& out) {
  const auto setup = [&](const std::string& sql) { out.push_back({Line::Kind::Setup, 0, sql}); };
  setup("CREATE TYPE mood AS ENUM ('calm', 'wild')");
  setup("CREATE TYPE pair AS (a int, b text)");
  setup("CREATE DOMAIN price AS numeric(12,2)");
  setup("CREATE SCHEMA aside");
  for (int number = 1, last = dice.number(2, 4); number <= last; ++number) {
    auto table = plan_table(dice, number);
    create(dice, table, setup);
    fill(dice, table, setup);
    std::string more;
    if (dice.chance(20) && !table.inherited) {
      table.columns.push_back({"card", "card"});
      setup(fmt::format("ALTER TABLE {} ADD card text DEFAULT 'SECRET 0'", table.name));
      more += ", excludedColumns: [card]";
    }
    if (dice.chance(20)) more += ", onDifference: Resync";
    if (table.inherited) more += ", orderBy: its key";
    out.push_back({Line::Kind::Table, 0,
                   more.empty() ? table.source : fmt::format("{{source: {}{}}}", table.source, more)});
    world.tables.push_back(std::move(table));
  }
  if (!dice.chance(30)) return;
  world.publication = "theirs";
  std::string tables = "public.t_nb";
  for (const auto& table : world.tables)
    tables += ", " + table.name;
  setup(
      fmt::format("CREATE PUBLICATION theirs FOR TABLE {} WITH (publish_via_partition_root = true)", tables));
  out.push_back({Line::Kind::Source, 0, ", publication: theirs"});
}

}  // namespace penstock::histories
