// The destination's own habits, and values that it has no form for.

#include "tests/e2e/cases/cases.hpp"

namespace penstock::cases {
namespace {

const std::string kDays =
    "CREATE TABLE t (id int, day date, v text, PRIMARY KEY (id, day)); INSERT INTO t SELECT g, "
    "'2000-01-15'::date + g "
    "* 30, 'x' FROM generate_series(1, 200) g;";
const std::vector<std::string> kMonthly{"{source: public.t, partitionBy: toYYYYMM(day)}"};

void add_partitioned(std::vector<Case>& out) {
  const auto add = [&](const std::string& name, const std::string& steps, Outcome outcome) {
    out.push_back(
        {.name = name, .setup = kDays, .steps = {sql(steps)}, .outcome = outcome, .tables = kMonthly});
  };
  add("truncate-many-partitions", "TRUNCATE t; INSERT INTO t VALUES (1, '2024-01-01', 'after')",
      Outcome::Equal);
  add("delete-many-partitions", "DELETE FROM t WHERE id > 3", Outcome::Equal);
  add("update-many-partitions", "UPDATE t SET v = 'y'", Outcome::Equal);
  add("insert-many-partitions",
      "INSERT INTO t SELECT g, '1990-01-15'::date + g * 30, 'x' FROM generate_series(1, 110) "
      "g",
      Outcome::Equal);
  add("partition-column-renamed",
      "ALTER TABLE t RENAME day TO d; INSERT INTO t VALUES (300, '2024-01-01', 'x')", Outcome::Either);
  out.back().resync = false;  // the manifest's expression names a column that is no more
  add("partition-column-as-timestamp",
      "ALTER TABLE t ALTER day TYPE timestamp; INSERT INTO t VALUES (300, '2024-01-01 "
      "10:00', 'x')",
      Outcome::Either);
}

/// What others do to the target.
void add_alters(std::vector<Case>& out) {
  const auto add = [&](const std::string& name, std::vector<Step> steps, Outcome outcome) {
    out.push_back({.name = name,
                   .setup = "CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t VALUES (1, 1), (2, 2)",
                   .steps = std::move(steps),
                   .outcome = outcome});
  };
  add("target-column-dropped", {in_target("ALTER TABLE t DROP COLUMN v")}, Outcome::Named);
  add("target-column-dropped-and-written",
      {in_target("ALTER TABLE t DROP COLUMN v"), sql("INSERT INTO t VALUES (3, 3)")}, Outcome::Named);
  add("target-column-renamed",
      {in_target("ALTER TABLE t RENAME COLUMN v TO w"), sql("INSERT INTO t VALUES (3, 3)")}, Outcome::Named);
  add("target-column-narrowed",
      {in_target("ALTER TABLE t MODIFY COLUMN v Nullable(Int8)"), sql("INSERT INTO t VALUES (3, 300)")},
      Outcome::Named);
  add("target-column-as-text", {in_target("ALTER TABLE t MODIFY COLUMN v Nullable(String)"), look()},
      Outcome::Either);
  add("target-column-widened",
      {in_target("ALTER TABLE t MODIFY COLUMN v Nullable(Int64)"), sql("INSERT INTO t VALUES (3, 300)")},
      Outcome::Equal);
  add("target-column-of-low-cardinality",
      {in_target("ALTER TABLE t MODIFY COLUMN v LowCardinality(Nullable(Int32)) SETTINGS "
                 "allow_suspicious_low_cardinality_types = 1"),
       sql("INSERT INTO t VALUES (3, NULL)")},
      Outcome::Either);
  const auto own = [&](const std::string& name, const std::string& column, const std::string& added,
                       Outcome outcome) {
    add("target-has-the-column-" + name,
        {in_target("ALTER TABLE t ADD COLUMN e " + column),
         sql("ALTER TABLE t ADD e " + added + "; INSERT INTO t (id) VALUES (3)")},
        outcome);
  };
  own("alike", "Nullable(Int32)", "int", Outcome::Equal);
  own("without-the-default", "Nullable(Int32)", "int DEFAULT 42", Outcome::Named);
  own("with-a-default", "Nullable(Int32) DEFAULT 5", "int", Outcome::Named);
  own("not-nullable", "Int32 DEFAULT 0", "int", Outcome::Named);
}

void add_names(std::vector<Case>& out) {
  const std::string made = "CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t VALUES (1, 1);";
  const auto added = [&](const std::string& name, const std::string& column, const std::string& type = "int",
                         const std::string& value = "1") {
    out.push_back({.name = name,
                   .setup = made,
                   .steps = {sql("ALTER TABLE t ADD " + column + " " + type +
                                 "; INSERT INTO t VALUES (2, 1, " + value + ")")},
                   .mend = "ALTER TABLE t DROP " + column});
  };
  added("reserved-row-exists-added", "\"_row_exists\"");
  added("reserved-part-added", "\"_part\"");
  added("reserved-block-number-added", "\"_block_number\"");
  added("reserved-partition-id-added", "\"_partition_id\"", "text", "'x'");
  added("reserved-ours-added", "\"_penstock_deleted\"");
  added("reserved-version-added", "\"_penstock_version\"", "bigint");
  added("odd-name-added", "\"a `b` \\ \"\"c\"\" 'd' ü\"");
  added("long-name-added", "\"" + std::string(63, 'n') + "\"");
  added("dotted-name-added", "\"n.a\"", "int[]", "'{1}'");
  out.push_back(
      {.name = "dotted-names-added",
       .setup = made,
       .steps = {sql("ALTER TABLE t ADD \"n.a\" int[]; ALTER TABLE t ADD \"n.b\" int[]; INSERT INTO t VALUES "
                     "(2, 1, '{1}', '{1,2}'), (3, 1, NULL, '{}')")},
       .mend = "ALTER TABLE t DROP \"n.b\""});
  out.push_back(
      {.name = "names-that-differ-in-case",
       .setup = "CREATE TABLE t (id int PRIMARY KEY, v int, \"V\" int, \"ID\" int, \"select\" int, \"null\" "
                "int, \"1\" int, \"%\" int); INSERT INTO t VALUES (1, 2, 3, 4, 5, 6, 7, 8)",
       .steps = {
           sql("UPDATE t SET \"V\" = 30; ALTER TABLE t RENAME \"V\" TO \"vV\"; INSERT INTO t VALUES (2, "
               "1, 1, 1, 1, 1, 1, 1)")}});
  std::string many;
  for (int at = 1; at <= 60; ++at)
    many += "ALTER TABLE t ADD c" + std::to_string(at) + " int DEFAULT " + std::to_string(at) +
            "; INSERT INTO t (id) VALUES (" + std::to_string(at + 10) + ");";
  out.push_back({.name = "many-columns-added", .setup = made, .steps = {sql(many)}});
}

struct Value {
  std::string name, type, good, odd;
};

/// Loaded, and in another table of each kind streamed.
void add_values(std::vector<Case>& out, const std::string& name, const std::vector<Value>& values,
                Outcome outcome) {
  Case all{.name = name, .outcome = outcome, .tables = {}, .each_table = true};
  std::string steps;
  for (const auto& value : values)
    for (const bool loaded : {true, false}) {
      const auto table = value.name + (loaded ? "_loaded" : "_streamed");
      all.tables.push_back("public." + table);
      all.setup += "CREATE TABLE " + table + " (id int PRIMARY KEY, v " + value.type + "); INSERT INTO " +
                   table + " VALUES (1, " + value.good + "), (2, NULL);";
      const auto odd = "INSERT INTO " + table + " VALUES (3, " + value.odd + ");";
      (loaded ? all.setup : steps) += odd;
      if (!loaded) steps += "UPDATE " + table + " SET v = " + value.odd + " WHERE id = 3;";
      if (outcome == Outcome::Named) all.mend += "DELETE FROM " + table + " WHERE id = 3;";
    }
  all.steps = {sql(steps)};
  out.push_back(std::move(all));
}

const std::vector<Value> kWithoutAForm{{"numeric_nan", "numeric", "1.5", "'NaN'"},
                                       {"numeric_infinity", "numeric", "1.5", "'-Infinity'"},
                                       {"numeric_too_large", "numeric", "1.5", "1e60"},
                                       {"numeric_too_fine", "numeric", "1.5", "1e-60"},
                                       {"numeric_in_array", "numeric[]", "'{1.5}'", "'{1,NaN}'"},
                                       {"array_of_arrays", "int[]", "'{1,NULL}'", "'{{1,2},{3,4}}'"}};

const std::vector<Value> kWithAForm{
    {"array_bounds", "int[]", "'{1,NULL}'", "'[5:6]={7,8}'"},
    {"array_of_texts", "text[]", "'{a,NULL}'", "'{\"NULL\",\"\",\"a,b\",\"q\\\"\\\\\"}'"},
    {"dates_clamped", "date", "'2020-01-01'", "'infinity'"},
    {"dates_bc", "date", "'2020-01-01'", "'0044-03-15 BC'"},
    {"moments_clamped", "timestamptz", "'2020-01-01'", "'9999-12-31'"},
    {"float_specials", "float8", "0.1", "'-Infinity'"},
    {"float4_specials", "float4", "0.1", "'NaN'"},
    {"texts", "text", "''", "E'\\\\N tab\\t nl\\n ' || chr(1)"},
    {"json_null", "json", "'null'", "'{\"a\" :  1, \"a\":2}'"},
    {"interval", "interval", "'1 day'", "'-1 year 3 days -04:05:06.7'"},
    {"money", "money", "'1.5'", "'-12.34'"},
    {"bits", "varbit", "'101'", "''"},
    {"point", "point", "'(1,2)'", "'(1.5,-1e300)'"},
    {"ranges", "tstzrange", "'empty'", "'[2020-01-01,)'"},
    {"search", "tsvector", "'a:1'", "'a fat cat'"},
    {"times", "time", "'00:00'", "'24:00'"},
    {"times_with_zone", "timetz", "'00:00+00'", "'12:34:56.789-08'"}};

}  // namespace

std::vector<Case> target_cases() {
  std::vector<Case> out;
  add_partitioned(out);
  add_alters(out);
  add_names(out);
  add_values(out, "value", kWithoutAForm, Outcome::Named);
  add_values(out, "value-of", kWithAForm, Outcome::Equal);
  return out;
}

}  // namespace penstock::cases
