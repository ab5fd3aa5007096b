// What comes and goes of a table's partitions between two looks at the catalog.

#include "tests/e2e/cases/cases.hpp"

namespace penstock::cases {
namespace {

const std::string kParted =
    "CREATE TABLE t (id int PRIMARY KEY, v int) PARTITION BY RANGE (id);"
    "CREATE TABLE t_0 PARTITION OF t FOR VALUES FROM (0) TO (100);";
const std::string kTwo = kParted +
                         "CREATE TABLE t_1 PARTITION OF t FOR VALUES FROM (100) TO (200);"
                         "INSERT INTO t VALUES (1, 1), (2, 2), (101, 101)";
const std::string kMade =
    "CREATE TABLE t_9 PARTITION OF t FOR VALUES FROM (900) TO (999); INSERT INTO t VALUES (901, 1)";

void add_arrivals(std::vector<Case>& out) {
  const auto add = [&](const std::string& name, const std::string& setup, std::vector<Step> steps,
                       const std::string& mend = "") {
    out.push_back(
        {.name = name, .setup = setup, .steps = std::move(steps), .outcome = Outcome::Named, .mend = mend});
  };
  const std::string one = kParted + "INSERT INTO t VALUES (1, 1)";
  add("only-partition-truncated", one, {sql("TRUNCATE t_0")});
  add("only-partition-truncated-and-filled", one, {sql("TRUNCATE t_0; INSERT INTO t VALUES (5, 5)")});
  add("all-partitions-truncated", kTwo, {sql("TRUNCATE t_0, t_1")});
  add("only-partition-emptied-unlogged", one,
      {sql("ALTER TABLE t_0 SET UNLOGGED; DELETE FROM t; ALTER TABLE t_0 SET LOGGED")});
  add("partition-made-unlogged", kTwo,
      {sql("CREATE UNLOGGED TABLE t_2 PARTITION OF t FOR VALUES FROM (200) TO (300);"
           "INSERT INTO t VALUES (250, 1)")},
      "ALTER TABLE t_2 SET LOGGED");
  add("partition-unlogged-from-the-beginning", kTwo + "; ALTER TABLE t_1 SET UNLOGGED",
      {sql("INSERT INTO t VALUES (150, 1)")}, "ALTER TABLE t_1 SET LOGGED");
  add("partition-made-and-dropped", kTwo, {sql(kMade), settle(), sql("DROP TABLE t_9")});
  add("partition-made-and-detached", kTwo, {sql(kMade), settle(), sql("ALTER TABLE t DETACH PARTITION t_9")});
  add("partition-made-and-truncated", kTwo, {sql(kMade), settle(), sql("TRUNCATE t_9")});
  add("partition-made-and-truncated-in-one", kTwo, {sql("BEGIN;" + kMade + "; TRUNCATE t_9; COMMIT")});
  const std::string attach = "ALTER TABLE t ATTACH PARTITION t_3 FOR VALUES FROM (200) TO (300);";
  const std::string apart = "CREATE TABLE t_3 (id int NOT NULL PRIMARY KEY, v int);";
  add("partition-attached-by-an-older-transaction", kTwo,
      {hold("BEGIN; SELECT pg_current_xact_id()"), sql(apart + "INSERT INTO t_3 VALUES (250, 1), (251, 2)"),
       hold(attach + "COMMIT"), sql("UPDATE t SET v = v + 1 WHERE id = 250")});
  add("partition-attached-with-rows-of-a-savepoint", kTwo,
      {sql("BEGIN;" + apart + "SAVEPOINT a; INSERT INTO t_3 VALUES (250, 1); RELEASE a;" + attach +
           "COMMIT")});
  out.push_back({.name = "partition-attached-empty-by-an-older-transaction",
                 .setup = kTwo,
                 .steps = {hold("BEGIN; SELECT pg_current_xact_id()"), sql(apart), hold(attach + "COMMIT"),
                           sql("INSERT INTO t SELECT g, g FROM generate_series(200, 299) g;"
                               "DELETE FROM t WHERE id = 250; UPDATE t SET v = 0 WHERE id = 251")},
                 .outcome = Outcome::Equal});
  const std::string returns = "ALTER TABLE t ATTACH PARTITION t_9 FOR VALUES FROM (900) TO (999)";
  add("partition-made-detached-emptied-and-attached", kTwo,
      {sql(kMade), settle(), sql("ALTER TABLE t DETACH PARTITION t_9; DELETE FROM t_9;" + returns)});
  add("partition-made-detached-changed-and-attached", kTwo,
      {sql(kMade), settle(),
       sql("ALTER TABLE t DETACH PARTITION t_9; UPDATE t_9 SET id = 950;" + returns +
           "; UPDATE t SET v = 9 WHERE id = 950")});
  add("partition-made-and-truncated-while-paused", kTwo,
      {pause(), sql(kMade + "; TRUNCATE t_9"), look(), resume()});
  add("partition-made-detached-emptied-and-attached-while-paused", kTwo,
      {pause(), sql(kMade + "; ALTER TABLE t DETACH PARTITION t_9; DELETE FROM t_9;" + returns), look(),
       resume()});
  out.push_back({.name = "partition-attached-empty-while-paused",
                 .setup = kTwo,
                 .steps = {pause(), sql(apart + attach + "INSERT INTO t VALUES (250, 1)"), look(), resume(),
                           look(), look()},
                 .outcome = Outcome::Equal});
  add("part-of-a-new-part-detached-emptied-and-attached", kTwo,
      {sql("CREATE TABLE m PARTITION OF t FOR VALUES FROM (900) TO (999) PARTITION BY RANGE (id); CREATE "
           "TABLE m_1 PARTITION OF m FOR VALUES FROM (900) TO (950); INSERT INTO t VALUES (901, 1)"),
       settle(),
       sql("ALTER TABLE m DETACH PARTITION m_1; DELETE FROM m_1; ALTER TABLE m ATTACH PARTITION m_1 FOR "
           "VALUES FROM (900) TO (950)")});
  const std::string beside =
      kTwo + "; CREATE TABLE x (id int PRIMARY KEY, v int); INSERT INTO x VALUES (210, 1)";
  const std::string joins = "ALTER TABLE t ATTACH PARTITION x FOR VALUES FROM (200) TO (300);";
  const auto both = [&](const std::string& name, std::vector<Step> steps, Outcome outcome) {
    out.push_back({.name = name,
                   .setup = beside,
                   .steps = std::move(steps),
                   .outcome = outcome,
                   .tables = {"public.t", "public.x"}});
  };
  both("table-of-the-pipe-attached-to-another-for-a-while",
       {sql(joins + "UPDATE x SET v = 5; ALTER TABLE t DETACH PARTITION x; INSERT INTO x VALUES (211, 6)")},
       Outcome::Named);
  both("table-of-the-pipe-attached-to-another-in-one",
       {sql("BEGIN;" + joins + "DELETE FROM t WHERE id = 210; ALTER TABLE t DETACH PARTITION x; COMMIT")},
       Outcome::Named);
  both("table-of-the-pipe-attached-to-another-while-paused",
       {pause(), sql(joins), resume(), settle(),
        sql("UPDATE x SET v = 5; ALTER TABLE t DETACH PARTITION x; INSERT INTO x VALUES (211, 6)")},
       Outcome::Named);
  both("tables-of-the-pipe-truncated-together",
       {sql("TRUNCATE t, x; INSERT INTO t VALUES (3, 3); INSERT INTO x VALUES (3, 3)")}, Outcome::Equal);
  out.push_back(
      {.name = "excluded-column-rewritten",
       .setup = "CREATE TABLE t (id int PRIMARY KEY, v int, w text); INSERT INTO t VALUES (1, 1, 'w')",
       .steps = {sql("ALTER TABLE t ALTER w TYPE text USING upper(w)"), look()},
       .outcome = Outcome::Equal,
       .tables = {"{source: public.t, excludedColumns: [w]}"}});
  out.push_back({.name = "partition-made-with-another-identity",
                 .setup = kTwo +
                          "; ALTER TABLE t ALTER v SET NOT NULL; ALTER TABLE t REPLICA IDENTITY FULL;"
                          "ALTER TABLE t_0 REPLICA IDENTITY FULL; ALTER TABLE t_1 REPLICA IDENTITY FULL",
                 .steps = {sql("CREATE TABLE t_2 PARTITION OF t FOR VALUES FROM (200) TO (300);"
                               "INSERT INTO t VALUES (250, 1); UPDATE t SET v = 2 WHERE id = 250")},
                 .outcome = Outcome::Named,
                 .tables = {"{source: public.t, orderBy: [id, v]}"},
                 .mend = "ALTER TABLE t_2 REPLICA IDENTITY FULL"});
  out.push_back(
      {.name = "partition-made-and-emptied-by-delete",
       .setup = kTwo,
       .steps = {sql(kMade), settle(), sql("INSERT INTO t VALUES (902, 2); DELETE FROM t WHERE id = 901")},
       .outcome = Outcome::Equal});
}

/// That have another file, which may be a TRUNCATE that is not streamed, or nothing.
void add_new_files(std::vector<Case>& out) {
  const auto add = [&](const std::string& name, const std::string& setup, std::vector<Step> steps) {
    out.push_back({.name = name, .setup = setup, .steps = std::move(steps), .outcome = Outcome::Named});
  };
  add("partition-truncated-and-all-moved-later", kTwo,
      {sql("TRUNCATE t_0"), look(), sql("VACUUM FULL t"), look()});
  add("partition-truncated-and-all-moved", kTwo, {sql("TRUNCATE t_0; VACUUM FULL t")});
  add("partition-truncated-after-all-were", kTwo,
      {sql("TRUNCATE t; INSERT INTO t VALUES (5, 5), (105, 5); TRUNCATE t_0")});
  add("partition-truncated-in-one-with-all", kTwo,
      {sql("BEGIN; TRUNCATE t; INSERT INTO t VALUES (5, 5), (105, 5); TRUNCATE t_0; COMMIT")});
  add("partition-unlogged-in-one-with-a-truncate", kTwo,
      {sql("BEGIN; TRUNCATE t; ALTER TABLE t_0 SET UNLOGGED; INSERT INTO t VALUES (6, 6);"
           "ALTER TABLE t_0 SET LOGGED; COMMIT")});
  add("partition-truncated-filled-and-granted", kTwo,
      {sql("TRUNCATE t_0; INSERT INTO t VALUES (5, 5); GRANT SELECT ON t_0 TO PUBLIC")});
  add("partition-truncated-filled-and-moved", kTwo,
      {sql("TRUNCATE t_0; INSERT INTO t VALUES (5, 5); VACUUM FULL t_0")});
  add("partition-truncated-and-filled-by-an-older-transaction", kTwo,
      {hold("BEGIN; SELECT pg_current_xact_id()"), sql("TRUNCATE t_0"),
       hold("INSERT INTO t VALUES (5, 5); COMMIT")});
  add("partition-unlogged-for-a-while-and-granted", kTwo,
      {sql("ALTER TABLE t_0 SET UNLOGGED; INSERT INTO t VALUES (50, 1); DELETE FROM t WHERE id = 1;"
           "ALTER TABLE t_0 SET LOGGED; GRANT SELECT ON t_0 TO PUBLIC")});
  add("partition-made-unlogged-and-granted", kTwo,
      {sql("CREATE UNLOGGED TABLE t_9 PARTITION OF t FOR VALUES FROM (900) TO (999);"
           "INSERT INTO t VALUES (901, 1)"),
       look(), sql("ALTER TABLE t_9 SET LOGGED; GRANT SELECT ON t_9 TO PUBLIC"), look()});
  add("partition-made-truncated-filled-and-granted", kTwo,
      {sql(kMade), settle(),
       sql("TRUNCATE t_9; INSERT INTO t VALUES (902, 1); GRANT SELECT ON t_9 TO PUBLIC")});
  add("only-partition-filled-and-truncated-while-paused", kParted,
      {pause(), sql("INSERT INTO t VALUES (1, 1); TRUNCATE t_0"), look(), resume()});
  add("all-partitions-filled-and-truncated-while-paused",
      kParted + "CREATE TABLE t_1 PARTITION OF t FOR VALUES FROM (100) TO (200)",
      {pause(), sql("INSERT INTO t VALUES (1, 1), (101, 1); TRUNCATE t_0, t_1"), look(), resume()});
  out.push_back({.name = "partition-unlogged-for-a-while-where-truncates-are-ignored",
                 .setup = kTwo,
                 .steps = {sql("ALTER TABLE t_0 SET UNLOGGED; INSERT INTO t VALUES (50, 1);"
                               "ALTER TABLE t_0 SET LOGGED"),
                           look(), look()},
                 .outcome = Outcome::Named,
                 .tables = {"{source: public.t, onTruncate: Ignore}"},
                 .resync = false});
  const auto equal = [&](const std::string& name, std::vector<Step> steps) {
    out.push_back({.name = name, .setup = kTwo, .steps = std::move(steps), .outcome = Outcome::Equal});
  };
  equal("truncated-below-a-savepoint",
        {sql("BEGIN; SAVEPOINT a; TRUNCATE t; RELEASE a; INSERT INTO t VALUES (5, 5); COMMIT"), look(),
         look()});
  equal("truncated-and-granted",
        {sql("TRUNCATE t; GRANT SELECT ON t_0 TO PUBLIC; INSERT INTO t VALUES (5, 5)"), look(), look()});
  equal("partitions-of-new-rows-or-none-moved",
        {sql(kMade + ";CREATE TABLE t_2 PARTITION OF t FOR VALUES FROM (200) TO (300)"), settle(), look(),
         sql("VACUUM FULL t; VACUUM FULL t_2; VACUUM FULL t_9"), look(), look()});
  out.push_back({.name = "partition-truncated-resynced-by-itself",
                 .setup = kTwo,
                 .steps = {sql("TRUNCATE t_0; INSERT INTO t VALUES (5, 5)")},
                 .outcome = Outcome::Equal,
                 .tables = {"{source: public.t, onDifference: Resync}"},
                 .resync = false});
}

}  // namespace

std::vector<Case> partition_cases() {
  std::vector<Case> out;
  add_arrivals(out);
  add_new_files(out);
  return out;
}

}  // namespace penstock::cases
