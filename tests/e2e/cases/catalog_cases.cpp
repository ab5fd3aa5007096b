// The catalog changes, no row moves.

#include <tuple>

#include "tests/e2e/cases/cases.hpp"

namespace penstock::cases {
namespace {

const std::string kKeyed =
    "CREATE TABLE t (id int PRIMARY KEY, v int, w text);"
    "INSERT INTO t SELECT g, g, 'w' || g FROM generate_series(1, 10) g;";
const std::string kParted =
    "CREATE TABLE t (id int, v int, w text, PRIMARY KEY (id)) PARTITION BY RANGE (id);"
    "CREATE TABLE t_1 PARTITION OF t FOR VALUES FROM (0) TO (100);"
    "CREATE TABLE t_2 PARTITION OF t FOR VALUES FROM (100) TO (200);"
    "INSERT INTO t SELECT g * 20, g, 'w' || g FROM generate_series(1, 9) g;";

void add_enums(std::vector<Case>& out) {
  const std::string type = "CREATE TYPE t_e AS ENUM ('a', 'b');";
  const std::string rename = "ALTER TYPE t_e RENAME VALUE 'a' TO 'alpha';";
  const auto add = [&](const std::string& name, const std::string& made, std::vector<Step> steps) {
    out.push_back({.name = name, .setup = type + made, .steps = std::move(steps)});
  };
  const std::string plain =
      "CREATE TABLE t (id int PRIMARY KEY, e t_e); INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'a')";
  add("enum-rename-value", plain,
      {sql(rename + "INSERT INTO t VALUES (4, 'alpha'); UPDATE t SET e = 'alpha' WHERE id = 3")});
  add("enum-rename-value-quiet", plain, {sql(rename)});
  add("enum-rename-value-paused", plain,
      {pause(), sql("UPDATE t SET e = 'a' WHERE id = 2;" + rename + "UPDATE t SET e = 'alpha' WHERE id = 3"),
       resume()});
  add("enum-rename-swap", plain,
      {sql("ALTER TYPE t_e RENAME VALUE 'a' TO 'c'; ALTER TYPE t_e RENAME VALUE 'b' TO 'a'; ALTER TYPE t_e "
           "RENAME VALUE 'c' TO 'b'; INSERT INTO t VALUES (4, 'b')")});
  add("enum-rename-and-back", plain,
      {sql(rename +
           "INSERT INTO t VALUES (4, 'alpha'); ALTER TYPE t_e RENAME VALUE 'alpha' TO 'a'; INSERT INTO t "
           "VALUES (5, 'a')")});
  add("enum-rename-in-array",
      "CREATE TABLE t (id int PRIMARY KEY, e t_e[]); INSERT INTO t VALUES (1, '{a,NULL}'), (2, '{b}')",
      {sql(rename + "INSERT INTO t VALUES (4, '{alpha}')")});
  add("enum-rename-in-key",
      "CREATE TABLE t (e t_e PRIMARY KEY, v int); INSERT INTO t VALUES ('a', 1), ('b', 2)",
      {sql(rename + "UPDATE t SET v = 10 WHERE e = 'alpha'; DELETE FROM t WHERE e = 'b'")});
  add("enum-rename-in-domain",
      "CREATE DOMAIN t_d AS t_e; CREATE TABLE t (id int PRIMARY KEY, e t_d); INSERT INTO t VALUES (1, 'a')",
      {sql(rename + "INSERT INTO t VALUES (2, 'alpha')")});
  add("enum-rename-in-composite",
      "CREATE TYPE t_c AS (n int, e t_e); CREATE TABLE t (id int PRIMARY KEY, c t_c); INSERT INTO t VALUES "
      "(1, "
      "'(1,a)')",
      {sql(rename + "INSERT INTO t VALUES (2, '(2,alpha)')")});
  add("enum-rename-in-partitions",
      "CREATE TABLE t (id int PRIMARY KEY, e t_e) PARTITION BY HASH (id); CREATE TABLE t_0 PARTITION OF t "
      "FOR "
      "VALUES WITH (MODULUS 1, REMAINDER 0); INSERT INTO t VALUES (1, 'a'), (2, 'b')",
      {sql(rename + "INSERT INTO t VALUES (3, 'alpha')")});
  out.push_back({.name = "enum-add-value",
                 .setup = type + plain,
                 .steps = {sql("ALTER TYPE t_e ADD VALUE 'c' BEFORE 'b'; INSERT INTO t VALUES (4, 'c');"
                               "ALTER TYPE t_e RENAME TO t_f; INSERT INTO t VALUES (5, 'b')")},
                 .outcome = Outcome::Equal});
}

void add_composites(std::vector<Case>& out) {
  const std::string made =
      "CREATE TYPE t_c AS (a int, b text); CREATE TABLE t (id int PRIMARY KEY, p t_c, ps t_c[]);"
      "INSERT INTO t VALUES (1, '(1,x)', ARRAY[ROW(1, 'y')::t_c]), (2, NULL, NULL)";
  out.push_back(
      {.name = "composite-add-attribute",
       .setup = made,
       .steps = {sql("ALTER TYPE t_c ADD ATTRIBUTE d int; INSERT INTO t VALUES (3, '(1,x,5)', NULL)")}});
  out.push_back({.name = "composite-drop-attribute",
                 .setup = made,
                 .steps = {sql("ALTER TYPE t_c DROP ATTRIBUTE b; INSERT INTO t VALUES (3, '(1)', NULL)")}});
  out.push_back({.name = "composite-drop-attribute-quiet",
                 .setup = made,
                 .steps = {sql("ALTER TYPE t_c DROP ATTRIBUTE a")}});
  out.push_back(
      {.name = "composite-rename-attribute",
       .setup = made,
       .steps = {sql("ALTER TYPE t_c RENAME ATTRIBUTE a TO z; INSERT INTO t VALUES (3, '(1,x)', NULL)")}});
  out.push_back({.name = "composite-in-array-alone",
                 .setup = "CREATE TYPE t_c AS (a int, b text); CREATE TABLE t (id int PRIMARY KEY, ps t_c[]);"
                          "INSERT INTO t VALUES (1, ARRAY[ROW(1, 'y')::t_c])",
                 .steps = {sql("ALTER TYPE t_c ADD ATTRIBUTE d int")}});
  out.push_back(
      {.name = "composite-row-type-of-a-table",
       .setup = "CREATE TABLE t_of (a int, b text); CREATE TABLE t (id int PRIMARY KEY, p t_of[]);"
                "INSERT INTO t VALUES (1, ARRAY[ROW(1, 'y')::t_of])",
       .steps = {sql("CREATE TYPE t_unused AS (a int); ALTER TABLE t_of RENAME b TO c; INSERT INTO t "
                     "VALUES (2, NULL)")}});
}

void add_files(std::vector<Case>& out) {
  const std::string every = "CREATE PUBLICATION everything FOR ALL TABLES";
  out.push_back({.name = "set-unlogged",
                 .setup = kKeyed + every,
                 .steps = {sql("ALTER TABLE t SET UNLOGGED; INSERT INTO t VALUES (11, 11, 'in no WAL');"
                               "DELETE FROM t WHERE id = 1; ALTER TABLE t SET LOGGED;"
                               "INSERT INTO t VALUES (12, 12, 'logged')")},
                 .source_more = ", publication: everything"});
  out.push_back({.name = "set-unlogged-emptied",
                 .setup = kKeyed + every,
                 .steps = {sql("ALTER TABLE t SET UNLOGGED; DELETE FROM t; ALTER TABLE t SET LOGGED")},
                 .outcome = Outcome::Named,
                 .source_more = ", publication: everything"});
  for (const auto& [name, statements] : std::vector<std::pair<std::string, std::string>>{
           {"truncate-with-all-tables", "TRUNCATE t; INSERT INTO t VALUES (1, 1, 'new')"},
           {"vacuum-full-with-all-tables", "DELETE FROM t; VACUUM FULL t"},
           {"cluster-with-all-tables", "UPDATE t SET v = 0; CLUSTER t USING t_pkey"}})
    out.push_back({.name = name,
                   .setup = kKeyed + every,
                   .steps = {sql(statements)},
                   .outcome = Outcome::Equal,
                   .source_more = ", publication: everything"});
  out.push_back({.name = "set-unlogged-and-stays",
                 .setup = kKeyed + every,
                 .steps = {sql("ALTER TABLE t SET UNLOGGED; INSERT INTO t VALUES (11, 11, 'in no WAL')")},
                 .source_more = ", publication: everything",
                 .mend = "ALTER TABLE t SET LOGGED"});
  out.push_back({.name = "set-unlogged-partition",
                 .setup = kParted,
                 .steps = {sql("ALTER TABLE t_1 SET UNLOGGED; INSERT INTO t VALUES (11, 11, 'in no WAL');"
                               "DELETE FROM t WHERE id = 20; ALTER TABLE t_1 SET LOGGED")}});
  out.push_back(
      {.name = "set-unlogged-paused",
       .setup = kKeyed + every,
       .steps = {pause(), sql("ALTER TABLE t SET UNLOGGED; UPDATE t SET v = 0; ALTER TABLE t SET LOGGED"),
                 resume()},
       .source_more = ", publication: everything"});
  const auto equal = [&](const std::string& name, const std::string& setup, const std::string& steps) {
    out.push_back({.name = name, .setup = setup, .steps = {sql(steps)}, .outcome = Outcome::Equal});
  };
  equal("vacuum-full", kKeyed, "UPDATE t SET v = v + 1; VACUUM FULL t; DELETE FROM t WHERE id = 1");
  equal("cluster", kKeyed, "UPDATE t SET v = v + 1; CLUSTER t USING t_pkey; DELETE FROM t WHERE id = 1");
  equal("truncate", kKeyed, "TRUNCATE t; INSERT INTO t VALUES (1, 1, 'new')");
  equal("truncate-in-a-transaction", kKeyed,
        "BEGIN; INSERT INTO t VALUES (11, 1, 'x'); TRUNCATE t; INSERT INTO t VALUES (2, 2, 'new'); COMMIT");
  equal(
      "harmless-ddl", kKeyed,
      "CREATE INDEX ON t (v); ALTER TABLE t ADD CHECK (v > -100); ALTER TABLE t ALTER w SET STORAGE EXTERNAL;"
      "ALTER TABLE t ALTER v SET STATISTICS 5; COMMENT ON TABLE t IS 'x'; ALTER TABLE t ALTER v SET DEFAULT "
      "5;"
      "ALTER TABLE t SET (fillfactor = 50); ANALYZE t; ALTER TABLE t ENABLE ROW LEVEL SECURITY;"
      "INSERT INTO t (id) VALUES (11); ALTER TABLE t ALTER v DROP DEFAULT; UPDATE t SET w = 'x' WHERE id = "
      "2");
}

void add_defaults(std::vector<Case>& out) {
  const auto either = [&](const std::string& name, const std::string& steps) {
    out.push_back({.name = name, .setup = kKeyed, .steps = {sql(steps)}});
  };
  either("add-stored-default-then-vacuum",
         "ALTER TABLE t ADD e int DEFAULT 42; VACUUM FULL t; INSERT INTO t (id) "
         "VALUES (11)");
  either("add-stored-default-then-cluster",
         "ALTER TABLE t ADD e text DEFAULT 'x'; CLUSTER t USING t_pkey; UPDATE t "
         "SET v = 0 WHERE id = 1");
  either("add-stored-default-then-rewrite",
         "ALTER TABLE t ADD e int DEFAULT 42; ALTER TABLE t ALTER v TYPE bigint;"
         "INSERT INTO t (id) VALUES (11)");
  either("add-stored-default-then-other",
         "ALTER TABLE t ADD e int DEFAULT 42; ALTER TABLE t ALTER e SET DEFAULT 43;"
         "INSERT INTO t (id) VALUES (11)");
  either("add-default-quiet", "ALTER TABLE t ADD e int DEFAULT 42");
  either("add-column-quiet", "ALTER TABLE t ADD e int");
  either("add-volatile-default",
         "ALTER TABLE t ADD e float8 DEFAULT random(); INSERT INTO t (id) VALUES (11)");
  either("add-serial", "ALTER TABLE t ADD e serial; INSERT INTO t (id) VALUES (11)");
  either("add-identity",
         "ALTER TABLE t ADD e int GENERATED ALWAYS AS IDENTITY; INSERT INTO t (id) VALUES (11)");
  either("add-generated",
         "ALTER TABLE t ADD e int GENERATED ALWAYS AS (v * 2) STORED; INSERT INTO t (id) VALUES "
         "(11)");
  either("add-then-update-all",
         "ALTER TABLE t ADD e int; UPDATE t SET e = id; INSERT INTO t VALUES (11, 1, 'x', 2)");
  either("add-and-drop",
         "ALTER TABLE t ADD e int DEFAULT 1; INSERT INTO t (id, e) VALUES (11, 5); ALTER TABLE t "
         "DROP e; INSERT INTO t (id) VALUES (12)");
  out.push_back({.name = "add-default-paused",
                 .setup = kKeyed,
                 .steps = {pause(),
                           sql("UPDATE t SET v = 0 WHERE id = 1; ALTER TABLE t ADD e int DEFAULT 42; UPDATE "
                               "t SET e = 5 WHERE id = 2; VACUUM FULL t"),
                           resume()}});
  out.push_back(
      {.name = "add-default-of-many-types",
       .setup = kKeyed + "CREATE TYPE t_e AS ENUM ('a', 'b'); CREATE DOMAIN t_d AS numeric(8,3)",
       .steps = {sql("ALTER TABLE t ADD e t_e DEFAULT 'b', ADD d t_d DEFAULT 1.5, ADD a int[] DEFAULT "
                     "'{1,NULL}', ADD ts timestamptz DEFAULT '2020-02-02 02:02:02.5+00', ADD b bool "
                     "DEFAULT true NOT NULL, ADD j jsonb DEFAULT '{\"a\": 1}', ADD x bytea DEFAULT "
                     "'\\x00ff', ADD n numeric DEFAULT 1.00, ADD tx text DEFAULT E'it''s\\\\ \\n';"
                     "INSERT INTO t (id) VALUES (11)")}});
  out.push_back(
      {.name = "add-default-to-partitions",
       .setup = kParted,
       .steps = {
           sql("ALTER TABLE t ADD e int DEFAULT 42; VACUUM FULL t_1; INSERT INTO t (id) VALUES (11)")}});
}

/// Columns that PostgreSQL computes are left out of load and stream, whether the stream has them or not.
void add_generated(std::vector<Case>& out) {
  const std::string generated =
      "CREATE TABLE t (id int PRIMARY KEY, a int, g int GENERATED ALWAYS AS (a * 2) STORED);"
      "INSERT INTO t (id, a) SELECT s, s FROM generate_series(1, 5) s;";
  out.push_back(
      {.name = "generated-becomes-plain",
       .setup = generated,
       .steps = {sql("ALTER TABLE t ALTER g DROP EXPRESSION; INSERT INTO t VALUES (6, 6, 1); UPDATE t SET a "
                     "= 0 WHERE id = 1")}});
  out.push_back({.name = "generated-becomes-plain-quiet",
                 .setup = generated,
                 .steps = {sql("ALTER TABLE t ALTER g DROP EXPRESSION")}});
  const std::string changes =
      "UPDATE t SET a = 7 WHERE id = 1; UPDATE t SET id = 20 WHERE id = 2; DELETE FROM t WHERE id = 3;"
      "INSERT INTO t (id, a) VALUES (11, 11)";
  const auto equal = [&](const std::string& name, const std::string& setup, int since = 0) {
    out.push_back(
        {.name = name, .setup = setup, .steps = {sql(changes)}, .outcome = Outcome::Equal, .since = since});
  };
  equal("generated-and-full", generated + "ALTER TABLE t REPLICA IDENTITY FULL");
  equal("generated-in-a-partition-that-is-full",
        "CREATE TABLE t (id int PRIMARY KEY, a int, g int GENERATED ALWAYS AS (a * 2) STORED) PARTITION BY "
        "RANGE (id); CREATE TABLE t_1 PARTITION OF t FOR VALUES FROM (0) TO (100); ALTER TABLE t_1 REPLICA "
        "IDENTITY FULL; INSERT INTO t (id, a) SELECT s, s FROM generate_series(1, 5) s");
  equal("generated-virtual",
        "CREATE TABLE t (id int PRIMARY KEY, a int, g int GENERATED ALWAYS AS (a * 2) VIRTUAL, w text);"
        "INSERT INTO t (id, a) SELECT s, s FROM generate_series(1, 5) s",
        test::kPg18);
  for (const std::string published : {"none", "stored"}) {
    equal("generated-published-" + published,
          generated +
              "CREATE PUBLICATION t_p FOR TABLE t, t_nb WITH (publish_generated_columns = " + published + ")",
          test::kPg18);
    out.back().source_more = ", publication: t_p";
  }
  equal("generated-in-a-column-list", generated + "CREATE PUBLICATION t_p FOR TABLE t (id, a, g), t_nb",
        test::kPg18);
  out.back().source_more = ", publication: t_p";
  out.push_back({.name = "add-generated-virtual",
                 .setup = kKeyed,
                 .steps = {sql("ALTER TABLE t ADD e int GENERATED ALWAYS AS (v * 2); INSERT INTO t (id, v) "
                               "VALUES (11, 1); ALTER TABLE t ADD f int; UPDATE t SET f = 5")},
                 .since = test::kPg18});
}

void add_types(std::vector<Case>& out) {
  struct Change {
    std::string name, type, value, ddl, more;
  };
  const std::vector<Change> changes{
      {"int_to_bigint", "int", "g", "bigint", "3000000000"},
      {"int_to_text", "int", "g", "text", "'x'"},
      {"int_to_numeric", "int", "g", "numeric", "0.5"},
      {"bigint_to_int", "bigint", "g", "int", "7"},
      {"text_to_int", "text", "g", "int USING v::int", "7"},
      {"text_to_varchar", "text", "'long ' || g", "varchar(3) USING left(v, 3)", "'abc'"},
      {"varchar_wider", "varchar(5)", "g", "varchar(50)", "'abcdefghijkl'"},
      {"varchar_narrower", "varchar(50)", "'text ' || g", "varchar(4) USING left(v, 4)", "'abc'"},
      {"text_to_char", "text", "g", "char(8)", "'abc'"},
      {"char_to_text", "char(8)", "g", "text", "'abc  '"},
      {"numeric_wider", "numeric(6,2)", "g / 3.0", "numeric(12,2)", "1234567890.12"},
      {"numeric_finer", "numeric(6,2)", "g / 3.0", "numeric(12,4)", "1.2345"},
      {"numeric_coarser", "numeric(12,4)", "g / 3.0", "numeric(6,1)", "1.2"},
      {"float4_to_float8", "float4", "g / 3.0", "float8", "0.1"},
      {"float8_to_float4", "float8", "g / 3.0", "float4", "0.1"},
      {"date_to_timestamp", "date", "'2020-01-01'::date + g", "timestamp", "'2020-01-01 10:00'"},
      {"timestamp_to_tz", "timestamp", "'2020-01-01'::timestamp + g * interval '1 h'",
       "timestamptz USING v AT TIME ZONE 'Asia/Tokyo'", "'2020-01-01 10:00+00'"},
      {"tz_to_date", "timestamptz", "'2020-01-01'::timestamptz + g * interval '1 h'", "date", "'2021-01-01'"},
      {"json_to_jsonb", "json", "('{\"b\":  1, \"a\": ' || g || '}')::json", "jsonb", "'{\"b\":  2}'"},
      {"jsonb_to_json", "jsonb", "('{\"b\":  1, \"a\": ' || g || '}')::jsonb", "json", "'{\"b\":  2}'"},
      {"bool_to_int", "bool", "g % 2 = 0", "int USING v::int", "5"},
      {"int_to_bool", "int", "g % 2", "bool USING v::int::bool", "true"},
      {"array_wider", "int[]", "ARRAY[g, NULL]", "bigint[]", "'{3000000000}'"},
      {"scalar_to_array", "int", "g", "int[] USING ARRAY[v]", "'{1,2}'"},
      {"text_to_bytea", "text", "'x' || g", "bytea USING v::bytea", "'\\x00ff'"},
      {"text_to_uuid", "text", "md5(g::text)", "uuid USING v::uuid",
       "'00112233-4455-6677-8899-aabbccddeeff'"},
      {"using_other_values", "int", "g", "int USING v * 100", "11"},
      {"text_upper", "text", "'w' || g", "text USING upper(v)", "'x'"},
  };
  Case all{.name = "type", .tables = {}, .each_table = true};
  std::string steps;
  for (const auto& change : changes) {
    all.tables.push_back("public." + change.name);
    all.setup += "CREATE TABLE " + change.name + " (id int PRIMARY KEY, v " + change.type +
                 ", w text); INSERT INTO " + change.name + " SELECT g, " + change.value +
                 ", 'w' FROM generate_series(1, 10) g;";
    steps += "ALTER TABLE " + change.name + " ALTER v TYPE " + change.ddl + "; INSERT INTO " + change.name +
             " VALUES (11, " + change.more + ", 'x'); UPDATE " + change.name + " SET w = 'y' WHERE id = 2;";
  }
  all.steps = {sql(steps)};
  out.push_back(std::move(all));
}

/// A wider type is followed, and nothing is said of it, unless USING made other values.
void add_wider_types(std::vector<Case>& out) {
  Case all{.name = "wider", .outcome = Outcome::Equal, .tables = {}, .each_table = true};
  std::string steps;
  for (const auto& [name, type, value, ddl, more] :
       std::vector<std::tuple<std::string, std::string, std::string, std::string, std::string>>{
           {"small_to_int", "smallint", "g", "int", "70000"},
           {"int_to_big", "int", "g", "bigint", "3000000000"},
           {"small_to_big_not_null", "smallint NOT NULL", "g", "bigint", "3000000000"},
           {"real_to_double", "real", "g / 3.0", "float8", "0.1"},
           {"numeric_longer", "numeric(6,2)", "g / 3.0", "numeric(12,2)", "1234567890.12"},
           {"numeric_with_scale", "numeric(6,2)", "g / 3.0", "numeric(12,4)", "1.2345"},
           {"longer_varchar", "varchar(5)", "g", "varchar(50)", "'abcdefghijkl'"},
           {"varchar_to_text", "varchar(5)", "g", "text", "'abcdefghijkl'"},
           {"array_elements", "int[]", "ARRAY[g, NULL]", "bigint[]", "'{3000000000}'"},
           {"plain_using", "int", "g", "bigint USING v", "3000000000"}}) {
    all.tables.push_back("public." + name);
    all.setup += "CREATE TABLE " + name + " (id int PRIMARY KEY, v " + type + ", w text); INSERT INTO " +
                 name + " SELECT g, " + value + ", 'w' FROM generate_series(1, 10) g;";
    steps += "ALTER TABLE " + name + " ALTER v TYPE " + ddl + "; INSERT INTO " + name + " VALUES (11, " +
             more + ", 'x'); UPDATE " + name + " SET w = 'y' WHERE id = 2;";
  }
  all.steps = {sql(steps)};
  out.push_back(std::move(all));
  const auto equal = [&](const std::string& name, const std::string& setup, std::vector<Step> taken) {
    out.push_back({.name = name, .setup = setup, .steps = std::move(taken), .outcome = Outcome::Equal});
  };
  equal("wider-quiet", kKeyed, {sql("ALTER TABLE t ALTER v TYPE bigint")});
  equal("wider-paused", kKeyed,
        {pause(),
         sql("UPDATE t SET v = 7 WHERE id = 3; ALTER TABLE t ALTER v TYPE bigint; UPDATE t SET v = 8 WHERE "
             "id = 4; INSERT INTO t VALUES (11, 3000000000, 'x')"),
         resume()});
  equal("wider-in-partitions", kParted,
        {sql("ALTER TABLE t ALTER v TYPE bigint; INSERT INTO t VALUES (11, 3000000000, 'x')")});
  equal("wider-twice", kKeyed + "ALTER TABLE t ADD u smallint DEFAULT 3",
        {sql("ALTER TABLE t ALTER u TYPE int; ALTER TABLE t ALTER v TYPE bigint; INSERT INTO t VALUES (11, "
             "1, 'x', 2)")});
  equal("wider-with-deletes", kKeyed,
        {sql("DELETE FROM t WHERE id = 1; ALTER TABLE t ALTER v TYPE bigint; DELETE FROM t WHERE id = 2; "
             "UPDATE t SET "
             "id = 30 WHERE id = 3")});
  for (const auto& [name, ddl] : std::vector<std::pair<std::string, std::string>>{
           {"wider-using", "ALTER TABLE t ALTER v TYPE bigint USING v * 100"},
           {"wider-using-one-row",
            "ALTER TABLE t ALTER v TYPE bigint USING CASE id WHEN 7 THEN 0 ELSE v END"},
           {"wider-using-null", "ALTER TABLE t ALTER v TYPE bigint USING nullif(v, 7)"},
           {"wider-beside-using", "ALTER TABLE t ALTER w TYPE text USING 'x' || w, ALTER v TYPE bigint"},
           {"wider-after-using",
            "ALTER TABLE t ALTER w TYPE text USING 'x' || w; ALTER TABLE t ALTER v TYPE bigint"}})
    out.push_back({.name = name, .setup = kKeyed, .steps = {sql(ddl)}, .outcome = Outcome::Named});
}

void add_type_changes(std::vector<Case>& out) {
  for (const auto& [name, ddl] : std::vector<std::pair<std::string, std::string>>{
           {"alter-using-then-again",
            "ALTER TABLE t ALTER v TYPE int USING v * 100; ALTER TABLE t ALTER v SET "
            "DEFAULT 5; INSERT INTO t VALUES (11, 11, 'x')"},
           {"alter-using-then-vacuum",
            "ALTER TABLE t ALTER v TYPE int USING v * 100; VACUUM FULL t; INSERT INTO t "
            "VALUES (11, 11, 'x')"},
           {"alter-using-quiet", "ALTER TABLE t ALTER v TYPE int USING v * 100"},
           {"alter-using-text-then-statistics",
            "ALTER TABLE t ALTER w TYPE text USING upper(w); ALTER TABLE t ALTER "
            "w SET STATISTICS 10"}})
    out.push_back({.name = name, .setup = kKeyed, .steps = {sql(ddl)}});
  out.push_back(
      {.name = "alter-using-in-partitions",
       .setup = kParted,
       .steps = {sql("ALTER TABLE t ALTER v TYPE int USING v * 100; ALTER TABLE t ALTER v SET DEFAULT 5")}});
  out.push_back(
      {.name = "drop-not-null",
       .setup = "CREATE TABLE t (id int PRIMARY KEY, v int NOT NULL, a int[] NOT NULL); INSERT INTO t VALUES "
                "(1, 1, '{}')",
       .steps = {
           sql("ALTER TABLE t ALTER v DROP NOT NULL; INSERT INTO t VALUES (2, NULL, '{1}'); ALTER TABLE "
               "t ALTER a DROP NOT NULL; INSERT INTO t VALUES (3, 3, NULL)")}});
  out.push_back({.name = "set-not-null",
                 .setup = kKeyed,
                 .steps = {sql("ALTER TABLE t ALTER v SET NOT NULL; INSERT INTO t VALUES (11, 11, NULL)")},
                 .outcome = Outcome::Equal});
}

}  // namespace

std::vector<Case> catalog_cases() {
  std::vector<Case> out;
  add_enums(out);
  add_composites(out);
  add_files(out);
  add_defaults(out);
  add_generated(out);
  add_types(out);
  add_wider_types(out);
  add_type_changes(out);
  return out;
}

}  // namespace penstock::cases
