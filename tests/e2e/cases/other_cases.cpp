// Encodings, the time between Setup and the load, partitions that join and leave, and transactions of all
// kinds.

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

void add_encodings(std::vector<Case>& out) {
  out.push_back(
      {.name = "sql-ascii-database",
       .setup = "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, E'\\xe9'), (2, "
                "E'\\xc3\\xa9'), (3, 'plain')",
       .steps = {sql("INSERT INTO t VALUES (4, E'caf\\xe9'); UPDATE t SET v = E'\\xff\\xfe' WHERE id = 3;"
                     "DELETE FROM t WHERE id = 1")},
       .encoding = "SQL_ASCII"});
  out.push_back(
      {.name = "sql-ascii-key",
       .setup = "CREATE TABLE t (k text PRIMARY KEY, v int); INSERT INTO t VALUES (E'\\xe9', 1), "
                "(E'\\xe8', 2), (E'\\xc3\\xa9', 3)",
       .steps = {sql("INSERT INTO t VALUES (E'\\xff', 4); DELETE FROM t WHERE k = E'\\xe8'; UPDATE t SET v = "
                     "10 WHERE k = E'\\xe9'")},
       .encoding = "SQL_ASCII"});
  out.push_back(
      {.name = "latin1-database",
       .setup = "CREATE TABLE t (id int PRIMARY KEY, v text, \"größe\" text); INSERT INTO t VALUES (1, 'é', "
                "'ß')",
       .steps = {sql("INSERT INTO t VALUES (2, 'ü', 'ÿ'); UPDATE t SET v = 'ä' WHERE id = 1")},
       .outcome = Outcome::Equal,
       .encoding = "LATIN1"});
}

void add_before_load(std::vector<Case>& out) {
  const auto before = [&](const std::string& name, const std::string& setup, const std::string& steps,
                          const std::string& mend = "") {
    out.push_back({.name = name, .setup = setup, .steps = {sql(steps)}, .mend = mend, .before_start = true});
  };
  before(
      "column-added-before-load",
      "CREATE TABLE t (id int PRIMARY KEY, v int, gone int); INSERT INTO t VALUES (1, 1, "
      "1)",
      "ALTER TABLE t ADD late text, DROP gone; INSERT INTO t VALUES (2, NULL, 'x'); UPDATE t SET late = 'y'");
  before("column-dropped-before-load", kKeyed, "ALTER TABLE t DROP v; INSERT INTO t VALUES (11, 'x')");
  before("column-renamed-before-load", kKeyed,
         "ALTER TABLE t RENAME v TO v_2; INSERT INTO t VALUES (11, 11, 'x')");
  before("columns-trade-names-before-load",
         "CREATE TABLE t (id int PRIMARY KEY, a int, b int); INSERT INTO t VALUES "
         "(1, 1, 2)",
         "BEGIN; ALTER TABLE t RENAME a TO x; ALTER TABLE t RENAME b TO a; ALTER TABLE t RENAME x TO b; "
         "COMMIT; INSERT "
         "INTO t VALUES (2, 3, 4)");
  before("type-changed-before-load", kKeyed,
         "ALTER TABLE t ALTER v TYPE text USING 'v' || v; INSERT INTO t VALUES (11, "
         "'x', 'y')");
  before("key-changed-before-load",
         "CREATE TABLE t (a int PRIMARY KEY, b int NOT NULL); INSERT INTO t VALUES (1, 1), "
         "(2, 2)",
         "ALTER TABLE t DROP CONSTRAINT t_pkey, ADD PRIMARY KEY (b); INSERT INTO t VALUES (1, 3)");
  before("identity-changed-before-load",
         kKeyed + "CREATE UNIQUE INDEX t_v ON t (v); ALTER TABLE t ALTER v SET NOT NULL",
         "ALTER TABLE t REPLICA IDENTITY USING INDEX t_v; UPDATE t SET v = 50 WHERE id = 5; UPDATE t SET id "
         "= 60 WHERE "
         "id = 6; DELETE FROM t WHERE id = 7");
  before("not-null-dropped-before-load",
         "CREATE TABLE t (id int PRIMARY KEY, v int NOT NULL); INSERT INTO t VALUES (1, "
         "1)",
         "ALTER TABLE t ALTER v DROP NOT NULL; INSERT INTO t VALUES (2, NULL)");
  before("renamed-before-load", kKeyed,
         "ALTER TABLE t RENAME TO t_away; INSERT INTO t_away VALUES (11, 11, 'x')",
         "ALTER TABLE t_away RENAME TO t");
  before("replaced-before-load", kKeyed,
         "ALTER TABLE t RENAME TO t_old; CREATE TABLE t (id int PRIMARY KEY, v int, w "
         "text); INSERT INTO t VALUES (1, 100, 'new')");
  before("truncated-before-load", kKeyed, "TRUNCATE t; INSERT INTO t VALUES (11, 11, 'x')");
  before("enum-renamed-before-load",
         "CREATE TYPE t_e AS ENUM ('a', 'b'); CREATE TABLE t (id int PRIMARY KEY, e t_e);"
         "INSERT INTO t VALUES (1, 'a')",
         "ALTER TYPE t_e RENAME VALUE 'a' TO 'alpha'; INSERT INTO t VALUES (2, 'alpha')");
  // The slot is there before the next try to go on: what was written between is streamed as it was then.
  const std::string labelled =
      "CREATE TYPE t_e AS ENUM ('a', 'b'); CREATE TABLE t (id int PRIMARY KEY, e t_e);"
      "INSERT INTO t VALUES (1, 'a')";
  out.push_back({.name = "enum-renamed-between-slot-and-load",
                 .setup = labelled,
                 .steps = {look(), look(), release(), sql("SELECT pg_sleep(1)"),
                           sql("INSERT INTO t VALUES (5, 'a'); ALTER TYPE t_e RENAME VALUE 'a' TO 'alpha'")},
                 .before_start = true});
  out.push_back(
      {.name = "excluded-renamed-before-load",
       .setup = "CREATE TABLE t (id int PRIMARY KEY, card text, note text); INSERT INTO t VALUES (1, '4111', "
                "'n')",
       .steps = {sql("ALTER TABLE t RENAME card TO pan; INSERT INTO t VALUES (2, '4111', 'n')")},
       .tables = {"{source: public.t, excludedColumns: [card]}"},
       .resync = false,
       .secret = "4111",
       .before_start = true});
}

