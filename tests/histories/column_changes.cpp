#include <fmt/format.h>

#include <algorithm>

#include "tests/histories/model.hpp"

namespace penstock::histories {
namespace {

using Statements = std::vector<std::string>;

std::string alter(const Table& table, const std::string& what) {
  return fmt::format("ALTER TABLE {} {}", table.name, what);
}

std::string sql_type(const std::string& type) {
  return type == "big" || type == "card" ? "text" : type;
}

Statements add(Dice& dice, World& world, Table& table) {
  const Column fresh{world.fresh("a"), any_type(dice)};
  std::string more;
  switch (dice.number(0, 5)) {
    case 0:
    case 1:
      break;
    case 2:
      more = " DEFAULT random()::text";
      break;
    default:
      more = " DEFAULT " + literal(dice, fresh.type, false);
  }
  const bool text = more.ends_with("::text");
  table.columns.push_back(text ? Column{fresh.name, "text"} : fresh);
  Statements out{
      alter(table, fmt::format("ADD \"{}\" {}{}", fresh.name, text ? "text" : sql_type(fresh.type), more))};
  if (dice.chance(15)) out.push_back("VACUUM FULL " + table.name);
  if (dice.chance(15)) out.push_back(alter(table, fmt::format("ALTER \"{}\" DROP DEFAULT", fresh.name)));
  return out;
}

Statements drop(Table& table, const std::string& name, bool readd, const std::string& type) {
  Statements out{alter(table, fmt::format("DROP \"{}\"", name))};
  std::erase_if(table.columns, [&](const Column& each) { return each.name == name; });
  if (readd) {
    out.push_back(alter(table, fmt::format("ADD \"{}\" {}", name, sql_type(type))));
    table.columns.push_back({name, type});
  }
  return out;
}

void rename_in(Table& table, const std::string& from, const std::string& to) {
  for (auto& each : table.columns)
    if (each.name == from) each.name = to;
  for (auto& each : table.key)
    if (each == from) each = to;
}

Statements rename(World& world, Table& table, const std::string& name) {
  const auto to = world.fresh("r");
  rename_in(table, name, to);
  return {alter(table, fmt::format("RENAME \"{}\" TO \"{}\"", name, to))};
}

Statements trade(Dice& dice, Table& table, const std::string& one) {
  const auto two = dice.one_of(table.columns).name;
  if (one == two) return {};
  rename_in(table, one, "x");
  rename_in(table, two, one);
  rename_in(table, "x", two);
  Statements out{alter(table, fmt::format("RENAME \"{}\" TO x", one)),
                 alter(table, fmt::format("RENAME \"{}\" TO \"{}\"", two, one)),
                 alter(table, fmt::format("RENAME x TO \"{}\"", two))};
  if (dice.chance(50)) {
    out.insert(out.begin(), "BEGIN");
    out.emplace_back("COMMIT");
  }
  return out;
}

Statements retype(Dice& dice, Table& table, Column& column) {
  struct Way {
    std::string from, to, how;
  };
  static const std::vector<Way> kWays{{"smallint", "int", ""},
                                      {"int", "bigint", ""},
                                      {"int", "text", ""},
                                      {"int", "int", " USING \"{0}\" * 10"},
                                      {"bigint", "numeric", ""},
                                      {"numeric(12,2)", "numeric(20,2)", ""},
                                      {"numeric(12,2)", "numeric(20,4)", ""},
                                      {"numeric(12,2)", "numeric(12,1)", ""},
                                      {"text", "varchar(20)", " USING left(\"{0}\", 20)"},
                                      {"text", "text", " USING upper(\"{0}\")"},
                                      {"varchar(20)", "text", ""},
                                      {"char(8)", "text", ""},
                                      {"float4", "float8", ""},
                                      {"float8", "float4", ""},
                                      {"date", "timestamp", ""},
                                      {"timestamptz", "timestamp", ""},
                                      {"timestamp", "timestamptz", ""},
                                      {"json", "jsonb", ""},
                                      {"jsonb", "json", ""},
                                      {"bool", "text", ""},
                                      {"mood", "text", ""},
                                      {"uuid", "text", ""},
                                      {"int[]", "bigint[]", ""},
                                      {"price", "numeric", ""},
                                      {"cidr", "inet", ""},
                                      {"int", "oid", ""},
                                      {"big", "bytea", " USING \"{0}\"::bytea"}};
  // The keys of a table's children stay apart from its own.
  const bool apart = table.inherited && table.in_key(column.name);
  std::vector<Way> fitting;
  std::copy_if(kWays.begin(), kWays.end(), std::back_inserter(fitting),
               [&](const Way& way) { return way.from == column.type && !(apart && !way.how.empty()); });
  if (fitting.empty()) return {};
  const auto& way = dice.one_of(fitting);
  column.type = way.to;
  Statements out{
      alter(table, fmt::format("ALTER \"{}\" TYPE {}{}", column.name, way.to,
                               way.how.empty() ? "" : fmt::format(fmt::runtime(way.how), column.name)))};
  if (dice.chance(20)) out.push_back(alter(table, fmt::format("ALTER \"{}\" SET STATISTICS 7", column.name)));
  if (dice.chance(10)) out.push_back("VACUUM FULL " + table.name);
  return out;
}

}  // namespace

std::vector<std::string> change_columns(Dice& dice, World& world, Table& table) {
  auto& column = dice.one_of(table.columns);
  const auto name = column.name;
  if (table.in_key(name) && dice.chance(70)) return add(dice, world, table);
  switch (dice.number(1, 14)) {
    case 1:
    case 2:
    case 3:
      return add(dice, world, table);
    case 4:
      return drop(table, name, false, "");
    case 5:
      return drop(table, name, true, dice.chance(60) ? column.type : any_type(dice));
    case 6:
    case 7:
      return rename(world, table, name);
    case 8:
    case 9:
      return trade(dice, table, name);
    case 10:
    case 11:
    case 12:
    case 13:
      return retype(dice, table, column);
    default:
      return {alter(table, fmt::format("ALTER \"{}\" {} NOT NULL", name, dice.chance(50) ? "SET" : "DROP"))};
  }
}

}  // namespace penstock::histories
