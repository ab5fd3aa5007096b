// Unchanged large values are read back with today's catalog.

#include "tests/e2e/cases/cases.hpp"

namespace penstock::cases {
namespace {

const std::string kLarge =
    "CREATE TABLE t (id int PRIMARY KEY, big text, n int); ALTER TABLE t ALTER big SET STORAGE EXTERNAL;"
    "INSERT INTO t SELECT g, big(g), 0 FROM generate_series(1, 5) g;";

void add_pending(std::vector<Case>& out) {
  const auto pending = [&](const std::string& name, const std::string& ddl, const std::string& mend = "") {
    out.push_back({.name = name,
                   .setup = kLarge + "CREATE SCHEMA s",
                   .steps = {pause(), sql("UPDATE t SET n = 1 WHERE id = 2;" + ddl), resume()},
                   .mend = mend});
  };
  pending("type-widened-key-pending-toast",
          "ALTER TABLE t ALTER id TYPE bigint; UPDATE t SET n = 2 WHERE id = 3");
  pending("toast-dropped-pending", "ALTER TABLE t DROP big; UPDATE t SET n = 2 WHERE id = 3");
  pending("toast-dropped-readded-pending",
          "ALTER TABLE t DROP big; ALTER TABLE t ADD big text; UPDATE t SET n = 2 "
          "WHERE id = 3");
  pending("toast-renamed-pending", "ALTER TABLE t RENAME big TO large; UPDATE t SET n = 2 WHERE id = 3");
  pending("toast-trades-names-pending",
          "ALTER TABLE t ADD other text; ALTER TABLE t RENAME big TO x; ALTER TABLE t "
          "RENAME other TO big; ALTER TABLE t RENAME x TO other; UPDATE t SET n = 2 "
          "WHERE id = 3");
  pending("toast-key-renamed-pending",
          "ALTER TABLE t RENAME id TO ident; UPDATE t SET n = 2 WHERE ident = 3");
  pending("toast-key-as-text-pending", "ALTER TABLE t ALTER id TYPE text; UPDATE t SET n = 2 WHERE id = '3'");
  pending("toast-type-changed-pending",
          "ALTER TABLE t ALTER big TYPE bytea USING big::bytea; UPDATE t SET n = 2 "
          "WHERE id = 3");
  pending("toast-values-changed-pending",
          "ALTER TABLE t ALTER big TYPE text USING upper(big); UPDATE t SET n = 2 "
          "WHERE id = 3");
  pending("toast-table-renamed-pending",
          "ALTER TABLE t RENAME TO t_away; UPDATE t_away SET n = 2 WHERE id = 3",
          "ALTER TABLE t_away RENAME TO t");
  pending("toast-table-swapped-pending",
          "ALTER TABLE t RENAME TO t_old; CREATE TABLE t (LIKE t_old INCLUDING ALL);"
          "INSERT INTO t VALUES (2, 'of another', 7)");
  pending("toast-table-moved-pending",
          "ALTER TABLE t SET SCHEMA s; UPDATE s.t SET n = 2 WHERE id = 3; ALTER TABLE "
          "s.t SET SCHEMA public");
  pending("toast-table-dropped-pending", "DROP TABLE t",
          "CREATE TABLE t (id int PRIMARY KEY, big text, n int)");
  pending("toast-pk-dropped-pending",
          "ALTER TABLE t DROP CONSTRAINT t_pkey; INSERT INTO t VALUES (2, 'twin', 5)",
          "TRUNCATE t; ALTER TABLE t ADD PRIMARY KEY (id)");
  const auto equal = [&](const std::string& name, const std::string& change) {
    out.push_back({.name = name,
                   .setup = kLarge,
                   .steps = {pause(), sql("UPDATE t SET n = 1 WHERE id = 2;" + change), resume()},
                   .outcome = Outcome::Equal});
  };
  equal("toast-row-deleted-pending", "DELETE FROM t WHERE id = 2");
  equal("toast-key-moved-pending", "UPDATE t SET id = 20 WHERE id = 2; UPDATE t SET n = 2 WHERE id = 20");
  equal("toast-replaced-pending", "DELETE FROM t WHERE id = 2; INSERT INTO t VALUES (2, big(77), 7)");
  equal("toast-keys-traded-pending",
        "UPDATE t SET id = -1 WHERE id = 2; UPDATE t SET id = 2 WHERE id = 3; UPDATE t "
        "SET id = 3 WHERE id = -1; UPDATE t SET n = n + 1");
  equal("toast-truncated-pending", "TRUNCATE t; INSERT INTO t VALUES (2, big(77), 7)");
  equal("toast-vacuum-pending", "VACUUM FULL t; UPDATE t SET n = 2 WHERE id = 3");
}

/// Rows with unchanged large values, found again by keys of each type.
void add_keys(std::vector<Case>& out) {
  struct Key {
    std::string name, before, type, first, second;
  };
  const std::vector<Key> keys{
      {"ltree", "CREATE EXTENSION ltree;", "ltree", "'top.k1'", "'top.k2'"},
      {"citext", "CREATE EXTENSION citext;", "citext", "'A'", "'B'"},
      {"domain", "CREATE DOMAIN d AS text;", "d", "'a'", "'b'"},
      {"type_in_a_schema", "CREATE SCHEMA hidden; CREATE TYPE hidden.e AS ENUM ('a', 'b');", "hidden.e",
       "'a'", "'b'"},
      {"composite", "CREATE TYPE c AS (a int, b text);", "c", "'(1,\"x y\")'", "'(2,)'"},
      {"range", "", "int4range", "'[1,5)'", "'empty'"},
      {"numeric", "", "numeric", "1.00", "2"},
      {"float", "", "float8", "0.1", "'NaN'"},
      {"timestamptz", "", "timestamptz", "'2020-01-01 00:00:00.000001+00'", "'1900-01-01'"},
      {"interval", "", "interval", "'1 mon 2 days'", "'-1 day'"},
      {"bytea", "", "bytea", "'\\x00ff'", "'\\x'"},
      {"array", "", "text[]", "'{\"a,b\",NULL}'", "'{}'"},
      {"name", "", "name", "'a'", "'b'"},
      {"char", "", "char(4)", "'a'", "'b'"},
      {"inet", "", "inet", "'10.0.0.0/8'", "'::1'"},
      {"jsonb", "", "jsonb", "'{\"a\": \"b''c\"}'", "'1'"},
      {"text_with_quotes", "", "text", "'it''s \\ \"x\"'", "''"},
  };
  Case all{.name = "toast-key-of", .outcome = Outcome::Equal, .tables = {}, .each_table = true};
  std::string changes;
  for (const auto& key : keys) {
    const auto table = "of_" + key.name;
    all.tables.push_back("public." + table);
    all.setup += key.before + "CREATE TABLE " + table + " (k " + key.type +
                 " PRIMARY KEY, big text, n int); ALTER TABLE " + table +
                 " ALTER big SET STORAGE EXTERNAL; INSERT INTO " + table + " VALUES (" + key.first +
                 ", big(1), 1), (" + key.second + ", big(2), 2);";
    changes += "UPDATE " + table + " SET n = 10 WHERE n = 1; UPDATE " + table + " SET n = 20 WHERE n = 2;";
  }
  all.steps = {sql(changes)};
  out.push_back(std::move(all));
}

void add_others(std::vector<Case>& out) {
  out.push_back({.name = "lock-held-lookup",
                 .setup = kLarge,
                 .steps = {pause(), sql("UPDATE t SET n = 1 WHERE id = 2"),
                           hold("BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE"), resume(), neighbour_flows(),
                           pause(), resume(), neighbour_flows(), release()}});
  out.push_back(
      {.name = "toast-full",
       .setup = kLarge + "ALTER TABLE t REPLICA IDENTITY FULL",
       .steps = {sql("UPDATE t SET n = 1; ALTER TABLE t REPLICA IDENTITY DEFAULT; UPDATE t SET n = 2 WHERE "
                     "id = 3")}});
  out.push_back({.name = "toast-in-partitions",
                 .setup = "CREATE TABLE t (id int PRIMARY KEY, big text, n int) PARTITION BY RANGE (id);"
                          "ALTER TABLE t ALTER big SET STORAGE EXTERNAL;"
                          "CREATE TABLE t_1 PARTITION OF t FOR VALUES FROM (0) TO (3);"
                          "CREATE TABLE t_2 PARTITION OF t FOR VALUES FROM (3) TO (9);"
                          "INSERT INTO t SELECT g, big(g), 0 FROM generate_series(1, 5) g",
                 .steps = {pause(),
                           sql("UPDATE t SET n = 1; UPDATE t SET id = 6 WHERE id = 2; ALTER TABLE t DETACH "
                               "PARTITION t_1; UPDATE t SET n = 2"),
                           resume()}});
  out.push_back({.name = "toast-in-partitions-of-a-root-that-is-full",
                 .setup = "CREATE TABLE t (id int PRIMARY KEY, big text, n int) PARTITION BY RANGE (id);"
                          "ALTER TABLE t ALTER big SET STORAGE EXTERNAL;"
                          "CREATE TABLE t_1 PARTITION OF t FOR VALUES FROM (0) TO (9);"
                          "ALTER TABLE t REPLICA IDENTITY FULL;"
                          "INSERT INTO t SELECT g, big(g), 0 FROM generate_series(1, 5) g",
                 .steps = {sql("UPDATE t SET id = 6 WHERE id = 2; UPDATE t SET n = 1 WHERE id = 3")},
                 .outcome = Outcome::Equal});
}

}  // namespace

std::vector<Case> large_value_cases() {
  std::vector<Case> out;
  add_pending(out);
  add_keys(out);
  add_others(out);
  return out;
}

}  // namespace penstock::cases
