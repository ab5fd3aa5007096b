// Keys that the target holds otherwise than the source: too long, out of range, of an odd type.

#include "tests/e2e/cases/cases.hpp"

namespace penstock::cases {
namespace {

void add_odd_keys(std::vector<Case>& out) {
  const std::string long_key =
      "left((SELECT string_agg(md5(g::text || s::text), '') FROM generate_series(1, 100) g), 2500)";
  const std::string toasted =
      "UPDATE t SET v = 100 WHERE v = 1; UPDATE t SET big = 'small' WHERE v = 2; DELETE FROM t WHERE v = 3;"
      "UPDATE t SET k = 'short', v = 44 WHERE v = 4";
  const auto storage = std::string(
      "ALTER TABLE t ALTER k SET STORAGE EXTERNAL, ALTER big SET STORAGE "
      "EXTERNAL;");
  out.push_back({.name = "toasted-text-key",
                 .setup = "CREATE TABLE t (k text PRIMARY KEY, v int, big text);" + storage +
                          "INSERT INTO t SELECT " + long_key + ", s, big(s) FROM generate_series(1, 4) s",
                 .steps = {sql(toasted)}});
  out.push_back({.name = "toasted-text-key-full",
                 .setup = "CREATE TABLE t (k text PRIMARY KEY, v int, big text);" + storage +
                          "ALTER TABLE t REPLICA IDENTITY FULL; INSERT INTO t SELECT " + long_key +
                          ", s, big(s) FROM generate_series(1, 4) s",
                 .steps = {sql(toasted)}});
  out.push_back({.name = "toasted-key-of-two",
                 .setup = "CREATE TABLE t (a int, k text, v int, big text, PRIMARY KEY (a, k));" + storage +
                          "INSERT INTO t SELECT s % 2, " + long_key +
                          ", s, big(s) FROM generate_series(1, 4) s",
                 .steps = {sql(toasted)}});
  out.push_back({.name = "inheritance-same-key",
                 .setup = "CREATE TABLE t (id int PRIMARY KEY, v text);"
                          "CREATE TABLE t_a (PRIMARY KEY (id)) INHERITS (t);"
                          "CREATE TABLE t_b (extra int, PRIMARY KEY (id)) INHERITS (t);"
                          "INSERT INTO t_a VALUES (1, 'a1'), (2, 'a2');"
                          "INSERT INTO t_b VALUES (1, 'b1', 0), (3, 'b3', 0)",
                 .resync = false});  // refused in Setup
  out.push_back({.name = "inheritance-same-key-later",
                 .setup = "CREATE TABLE t (id int PRIMARY KEY, v text);"
                          "CREATE TABLE t_a (PRIMARY KEY (id)) INHERITS (t);"
                          "INSERT INTO t VALUES (1, 'one'), (5, 'five'); INSERT INTO t_a VALUES (2, 'two')",
                 .steps = {sql("INSERT INTO t_a VALUES (1, 'again'), (3, 'three'); INSERT INTO t VALUES (2, "
                               "'again'); DELETE FROM ONLY t WHERE id = 1")},
                 .resync = false});  // likewise
  out.push_back({.name = "key-override-lossy",
                 .setup = "CREATE TABLE t (k timestamptz PRIMARY KEY, v int);"
                          "INSERT INTO t VALUES ('2020-01-01 00:00:00.1', 1), ('2020-01-01 00:00:00.2', 2);"
                          "CREATE TABLE t_f (k int8 PRIMARY KEY, v int);"
                          "INSERT INTO t_f VALUES (16777216, 1), (16777217, 2)",
                 .outcome = Outcome::Named,
                 .tables = {"{source: public.t, columns: [{name: k, type: DateTime}]}",
                            "{source: public.t_f, columns: [{name: k, type: Float32}]}"},
                 .neighbour = false,
                 .resync = false});
  out.push_back({.name = "key-override-lossy-numeric",
                 .setup = "CREATE TABLE t (k numeric PRIMARY KEY, v int);"
                          "INSERT INTO t VALUES (1.001, 1), (1.002, 2)",
                 .outcome = Outcome::Named,
                 .tables = {"{source: public.t, columns: [{name: k, type: 'Decimal(10, 2)'}]}"},
                 .neighbour = false,
                 .resync = false});
}

void add_clamped_keys(std::vector<Case>& out) {
  out.push_back({.name = "timestamptz-key-clamped",
                 .setup =
                     "CREATE TABLE t (id int, valid_to timestamptz, v text, PRIMARY KEY (id, valid_to));"
                     "INSERT INTO t VALUES (1, '2020-01-01', 'past'), (1, '9999-12-31', 'until 9999'), (1, "
                     "'infinity', 'for ever'), (2, '2999-01-05 12:23:32', 'a')",
                 .mend = "DELETE FROM t WHERE valid_to > '2200-01-01'"});
  out.push_back(
      {.name = "timestamp-key-clamped-later",
       .setup = "CREATE TABLE t (id int, valid_to timestamp, v text, PRIMARY KEY (id, valid_to));"
                "INSERT INTO t VALUES (1, '2020-01-01', 'past')",
       .steps = {sql("INSERT INTO t VALUES (1, '9999-12-31', 'until 9999'), (1, 'infinity', 'for ever')")},
       .mend = "DELETE FROM t WHERE valid_to > '2200-01-01'"});
  out.push_back({.name = "date-key-clamped",
                 .setup = "CREATE TABLE t (d date PRIMARY KEY, v text);"
                          "INSERT INTO t VALUES ('2020-01-01', 'past'), ('9999-12-31', 'until 9999'), "
                          "('infinity', 'for ever'), ('0044-03-15 BC', 'ides')",
                 .mend = "DELETE FROM t WHERE d > '2200-01-01' OR d < '1900-01-01'"});
  out.push_back(
      {.name = "date-key-clamped-later",
       .setup = "CREATE TABLE t (d date PRIMARY KEY, v text); INSERT INTO t VALUES ('2299-12-31', "
                "'last day')",
       .steps = {sql("UPDATE t SET d = '2300-01-01'; INSERT INTO t VALUES ('2299-12-31', 'again')")},
       .mend = "DELETE FROM t WHERE d > '2299-12-31'"});
}

/// Each type as a key: loaded, changed to another and to an equal one, deleted.
void add_key_types(std::vector<Case>& out) {
  struct Key {
    std::string type, one, two, three, like_one;
  };
  const std::vector<Key> keys{
      {"bytea", "'\\x00ff'", "'\\x'", "'\\xfe'", "'\\x00ff'"},
      {"uuid", "'00112233-4455-6677-8899-aabbccddeeff'", "'10112233-4455-6677-8899-aabbccddeeff'",
       "'20112233-4455-6677-8899-aabbccddeeff'", "'00112233445566778899AABBCCDDEEFF'"},
      {"numeric", "1", "2.50", "-3", "1.00"},
      {"float8", "0", "1.5", "'NaN'", "'-0'"},
      {"char(5)", "'a'", "'b'", "''", "'a  '"},
      {"citext", "'a'", "'b'", "'c'", "'A'"},
      {"bool", "true", "false", "NULL", "true"},
      {"interval", "'1 day'", "'2 days'", "'0'", "'24:00:00'"},
      {"int[]", "'{1,NULL}'", "'{}'", "'{2}'", "'{1,NULL}'"},
      {"inet", "'10.0.0.1'", "'::1'", "'10.0.0.0/8'", "'10.0.0.1/32'"},
      {"jsonb", "'{\"a\": 1}'", "'null'", "'[]'", "'{\"a\":   1.0}'"},
      {"time", "'00:00'", "'24:00'", "'12:00:00.5'", "'00:00:00'"},
      {"timestamptz", "'2020-01-01'", "'1900-01-01'", "'2299-12-31 23:59:59.999999+00'",
       "'2020-01-01 00:00:00.000000'"}};
  Case all{.name = "key-of", .setup = "CREATE EXTENSION citext;", .tables = {}, .each_table = true};
  std::string changes;
  for (const auto& key : keys) {
    const auto t =
        key.type.substr(0, key.type.find_first_of("([")) + (key.type.ends_with("[]") ? "_array" : "");
    const auto table = "of_" + t;
    all.tables.push_back("public." + table);
    all.setup += "CREATE TABLE " + table + " (k " + key.type + " PRIMARY KEY, v int); INSERT INTO " + table +
                 " VALUES (" + key.one + ", 1), (" + key.two + ", 2);";
    changes += "UPDATE " + table + " SET k = " + key.like_one + ", v = 11 WHERE v = 1;";
    if (key.three != "NULL") changes += "UPDATE " + table + " SET k = " + key.three + " WHERE v = 2;";
    changes +=
        "DELETE FROM " + table + " WHERE v = 11; INSERT INTO " + table + " VALUES (" + key.one + ", 3);";
  }
  all.steps = {sql(changes)};
  out.push_back(std::move(all));
}

}  // namespace

std::vector<Case> key_cases() {
  std::vector<Case> out;
  add_odd_keys(out);
  add_clamped_keys(out);
  add_key_types(out);
  return out;
}

}  // namespace penstock::cases