void add_partitions(std::vector<Case>& out) {
  const auto either = [&](const std::string& name, const std::string& steps, int since = 0) {
    out.push_back({.name = name, .setup = kParted, .steps = {sql(steps)}, .since = since});
  };
  either("partition-attached-with-rows",
         "CREATE TABLE t_3 (w text, v int, id int NOT NULL); INSERT INTO t_3 VALUES ('in', 1, 250); ALTER "
         "TABLE t "
         "ATTACH PARTITION t_3 FOR VALUES FROM (200) TO (300); INSERT INTO t VALUES (251, 1, 'x')");
  either("partition-attached-empty",
         "CREATE TABLE t_3 (w text, v int, id int NOT NULL); ALTER TABLE t ATTACH PARTITION t_3 FOR VALUES "
         "FROM (200) "
         "TO (300); INSERT INTO t VALUES (251, 1, 'x')");
  either("partition-created",
         "CREATE TABLE t_3 PARTITION OF t FOR VALUES FROM (200) TO (300); INSERT INTO t VALUES "
         "(251, 1, 'x'); UPDATE t SET id = 252 WHERE id = 20");
  either("partition-detached", "ALTER TABLE t DETACH PARTITION t_1; INSERT INTO t VALUES (101, 1, 'x')");
  either(
      "partition-detached-and-back",
      "ALTER TABLE t DETACH PARTITION t_1; DELETE FROM t_1 WHERE id = 20; INSERT INTO t_1 VALUES (21, 1, "
      "'apart');"
      "ALTER TABLE t ATTACH PARTITION t_1 FOR VALUES FROM (0) TO (100); INSERT INTO t VALUES (101, 1, 'x')");
  either("partition-detached-at-once",
         "BEGIN; ALTER TABLE t DETACH PARTITION t_1; UPDATE t_1 SET v = -1; ALTER TABLE t ATTACH PARTITION "
         "t_1 FOR "
         "VALUES FROM (0) TO (100); COMMIT");
  either("partition-detached-concurrently", "ALTER TABLE t DETACH PARTITION t_1 CONCURRENTLY", test::kPg14);
  either("partition-dropped", "DROP TABLE t_1; INSERT INTO t VALUES (101, 1, 'x')");
  either("partition-truncated", "TRUNCATE t_1; INSERT INTO t VALUES (1, 1, 'x')");
  either("partitions-truncated-one-by-one", "TRUNCATE t_1; TRUNCATE t_2; INSERT INTO t VALUES (1, 1, 'x')");
  either("partition-renamed", "ALTER TABLE t_1 RENAME TO t_one; UPDATE t SET v = 0 WHERE id = 20");
  either("partitions-trade-places",
         "BEGIN; ALTER TABLE t DETACH PARTITION t_1; ALTER TABLE t DETACH PARTITION t_2; UPDATE t_1 SET id = "
         "id + 100;"
         "UPDATE t_2 SET id = id - 100; ALTER TABLE t ATTACH PARTITION t_2 FOR VALUES FROM (0) TO (100); "
         "ALTER TABLE t "
         "ATTACH PARTITION t_1 FOR VALUES FROM (100) TO (200); COMMIT; UPDATE t SET v = 0 WHERE id = 20");
  const std::string family =
      "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'one');"
      "CREATE TABLE t_a (PRIMARY KEY (id)) INHERITS (t); INSERT INTO t_a VALUES (2, 'two');";
  const auto child = [&](const std::string& name, const std::string& steps) {
    out.push_back({.name = name,
                   .setup = family,
                   .steps = {sql(steps)},
                   .tables = {"{source: public.t, orderBy: [id]}"}});
  };
  child("child-added",
        "CREATE TABLE t_b (PRIMARY KEY (id)) INHERITS (t); INSERT INTO t_b VALUES (3, 'three')");
  child("child-leaves", "ALTER TABLE t_a NO INHERIT t; UPDATE t_a SET v = 'apart'");
  child("child-leaves-and-returns",
        "ALTER TABLE t_a NO INHERIT t; UPDATE t_a SET v = 'apart'; INSERT INTO t_a VALUES "
        "(4, 'x'); ALTER TABLE t_a INHERIT t");
  child("child-truncated", "TRUNCATE t_a; INSERT INTO t_a VALUES (5, 'five')");
}

