#include <fmt/format.h>

#include "tests/histories/model.hpp"

namespace penstock::histories {
namespace {

std::string a_text(Dice& dice, bool key) {
  if (key) return fmt::format("'k{}'", dice.number(1, 12));
  static const std::vector<std::string> kTexts{
      "''", "'a'", "'Größe'", "'o''clock'", "E'tab\\there'", "'NULL'", "E'\\\\N'", "'{1,\"x\"}'", "'日本'"};
  return dice.one_of(kTexts);
}

std::string a_moment(Dice& dice, bool key) {
  if (key) return fmt::format("'2020-01-{:02} 00:00:00+00'", dice.number(1, 12));
  if (dice.chance(4)) return dice.chance(50) ? "'infinity'" : "'0044-03-15 BC'";
  return fmt::format("'20{:02}-{:02}-{:02} {:02}:{:02}:{:02}.{:06}+00'", dice.number(0, 60),
                     dice.number(1, 12), dice.number(1, 28), dice.number(0, 23), dice.number(0, 59),
                     dice.number(0, 59), dice.number(0, 999999));
}

std::string of_scalar(Dice& dice, const std::string& type, bool key) {
  const auto n = [&] { return dice.number(key ? 1 : -30000, key ? 12 : 30000); };
  if (type == "text" || type == "varchar(20)" || type == "char(8)") return a_text(dice, key);
  if (type.starts_with("timestamp")) return a_moment(dice, key);
  if (type == "date")
    return fmt::format("'2020-{:02}-{:02}'", key ? 1 : dice.number(1, 12), dice.number(1, 12));
  if (type == "bool") return dice.chance(50) ? "true" : "false";
  if (type == "uuid") return fmt::format("'00000000-0000-4000-8000-{:012}'", dice.number(1, 12));
  if (type == "bytea") return fmt::format("'\\x00{:04x}'", dice.number(1, key ? 12 : 60000));
  if (type == "jsonb" || type == "json") return fmt::format("'{{\"b\":  {}, \"a\": null}}'", n());
  if (type == "mood") return dice.chance(50) ? "'calm'" : "'wild'";
  if (type == "pair") return fmt::format("'({},x)'", n());
  if (type.starts_with("numeric") || type == "price")
    return fmt::format("{}.{}", n(), key ? 0 : dice.number(0, 99));
  if (type.starts_with("float")) return fmt::format("{}.25", n());
  if (type == "interval") return fmt::format("'{} days 03:04:05'", n() % 100);
  if (type == "cidr") return fmt::format("'10.0.0.{}/32'", dice.number(1, 12));
  if (type == "inet") return fmt::format("'10.0.0.{}'", dice.number(1, 12));
  return std::to_string(n());
}

}  // namespace

std::string literal(Dice& dice, const std::string& type, bool key) {
  if (!key && dice.chance(10)) return "NULL";
  if (type == "big") return fmt::format("big({})", dice.number(1, 99));
  if (type == "card") return fmt::format("'SECRET {}'", dice.number(1, 99));
  if (!type.ends_with("[]")) return of_scalar(dice, type, key);
  const auto element = type.substr(0, type.size() - 2);
  switch (dice.number(0, 3)) {
    case 0:
      return "'{}'";
    case 1:
      return fmt::format("ARRAY[{}, NULL]::{}", of_scalar(dice, element, false), type);
    default:
      return fmt::format("ARRAY[{}]::{}", of_scalar(dice, element, false), type);
  }
}

std::string any_type(Dice& dice) {
  static const std::vector<std::string> kTypes{
      "int",     "int",           "bigint",    "smallint",    "text",     "text",        "big",     "big",
      "numeric", "numeric(12,2)", "timestamp", "date",        "bool",     "uuid",        "bytea",   "jsonb",
      "json",    "mood",          "mood[]",    "timestamptz", "int[]",    "text[]",      "pair",    "pair[]",
      "price",   "float8",        "float4",    "inet",        "interval", "varchar(20)", "char(8)", "cidr"};
  return dice.one_of(kTypes);
}

std::string any_key_type(Dice& dice) {
  static const std::vector<std::string> kTypes{"int",  "int",     "int",   "bigint",
                                               "text", "uuid",    "mood",  "timestamptz",
                                               "date", "numeric", "bytea", "varchar(20)"};
  return dice.one_of(kTypes);
}

}  // namespace penstock::histories
