#include "tests/types/source_type.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "tests/types/values.hpp"

namespace penstock::types {
namespace {

using Texts = std::vector<std::string>;
using Value = std::function<std::string(Random&)>;

Value one_of(Texts all) {
  return [all = std::move(all)](Random& random) { return random.of(all); };
}

std::string element_text(const SourceType& element, Random& random) {
  if (random.chance(15)) return "NULL";
  std::string out = "\"";
  for (const char c : element.value(random))
    out += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
  return out + '"';
}

std::string elements_text(const SourceType& element, Random& random, std::int64_t count) {
  const bool semicolon = element.declaration == "box";  // the one type whose elements no comma divides
  std::string out;
  for (; count > 0; --count)
    out += (out.empty() ? "" : semicolon ? ";" : ",") + element_text(element, random);
  return '{' + out + '}';
}

std::string array_text(const SourceType& element, Random& random) {
  const auto count = random.number(1, 4);
  const auto one = [&] { return elements_text(element, random, count); };
  switch (random.number(0, 9)) {
    case 0:
      return "{}";
    case 1: {
      const auto low = random.number(-3, 3);
      return fmt::format("[{}:{}]={}", low, low + count - 1, one());
    }
    case 2:
      return fmt::format("{{{}{}{}}}", one(), element.declaration == "box" ? ';' : ',', one());
    default:
      return one();
  }
}

void add_numbers(std::vector<SourceType>& out) {
  out.push_back({"bool", Family::Bool, true, true, one_of({"t", "f"})});
  for (const int bytes : {2, 4, 8})
    out.push_back({fmt::format("int{}", bytes), Family::Integer, true, true,
                   [=](Random& random) { return any_integer(random, bytes); }});
  out.push_back({"oid", Family::Other, false, false, one_of({"0", "4294967295", "2147483648"})});
  out.push_back({"float4", Family::Float4, true, true, any_float4});
  out.push_back({"float8", Family::Float8, true, true, any_float8});
  out.push_back({"numeric", Family::Numeric, true, true, any_unbounded});
}

void add_texts(std::vector<SourceType>& out) {
  const auto add = [&](const std::string& name, int most, bool key = false) {
    out.push_back({name, Family::Text, true, key, [=](Random& random) { return any_text(random, most); }});
  };
  add("text", 5000);
  add("varchar", 5000);
  add("varchar(20)", 20, true);
  add("char(1)", 1);
  add("char(10)", 10, true);
  add("name", 12);
  add("citext", 100);
  out.back().extension = "citext";
  out.push_back({"note", Family::Text, true, false, [](Random& random) { return any_text(random, 100); }});
  out.push_back({"xml", Family::Text, true, false,
                 one_of({"<a>é</a>", "", "text &amp; more", "<?xml version=\"1.0\" encoding=\"UTF-8\"?><a/>",
                         "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?><a/>",
                         "<?xml version=\"1.1\"?><a/>", "<!-- c --><a b=\"1\"/>"})});
  out.push_back({"json", Family::Text, true, false, any_json});
  out.push_back({"jsonb", Family::Text, true, false, any_jsonb});
  const auto mood = one_of({"sad", "it's, \"fine\"", "Zoë", "NULL", " "});
  out.push_back({"mood", Family::Text, true, true, mood});
  out.push_back({"gladness", Family::Text, true, false, mood});
  out.push_back({"bytea", Family::Bytea, true, false, any_bytea});
  out.push_back({"uuid", Family::Text, true, true, any_uuid});
}

void add_moments(std::vector<SourceType>& out) {
  out.push_back({"date", Family::Date, true, true, any_date});
  for (const char* zone : {"", "tz"}) {
    const auto name = fmt::format("timestamp{}", zone);
    out.push_back(
        {name, Family::Timestamp, true, true, [](Random& random) { return any_timestamp(random); }});
    for (const int digits : {0, 3})
      out.push_back({fmt::format("timestamp{}({})", zone, digits), Family::Timestamp, true, true,
                     [=](Random& random) { return any_timestamp(random, digits); }});
  }
  out.push_back({"time", Family::Time, true, true, [](Random& random) { return any_time(random); }});
  out.push_back({"time(3)", Family::Time, true, true, [](Random& random) { return any_time(random, 3); }});
  out.push_back({"timetz", Family::Other, false, false, [](Random& random) {
                   return any_time(random) + random.of(Texts{"+00", "-15:59", "+15:59:59", "+05:30"});
                 }});
  out.push_back({"interval", Family::Other, false, false, any_interval});
  out.push_back(
      {"late", Family::Timestamp, true, false, [](Random& random) { return any_timestamp(random, 3); }});
}

const Texts kDays{"Date",
                  "Date32",
                  "DateTime('UTC')",
                  "DateTime64(0, 'UTC')",
                  "DateTime64(3, 'UTC')",
                  "DateTime64(6, 'UTC')",
                  "DateTime64(9, 'UTC')"};
const Texts kNumbers{
    "Int8",          "Int16",          "Int32",           "Int64",           "UInt8",
    "UInt16",        "UInt32",         "UInt64",          "Float32",         "Float64",
    "Decimal(9, 2)", "Decimal(18, 4)", "Decimal(38, 10)", "Decimal(76, 38)", "Decimal(76, 0)",
    "Bool",          "Int128",         "UInt128",         "Int256",          "UInt256"};

/// The types that the manifest may name for these.
void add_targets(std::vector<SourceType>& all) {
  for (auto& type : all) {
    switch (type.family) {
      case Family::Bool:
        type.targets = {"UInt8", "Int8", "Int64"};
        break;
      case Family::Integer:
      case Family::Float4:
      case Family::Float8:
      case Family::Numeric:
        type.targets = kNumbers;
        break;
      case Family::Date:
      case Family::Timestamp:
        type.targets = kDays;
        break;
      case Family::Time:
        type.targets = {"Time64(0)", "Time64(3)", "Time64(9)"};
        break;
      default:
        break;
    }
  }
}

/// Types that are there for what the manifest makes of them.
void add_chosen(std::vector<SourceType>& out) {
  const auto add = [&](const std::string& name, bool binary, const Value& value, Texts targets) {
    out.push_back({name, Family::Text, binary, false, value, {}, "", 13, std::move(targets)});
  };
  add("text", true, any_foreign_text,
      {"Int32", "Int64", "UInt64", "Float64", "Float32", "Decimal(18, 4)", "UUID", "Bool", "Date32",
       "DateTime64(6, 'UTC')"});
  add("jsonb", true, one_of({"{}", "{\"a\": 1}", "{\"a\": {\"b\": [1, \"x\", null]}}", "{\"Zoë\": \"漢\"}"}),
      {"JSON"});
  add("mood", true, one_of({"sad", "it's, \"fine\"", "Zoë"}),
      {"Enum16('sad' = 1, 'Zoë' = 7)", R"(Enum8('sad' = 1, 'it\'s, "fine"' = 2, 'Zoë' = 3))"});
  add("varchar(9)", true, one_of({"1", "3", "three", ""}), {"Enum8('three' = 1, '1' = 3)"});
  add("char(5)", true, one_of({"fixed", "abcde"}), {"FixedString(5)"});
  add("inet", false, one_of({"10.0.0.1", "0.0.0.0", "255.255.255.255"}), {"IPv4"});
  out.back().family = Family::Other;
  add("inet", false, one_of({"::1", "2001:db8::1"}), {"IPv6"});
  out.back().family = Family::Other;
}

struct Known {
  const char* declaration;
  Texts values;
  const char* extension = "";
  int since = 13;
};

/// Those that arrive as their text.
const std::vector<Known> kKnown{
    {"cidr", {"10.0.0.1/32", "10.0.0.0/8", "2001:db8::/32", "::/0"}},
    {"macaddr", {"08:00:2b:01:02:03", "00:00:00:00:00:00"}},
    {"macaddr8", {"08:00:2b:01:02:03:04:05"}},
    {"money", {"12345.67", "-0.01", "92233720368547758.07", "0"}},
    {"tsvector", {"a fat cat:3A", "", "'it''s' b:1,2"}},
    {"tsquery", {"a & !b", "a <-> b", ""}},
    {"int4range", {"[1,5)", "empty", "(,)", "[,7]"}},
    {"numrange", {"[1.50,2)", "(,NaN]", "empty"}},
    {"tstzrange", {"[2024-01-01 00:00+00,infinity)", "(,0044-03-15 00:00:00+00 BC]"}},
    {"int4multirange", {"{[1,5),[7,9)}", "{}"}, "", 14},
    {"point", {"(1,2.5)", "(-0,1e300)", "(NaN,Infinity)"}},
    {"line", {"{1,-1,0}"}},
    {"lseg", {"[(0,0),(1,1e-10)]"}},
    {"box", {"(1,1),(0,0)"}},
    {"path", {"[(0,0),(1,1)]", "((0,0),(1,1))"}},
    {"polygon", {"((0,0),(1,1),(2,0))"}},
    {"circle", {"<(0,0),1.5>"}},
    {"pair", {"(1,\"a b\")", "(,)", "(,\"\")", "(1,\"q\"\"q\\\\\")"}},
    {"price_list", {"{1.25,NULL}", "{}", "{{1,2},{3,4}}"}},
    {"\"char\"", {"a", "", "é"}},
    {"pg_lsn", {"16/B374D848", "0/0", "FFFFFFFF/FFFFFFFF"}},
    {"oidvector", {"1 2 3", ""}},
    {"int2vector", {"1 -2", ""}},
    {"regtype", {"int4", "mood", "-"}},
    {"regclass", {"pg_class", "-"}},
    {"tid", {"(0,1)", "(4294967295,65535)"}},
    {"xid", {"0", "4294967295"}},
    {"jsonpath", {"$.a[*] ? (@ > 1)", "$"}},
    {"hstore", {"a=>1, b=>NULL", "", "\"q\\\"\"=>\",\""}, "hstore"},
    {"ltree", {"a.b.c", ""}, "ltree"},
    {"cube", {"(1,2),(3,4)"}, "cube"},
    {"isbn", {"978-0-393-04002-9"}, "isn"},
    {"vector(3)", {"[1,2.5,-3e-07]", "[0,0,0]"}, "vector"},
    {"geometry", {"POINT(1 2)"}, "postgis"},
};

void add_others(std::vector<SourceType>& out) {
  out.push_back({"inet", Family::Other, false, true, any_inet});
  out.push_back(
      {"bit(3)", Family::Other, false, false, [](Random& random) { return any_bits(random, 3, 3); }});
  out.push_back(
      {"varbit", Family::Other, false, false, [](Random& random) { return any_bits(random, 0, 70); }});
  for (const auto& one : kKnown)
    out.push_back(
        {one.declaration, Family::Other, false, false, one_of(one.values), {}, one.extension, one.since});
  for (auto& type : out)
    if (type.declaration == "price_list") {
      type.family = Family::Array;
      type.binary = true;
      type.element = std::make_shared<const SourceType>(
          SourceType{"price", Family::Numeric, true, false, one_of({"1.25"})});
    }
}

}  // namespace

SourceType array_of(const SourceType& element) {
  SourceType out = element;
  out.declaration += "[]";
  out.key = false;
  out.element = std::make_shared<const SourceType>(element);
  out.value = [element](Random& random) { return array_text(element, random); };
  // What travels as its text does so in an array, too, braces and all.
  if (element.family != Family::Other) out.family = Family::Array;
  out.targets = {"Array(Nullable(String))", "Array(String)"};
  for (const auto& target : element.targets) {
    if (target == "JSON") continue;
    out.targets.push_back("Array(Nullable(" + target + "))");
    out.targets.push_back("Array(" + target + ")");
  }
  if (element.family == Family::Array) out.family = Family::Other, out.binary = false;
  if (out.family == Family::Other) out.targets.clear();
  return out;
}

SourceType any_numeric(Random& random, int server_version) {
  const std::vector<int> edges{1, 2, 4, 5, 9, 10, 18, 19, 38, 39, 75, 76, 77, 100, 1000};
  const int precision = random.chance(60) ? random.of(edges) : static_cast<int>(random.number(1, 80));
  int scale = static_cast<int>(random.chance(30)   ? 0
                               : random.chance(30) ? precision
                                                   : random.number(0, precision));
  if (server_version >= 15 && random.chance(35))
    scale = static_cast<int>(random.chance(50) ? -random.number(1, 80) : precision + random.number(1, 80));
  if (scale > 1000) scale = 1000;
  const int whole = std::max(precision - scale, 0), zeros = std::max(-scale, 0);
  const int leading = std::max(scale - precision, 0);
  const bool binary = precision <= 76 && precision - scale <= 76 && scale <= 76;  // else a String
  SourceType out{fmt::format("numeric({},{})", precision, scale), Family::Numeric, binary, false, {}};
  out.targets = kNumbers;
  out.value = [=](Random& r) {
    auto text = any_decimal(r, zeros > 0 ? precision : whole, leading > 0 ? precision : std::max(scale, 0));
    if (text == "NaN" || text == "0") return text;
    if (zeros > 0) return text + std::string(static_cast<std::size_t>(zeros), '0');
    const auto point = text.find('.');
    if (leading > 0 && point != std::string::npos)
      text.insert(point + 1, static_cast<std::size_t>(leading), '0');
    return text;
  };
  return out;
}

std::vector<SourceType> source_types() {
  std::vector<SourceType> out;
  add_numbers(out);
  add_texts(out);
  add_moments(out);
  add_others(out);
  add_chosen(out);
  out.push_back({"short_price", Family::Numeric, true, true, one_of({"1.25", "-99.99", "0", "99.9"})});
  add_targets(out);
  return out;
}

std::vector<std::string> type_definitions() {
  return {R"(CREATE TYPE mood AS ENUM ('sad', 'it''s, "fine"', 'Zoë', 'NULL', ' '))",
          "CREATE DOMAIN gladness AS mood CHECK (VALUE <> 'sad' OR true)",
          "CREATE TYPE pair AS (a int, b text)",
          "CREATE DOMAIN price AS numeric(7,2)",
          "CREATE DOMAIN short_price AS price CHECK (VALUE < 100)",
          "CREATE DOMAIN price_list AS price[]",
          "CREATE DOMAIN note AS varchar(500)",
          "CREATE DOMAIN late AS timestamptz(3)"};
}

}  // namespace penstock::types