void add_transactions(std::vector<Case>& out) {
  const auto equal = [&](const std::string& name, const std::string& steps, int since = 0) {
    out.push_back(
        {.name = name, .setup = kKeyed, .steps = {sql(steps)}, .outcome = Outcome::Equal, .since = since});
  };
  equal("two-phase-commit",
        "BEGIN; UPDATE t SET v = 100 WHERE id = 1; PREPARE TRANSACTION 'one'; UPDATE t SET v = 7 WHERE id = "
        "2; COMMIT "
        "PREPARED 'one'; BEGIN; DELETE FROM t; PREPARE TRANSACTION 'two'; ROLLBACK PREPARED 'two'");
  equal("savepoints",
        "BEGIN; UPDATE t SET v = 1; SAVEPOINT a; DELETE FROM t; ROLLBACK TO a; INSERT INTO t VALUES (11, 1, "
        "'x'); "
        "SAVEPOINT b; UPDATE t SET id = id + 100; RELEASE b; COMMIT");
  equal("keys-trade-places",
        "BEGIN; UPDATE t SET id = -1 WHERE id = 1; UPDATE t SET id = 1 WHERE id = 2; UPDATE t SET "
        "id = 2 WHERE id = -1; COMMIT");
  equal("merge",
        "MERGE INTO t USING (SELECT g AS id, -g AS v FROM generate_series(5, 15) g) s ON t.id = s.id WHEN "
        "MATCHED AND s.id = 7 THEN DELETE WHEN MATCHED THEN UPDATE SET v = s.v WHEN NOT MATCHED THEN INSERT "
        "VALUES (s.id, s.v, 'merged')",
        test::kPg15);
  equal("gone-and-back",
        "BEGIN; DELETE FROM t WHERE id = 1; INSERT INTO t VALUES (1, 5, 'back'); UPDATE t SET v = 6 "
        "WHERE id = 1; COMMIT; BEGIN; INSERT INTO t VALUES (12, 1, 'x'); DELETE FROM t WHERE id = 12; "
        "COMMIT");
  equal("ddl-rolled-back",
        "BEGIN; ALTER TABLE t ADD e int DEFAULT 5; UPDATE t SET e = 6; ALTER TABLE t RENAME v TO x;"
        "ROLLBACK; UPDATE t SET v = 0 WHERE id = 3");
}

}  // namespace

std::vector<Case> other_cases() {
  std::vector<Case> out;
  add_encodings(out);
  add_before_load(out);
  add_partitions(out);
  add_transactions(out);
  return out;
}

}  // namespace penstock::cases
