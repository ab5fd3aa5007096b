#include "tests/integration/columns/specimens.hpp"

#include "tests/support/server_needs.hpp"

namespace penstock::test {

namespace {

const std::string kHexOfText = "upper(encode(convert_to(concat(v), 'UTF8'), 'hex'))";
const std::string kHex = "hex(v)";
const std::string kMoment = "to_char(v, 'YYYY-MM-DD HH24:MI:SS.US')";

/// Elements side by side, printed by `element` over x; NULL says so.
std::string postgres_elements(const std::string& element) {
  return "(SELECT coalesce(string_agg(CASE WHEN x IS NULL THEN 'NULL' ELSE " + element +
         " END, '|' ORDER BY n), '') "
         "FROM unnest(v) WITH ORDINALITY u(x, n))";
}
std::string clickhouse_elements(const std::string& element) {
  return "arrayStringConcat(arrayMap(x -> ifNull(" + element + ", 'NULL'), v), '|')";
}

Specimen text_like(const std::string& declaration, std::vector<std::string> values) {
  return {.name = declaration,
          .declaration = declaration,
          .values = std::move(values),
          .in_postgres = kHexOfText,
          .in_clickhouse = kHex};
}

void add_numbers(std::vector<Specimen>& out) {
  out.push_back({.name = "bool",
                 .declaration = "bool",
                 .values = {"true", "false"},
                 .in_postgres = "v::text",
                 .in_clickhouse = "toString(v)"});
  out.push_back({.name = "int2", .declaration = "int2", .values = {"0", "-32768", "32767"}});
  out.push_back({.name = "int4", .declaration = "int4", .values = {"0", "-2147483648", "2147483647"}});
  out.push_back({.name = "int8",
                 .declaration = "int8",
                 .values = {"0", "-9223372036854775808", "9223372036854775807"}});
  const std::vector<std::string> floats{"0",    "'-0'",  "1",          "0.1",        "-2.5e-10",
                                        "1e20", "'NaN'", "'Infinity'", "'-Infinity'"};
  // Both print a float by its bits: their notations differ.
  Specimen single{.name = "float4", .declaration = "float4", .values = floats};
  single.values.insert(single.values.end(), {"3.4028235e+38", "1e-45"});
  single.in_postgres = "upper(encode(float4send(v), 'hex'))";
  single.in_clickhouse = "if(isNull(v), NULL, lpad(hex(reinterpretAsUInt32(assumeNotNull(v))), 8, '0'))";
  out.push_back(single);
  Specimen twice{.name = "float8", .declaration = "float8", .values = floats};
  twice.values.insert(twice.values.end(), {"1.7976931348623157e+308", "5e-324"});
  twice.in_postgres = "upper(encode(float8send(v), 'hex'))";
  twice.in_clickhouse = "if(isNull(v), NULL, lpad(hex(reinterpretAsUInt64(assumeNotNull(v))), 16, '0'))";
  out.push_back(twice);
}

void add_decimals(std::vector<Specimen>& out) {
  const auto add = [&](const std::string& declaration, const std::vector<std::string>& values) {
    // ClickHouse prints no zeros at the end.
    out.push_back({.name = declaration,
                   .declaration = declaration,
                   .values = values,
                   .in_postgres = "trim_scale(v)::text"});
  };
  const std::string nines38(38, '9');
  add("numeric", {"0", "1", "-0.5", "10000", "0.00000000000000000000000000000000000001",
                  "-" + nines38 + "." + nines38, nines38, "1.500000"});
  add("numeric(9,2)", {"0", "-0.01", "9999999.99", "-9999999.99"});
  add("numeric(18,4)", {"0", "99999999999999.9999", "-1.5"});
  add("numeric(38,10)", {"0", std::string(28, '9') + ".9999999999", "-0.0000000001", "10000.0001"});
  add("numeric(76,76)", {"0", "-0." + std::string(76, '9')});
  add("numeric(3,-2)", {"0", "-12300", "99900"});
  out.back().since = kPg15;
  add("numeric(2,5)", {"0", "0.00019", "-0.00001"});
  out.back().since = kPg15;
  add("numeric(100,2)", {"0.5", std::string(98, '9') + ".99", "'NaN'"});
  out.back().in_postgres = "v::text";  // a String
}

void add_texts(std::vector<Specimen>& out) {
  const std::vector<std::string> texts{"''", "'abc'", "E'tab\\tnew\\nline\\\\ \"'", "'Zoë ✓ 漢'",
                                       "repeat('x', 5000)"};
  out.push_back(text_like("text", texts));
  out.push_back(text_like("varchar", texts));
  out.push_back(text_like("citext", texts));
  out.push_back(text_like("char(10)", {"''", "'abc'", "'Zoë'"}));
  out.push_back(text_like("name", {"''", "'abc'"}));
  out.push_back(
      text_like("xml", {"'<a>é</a>'", "'<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?><a/>'",
                        "'<?xml version=\"1.0\" encoding=\"UTF-8\"?><a/>'"}));
  out.push_back(text_like("json", {"'{\"a\" : 1, \"a\":2}'", "'null'", "'[1,  2]'"}));
  out.push_back(text_like("jsonb", {"'{\"b\": 1.0, \"a\": null}'", "'null'", "'\"x\"'"}));
  out.push_back(text_like("mood", {"'sad'", "'it''s, \"fine\"'"}));
  out.push_back({.name = "bytea",
                 .declaration = "bytea",
                 .values = {"''", "'\\x00ff0a5c'", "decode(repeat('00', 300), 'hex')"},
                 .in_postgres = "upper(encode(v, 'hex'))",
                 .in_clickhouse = kHex});
  out.push_back(
      {.name = "uuid",
       .declaration = "uuid",
       .values = {"'00112233-4455-6677-8899-aabbccddeeff'", "'00000000-0000-0000-0000-000000000000'"}});
}

void add_moments(std::vector<Specimen>& out) {
  out.push_back({.name = "date",
                 .declaration = "date",
                 .values = {"'1900-01-01'", "'2299-12-31'", "'1970-01-01'", "'2024-02-29'"}});
  const std::vector<std::string> moments{"'1900-01-01 00:00:00'", "'2299-12-31 23:59:59.999999'",
                                         "'1970-01-01 00:00:00'", "'1969-12-31 23:59:59.999999'",
                                         "'2024-02-29 13:07:09.5'"};
  out.push_back({.name = "timestamp", .declaration = "timestamp", .values = moments, .in_postgres = kMoment});
  out.push_back(
      {.name = "timestamptz", .declaration = "timestamptz", .values = moments, .in_postgres = kMoment});
  out.push_back({.name = "time",
                 .declaration = "time",
                 .values = {"'00:00:00'", "'23:59:59.999999'", "'24:00:00'", "'13:07:09.5'"},
                 .in_postgres = "to_char(v::interval, 'HH24:MI:SS.US')"});
}

void add_others(std::vector<Specimen>& out) {
  for (const auto& [declaration, values] : std::vector<std::pair<std::string, std::vector<std::string>>>{
           {"timetz", {"'13:00:00+02'", "'24:00:00-15:59'"}},
           {"interval", {"'1 year -2 mons 3 days 04:05:06.7'", "'0'", "'-1 day'"}},
           {"inet", {"'10.0.0.1'", "'10.0.0.0/8'", "'::1'", "'2001:db8::/32'"}},
           {"cidr", {"'10.0.0.1/32'", "'2001:db8::/32'"}},
           {"macaddr", {"'08:00:2b:01:02:03'"}},
           {"money", {"'12345.67'"}},
           {"bit(3)", {"'101'"}},
           {"varbit", {"''", "'10110'"}},
           {"tsvector", {"'a fat cat:3A'"}},
           {"int4range", {"'[1,5)'", "'empty'", "'(,)'"}},
           {"int4multirange", {"'{[1,5),[7,9)}'"}},
           {"point", {"'(1,2.5)'"}},
           {"box", {"'(1,1),(0,0)'"}},
           {"hstore", {"'a=>1, b=>NULL'"}},
           {"pair", {"'(1,\"a b\")'", "'(,)'"}},
           {"oid", {"4294967295"}},
           {"\"char\"", {"'a'", "''"}},
           {"pg_lsn", {"'16/B374D848'"}},
           {"oidvector", {"'1 2 3'"}},
           {"regtype", {"'int4'"}},
           {"inet[]", {"'{10.0.0.1,NULL,::1}'"}},
           {"int4[]", {"'{1,2}'"}}}) {
    out.push_back(text_like(declaration, values));
    if (declaration == "int4[]") out.back().target = "Nullable(String)";
    if (declaration == "int4multirange") out.back().since = kPg14;
  }
  out.push_back({.name = "domain over a domain", .declaration = "short_price", .values = {"1.25", "-99.99"}});
}

void add_arrays(std::vector<Specimen>& out) {
  const auto add = [&](const std::string& element, const std::vector<std::string>& values,
                       const std::string& in_postgres = "x::text",
                       const std::string& in_clickhouse = "toString(x)") {
    out.push_back({.name = "array of " + element,
                   .declaration = element + "[]",
                   .values = values,
                   .in_postgres = postgres_elements(in_postgres),
                   .in_clickhouse = clickhouse_elements(in_clickhouse)});
  };
  const std::string hex_of_text = "upper(encode(convert_to(concat(x), 'UTF8'), 'hex'))";
  add("int4", {"'{}'", "'{1,NULL,-2147483648}'", "'[0:2]={1,2,3}'"});
  add("bool", {"'{t,f,NULL}'"});
  add("numeric(9,2)", {"'{1.5,NULL,-9999999.99}'"}, "trim_scale(x)::text");
  add("uuid", {"'{00112233-4455-6677-8899-aabbccddeeff}'"});
  add("date", {"'{1900-01-01,NULL,2299-12-31}'"});
  add("timestamptz", {"'{\"2024-02-29 13:07:09.5\",NULL}'"}, "to_char(x, 'YYYY-MM-DD HH24:MI:SS.US')");
  const std::string awkward = R"(ARRAY['', 'NULL', NULL, 'a,b', 'q"q', 'b\s', '{}', ' x ', 'Zoë'])";
  for (const char* element : {"text", "varchar", "citext"})
    add(element, {awkward, "'{}'"}, hex_of_text, "hex(x)");
  add("mood", {R"(ARRAY['sad', NULL, 'it''s, "fine"']::mood[])"}, hex_of_text, "hex(x)");
  add("jsonb", {R"(ARRAY['{"a": "b\\c"}', 'null', NULL]::jsonb[])"}, hex_of_text, "hex(x)");
  add("bytea", {R"(ARRAY['\x00ff', '', NULL]::bytea[])"}, "upper(encode(x, 'hex'))", "hex(x)");
  add("short_price", {"'{1.25,NULL}'"});
}

void add_overrides(std::vector<Specimen>& out) {
  const auto add = [&](const std::string& declaration, const std::vector<std::string>& values,
                       const std::string& target, const std::string& in_postgres = "v::text",
                       const std::string& in_clickhouse = "toString(v)") {
    out.push_back({.name = declaration + " as " + target,
                   .declaration = declaration,
                   .values = values,
                   .in_postgres = in_postgres,
                   .in_clickhouse = in_clickhouse,
                   .target = target});
  };
  add("int4", {"-5", "2147483647"}, "Nullable(Int64)");
  add("int4", {"0", "5"}, "Nullable(UInt64)");
  add("int4", {"-5"}, "Nullable(String)");
  add("int4", {"-5"}, "Nullable(Int128)");
  add("numeric", {"12.50", "'NaN'"}, "Nullable(String)");
  add("numeric", {"12.00"}, "Nullable(Int32)", "v::int4::text");
  add("date", {"'1970-01-01'", "'2149-06-06'"}, "Nullable(Date)");
  add("timestamp", {"'2024-02-29 13:07:09.123456'"}, "Nullable(DateTime64(3, 'UTC'))",
      "to_char(v, 'YYYY-MM-DD HH24:MI:SS.MS')");
  add("timestamp", {"'2024-02-29 13:07:09'"}, "Nullable(DateTime('UTC'))",
      "to_char(v, 'YYYY-MM-DD HH24:MI:SS')");
  add("jsonb", {"'{\"a\": 1}'"}, "Nullable(JSON)", "replace(v::text, ' ', '')");
  add("inet", {"'10.0.0.1'"}, "Nullable(IPv4)", "concat(v)");
  add("mood", {"'sad'"}, "Nullable(Enum8('sad' = 1, 'glad' = 2))");
  add("text", {"'17'"}, "Nullable(Int32)");
  add("varchar", {"'fixed'"}, "Nullable(FixedString(5))");
  add("bool", {"true", "false"}, "Nullable(UInt8)", "v::int4::text");
  add("text", {"'x'"}, "LowCardinality(Nullable(String))");
  add("int4[]", {"'{{1,2},{3,4}}'"}, "Nullable(String)");
}

}  // namespace

std::vector<Specimen> specimens() {
  std::vector<Specimen> all;
  add_numbers(all);
  add_decimals(all);
  add_texts(all);
  add_moments(all);
  add_others(all);
  add_arrays(all);
  add_overrides(all);
  return all;
}

std::vector<std::string> specimen_setup() {
  return {"CREATE EXTENSION citext",
          "CREATE EXTENSION hstore",
          R"(CREATE TYPE mood AS ENUM ('sad', 'it''s, "fine"'))",
          "CREATE TYPE pair AS (a int, b text)",
          "CREATE DOMAIN price AS numeric(7,2)",
          "CREATE DOMAIN short_price AS price CHECK (VALUE < 100)"};
}

}  // namespace penstock::test
