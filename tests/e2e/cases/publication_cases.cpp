// The publication changes under the stream.

#include "tests/e2e/cases/cases.hpp"

namespace penstock::cases {
namespace {

const std::string kKeyed =
    "CREATE TABLE t (id int PRIMARY KEY, v int, w text);"
    "INSERT INTO t SELECT g, g, 'w' || g FROM generate_series(1, 10) g;";
const std::string kPublished = kKeyed + "CREATE PUBLICATION t_p FOR TABLE t, t_nb";
const std::string kChanges =
    "DELETE FROM t WHERE id = 1; UPDATE t SET v = 0 WHERE id = 2; INSERT INTO t VALUES (11, 11, 'x');";

/// `neighbour`: it is to go on, see Case.
void add(std::vector<Case>& out, const std::string& name, std::vector<Step> steps,
         const std::string& mend = "", bool neighbour = true, int since = 0) {
  out.push_back({.name = name,
                 .setup = kPublished,
                 .steps = std::move(steps),
                 .source_more = ", publication: t_p",
                 .neighbour = neighbour,
                 .mend = mend,
                 .since = since});
}

void add_of_users(std::vector<Case>& out) {
  const std::string all = "ALTER PUBLICATION t_p SET (publish = 'insert, update, delete, truncate');";
  add(out, "publish-insert-only-in-flight",
      {sql("ALTER PUBLICATION t_p SET (publish = 'insert');" + kChanges)}, all, false);
  add(out, "publish-insert-only-and-back",
      {sql("ALTER PUBLICATION t_p SET (publish = 'insert');" + kChanges + all +
           "UPDATE t SET v = 5 WHERE id = 5")},
      "", false);
  add(out, "publish-without-delete",
      {sql("ALTER PUBLICATION t_p SET (publish = 'insert, update, truncate');" + kChanges)}, all, false);
  add(out, "publish-without-truncate",
      {sql("ALTER PUBLICATION t_p SET (publish = 'insert, update, delete'); TRUNCATE t; INSERT INTO t VALUES "
           "(1, 1, "
           "'new')")},
      all, false);
  add(out, "publish-nothing-paused",
      {pause(), sql("ALTER PUBLICATION t_p SET (publish = ''); " + kChanges + all), resume()}, "", false);
  add(out, "taken-out-and-back-in",
      {sql("ALTER PUBLICATION t_p DROP TABLE t; DELETE FROM t WHERE id = 1; INSERT INTO t VALUES (11, 11, "
           "'unseen');"
           "ALTER PUBLICATION t_p ADD TABLE t; INSERT INTO t VALUES (12, 12, 'seen')")});
  add(out, "taken-out-and-back-in-paused",
      {pause(), sql("ALTER PUBLICATION t_p DROP TABLE t;" + kChanges + "ALTER PUBLICATION t_p ADD TABLE t"),
       resume()});
  add(out, "taken-out", {sql("ALTER PUBLICATION t_p DROP TABLE t;" + kChanges)},
      "ALTER PUBLICATION t_p ADD TABLE t");
  add(out, "publication-recreated-quiet",
      {pause(),
       sql("INSERT INTO t VALUES (11, 11, 'before'); DROP PUBLICATION t_p; INSERT INTO t VALUES (12, 12, "
           "'unseen'); CREATE PUBLICATION t_p FOR TABLE t, t_nb; INSERT INTO t VALUES (13, 13, 'seen')"),
       resume()},
      "", false);
  add(out, "publication-recreated",
      {sql("DROP PUBLICATION t_p; INSERT INTO t VALUES (12, 12, 'unseen'); CREATE PUBLICATION t_p FOR TABLE "
           "t, t_nb;"
           "INSERT INTO t VALUES (13, 13, 'seen')")},
      "", false);
  add(out, "publication-renamed", {sql("ALTER PUBLICATION t_p RENAME TO t_q;" + kChanges)},
      "ALTER PUBLICATION t_q RENAME TO t_p", false);
  add(out, "publication-renamed-and-back",
      {sql("ALTER PUBLICATION t_p RENAME TO t_q;" + kChanges +
           "ALTER PUBLICATION t_q RENAME TO t_p;"
           "UPDATE t SET v = 5 WHERE id = 5")},
      "", false);
}

/// What came with PostgreSQL 15.
void add_filters(std::vector<Case>& out) {
  add(out, "row-filter-in-flight",
      {sql("ALTER PUBLICATION t_p SET TABLE t WHERE (id > 5), t_nb; UPDATE t SET v = 0 WHERE id = 2; INSERT "
           "INTO t "
           "VALUES (0, 0, 'x'), (11, 11, 'x')")},
      "ALTER PUBLICATION t_p SET TABLE t, t_nb", true, test::kPg15);
  add(out, "row-filter-and-back",
      {sql("ALTER PUBLICATION t_p SET TABLE t WHERE (id > 5), t_nb; UPDATE t SET v = 0 WHERE id = 2; ALTER "
           "PUBLICATION "
           "t_p SET TABLE t, t_nb; INSERT INTO t VALUES (11, 11, 'x')")},
      "", true, test::kPg15);
  add(out, "column-list-in-flight",
      {sql("ALTER PUBLICATION t_p SET TABLE t (id, w), t_nb; UPDATE t SET v = 0 WHERE id = 2; INSERT INTO t "
           "VALUES "
           "(11, 11, 'x')")},
      "ALTER PUBLICATION t_p SET TABLE t, t_nb", true, test::kPg15);
  add(out, "column-list-and-back",
      {sql("ALTER PUBLICATION t_p SET TABLE t (id, w), t_nb; UPDATE t SET v = 0 WHERE id = 2; ALTER "
           "PUBLICATION t_p "
           "SET TABLE t, t_nb; INSERT INTO t VALUES (11, 11, 'x')")},
      "", true, test::kPg15);
  add(out, "publication-of-another-owner",
      {sql("ALTER PUBLICATION t_p OWNER TO pg_monitor; ALTER PUBLICATION t_p ADD TABLES IN SCHEMA public;" +
           kChanges)},
      "", true, test::kPg15);
}

void add_of_schemas(std::vector<Case>& out) {
  out.push_back(
      {.name = "taken-out-with-its-schema",
       .setup = kKeyed + "CREATE SCHEMA s; CREATE PUBLICATION t_p FOR TABLES IN SCHEMA public",
       .steps = {sql("ALTER TABLE t SET SCHEMA s; DELETE FROM s.t WHERE id = 1; ALTER TABLE s.t SET SCHEMA "
                     "public; INSERT INTO t VALUES (11, 11, 'x')")},
       .source_more = ", publication: t_p",
       .since = test::kPg15});
  const std::string parted =
      "CREATE TABLE t (id int PRIMARY KEY, v int, w text) PARTITION BY RANGE (id);"
      "CREATE TABLE t_1 PARTITION OF t FOR VALUES FROM (0) TO (6);"
      "CREATE TABLE t_2 PARTITION OF t FOR VALUES FROM (6) TO (99);"
      "INSERT INTO t SELECT g, g, 'w' || g FROM generate_series(1, 10) g;"
      "CREATE PUBLICATION t_p FOR TABLE t, t_nb WITH (publish_via_partition_root = true)";
  out.push_back({.name = "no-longer-via-root",
                 .setup = parted,
                 .steps = {sql("ALTER PUBLICATION t_p SET (publish_via_partition_root = false);" + kChanges)},
                 .source_more = ", publication: t_p",
                 .mend = "ALTER PUBLICATION t_p SET (publish_via_partition_root = true)"});
  out.push_back(
      {.name = "no-longer-via-root-and-back",
       .setup = parted,
       .steps = {sql(
           "ALTER PUBLICATION t_p SET (publish_via_partition_root = false);" + kChanges +
           "ALTER PUBLICATION t_p SET (publish_via_partition_root = true); UPDATE t SET v = 5 WHERE "
           "id = 5")},
       .source_more = ", publication: t_p"});
}

const std::string kWide =
    "CREATE TABLE t (id int PRIMARY KEY, card text, v text, n int); ALTER TABLE t ALTER v SET STORAGE "
    "EXTERNAL, ALTER card SET STORAGE EXTERNAL;"
    "INSERT INTO t SELECT g, 'x4111' || big(g), CASE WHEN g % 2 = 0 THEN big(g) ELSE 'v' || g END, g FROM "
    "generate_series(1, 20) g;";
/// Changes of every kind, and rows that come into (id > 5) and leave it.
const std::string kMoves =
    "DELETE FROM t WHERE id IN (1, 6); UPDATE t SET n = 0 WHERE id IN (2, 8); INSERT INTO t VALUES (-97, "
    "'x4111', 'out', 1), (103, 'x4111', 'in', 1); UPDATE t SET id = 104 WHERE id = 4; UPDATE t SET id = -10, "
    "n "
    "= 7 WHERE id = 10; UPDATE t SET id = 111 WHERE id = 11; BEGIN; UPDATE t SET id = 112 WHERE id = 2; "
    "UPDATE "
    "t SET n = 1 WHERE id = 112; UPDATE t SET id = 2 WHERE id = 112; COMMIT;";

/// `wide`: of kWide; `published`: "TABLE t (id)". Equal and not named, whatever moves.
Case part(const std::string& name, const std::string& wide, const std::string& published,
          std::vector<Step> steps) {
  return {.name = name,
          .setup = wide + "CREATE PUBLICATION t_p FOR " + published,
          .steps = std::move(steps),
          .outcome = Outcome::Equal,
          .source_more = ", publication: t_p"};
}

/// Lists and filters that are there from the beginning.
void add_of_parts(std::vector<Case>& out) {
  out.push_back(part("list-from-the-beginning", kWide, "TABLE t (id, v, n), t_nb", {sql(kMoves)}));
  out.back().secret = "x4111";
  out.push_back(part("filter-from-the-beginning", kWide, "TABLE t WHERE (id > 5), t_nb", {sql(kMoves)}));
  out.push_back(part("list-and-filter-from-the-beginning", kWide, "TABLE t (id, v, n) WHERE (id > 5), t_nb",
                     {sql(kMoves), settle(),
                      sql("TRUNCATE t; INSERT INTO t VALUES (1, 'x4111', 'out', 1), (9, "
                          "'x4111', 'in', 1); " +
                          kMoves)}));
  out.back().secret = "x4111";
  out.push_back(
      part("filter-beyond-the-key-under-full", kWide + "ALTER TABLE t REPLICA IDENTITY FULL;",
           "TABLE t WHERE (n > 5 OR n IS NULL), t_nb",
           {sql(kMoves + "UPDATE t SET n = 3 WHERE id = 12; UPDATE t SET n = 12 WHERE id = 3; UPDATE "
                         "t SET n = NULL WHERE id = 5")}));
  out.push_back(part("list-and-a-column-added", kWide, "TABLE t (id, v, n), t_nb",
                     {sql("ALTER TABLE t ADD x text DEFAULT 'x4111'; " + kMoves), settle(),
                      sql("ALTER TABLE t RENAME x TO y; UPDATE t SET y = 'x4111' || id")}));
  out.back().secret = "x4111";
  out.push_back(
      part("list-and-an-unlisted-column-renamed", kWide, "TABLE t (id, v, n) WHERE (id > 5), t_nb",
           {sql("ALTER TABLE t RENAME card TO paid; " + kMoves), pause(),
            sql("UPDATE t SET paid = 'x4111' || id; ALTER TABLE t RENAME paid TO card; ALTER TABLE t "
                "DROP card"),
            resume(), sql("ALTER TABLE t ADD card text DEFAULT 'x4111'; UPDATE t SET n = 5")}));
  out.back().secret = "x4111";
  out.push_back(part("filter-and-its-key-renamed", kWide, "TABLE t WHERE (id > 5), t_nb",
                     {sql("ALTER TABLE t RENAME id TO key; UPDATE t SET key = 104 WHERE key = 4")}));
  out.back().outcome = Outcome::Named;  // the target's key has another name than the source's
  out.push_back(part("filter-and-list-paused", kWide, "TABLE t (id, v, n) WHERE (id > 5), t_nb",
                     {pause(), sql(kMoves), resume()}));
}

void add_of_parts_of_trees(std::vector<Case>& out) {
  const std::string parted =
      "CREATE TABLE t (id int PRIMARY KEY, card text, v text, n int) PARTITION BY RANGE (id);"
      "CREATE TABLE t_1 PARTITION OF t FOR VALUES FROM (-999) TO (8);"
      "CREATE TABLE t_2 (n int, v text, card text, id int NOT NULL PRIMARY KEY);"
      "ALTER TABLE t ATTACH PARTITION t_2 FOR VALUES FROM (8) TO (999);"
      "INSERT INTO t SELECT g, 'x4111' || g, big(g), g FROM generate_series(1, 20) g;";
  out.push_back(part("list-and-filter-of-a-partitioned-table", parted,
                     "TABLE t (id, v, n) WHERE (id > 5), t_nb, t_2 WHERE (id > 15) WITH "
                     "(publish_via_partition_root = true)",
                     {sql(kMoves)}));
  out.back().secret = "x4111";
  out.push_back(
      part("filter-of-a-partition-by-itself", parted, "TABLE t_2 WHERE (id > 12), t_nb", {sql(kMoves)}));
  out.back().tables = {"public.t_2"};
  out.push_back(part("root-of-a-partition-joins-for-a-while", parted,
                     "TABLE t_1, t_nb WITH (publish_via_partition_root = true)",
                     {sql("ALTER PUBLICATION t_p ADD TABLE t; UPDATE t SET n = 99 WHERE id = 1; ALTER "
                          "PUBLICATION t_p DROP TABLE t; INSERT INTO t VALUES (-5, '', 'x', 5)")}));
  out.back().tables = {"public.t_1"};
  out.back().outcome = Outcome::Named;
  out.push_back(
      part("truncated-beside-a-table-of-another", kWide + "CREATE TABLE other (id int PRIMARY KEY);",
           "TABLE other, t, t_nb",
           {sql("TRUNCATE other, t; INSERT INTO other VALUES (1); INSERT INTO t (id) VALUES (7)")}));
  out.back().outcome = Outcome::Equal;
  out.push_back(
      part("filter-of-an-inherited-table",
           kWide + "CREATE TABLE t_c (more text, PRIMARY KEY (id)) INHERITS (t); INSERT INTO t_c "
                   "SELECT g, 'x4111', big(g), g, 'more' FROM generate_series(31, 40) g;",
           "TABLE t WHERE (id > 5), t_nb",
           {sql(kMoves + "UPDATE t_c SET id = -1 WHERE id = 31; UPDATE t_c SET id = 50 WHERE id = -1; "
                         "UPDATE t SET n = 9 WHERE id = 35")}));
  out.back().tables = {"{source: public.t, orderBy: [id]}"};
}

/// They become others than the load's.
void add_of_other_parts(std::vector<Case>& out) {
  const auto other = [&](const std::string& name, const std::string& published, std::vector<Step> steps) {
    out.push_back(part(name, kWide, published, std::move(steps)));
    out.back().outcome = Outcome::Named;
  };
  other("filter-altered", "TABLE t WHERE (id > 5), t_nb",
        {sql("ALTER PUBLICATION t_p SET TABLE t WHERE (id > 10), t_nb; " + kMoves)});
  other(
      "filter-altered-and-back", "TABLE t WHERE (id > 5), t_nb",
      {sql("ALTER PUBLICATION t_p SET TABLE t WHERE (id > 10), t_nb; UPDATE t SET n = 9 WHERE id = 8; ALTER "
           "PUBLICATION t_p SET TABLE t WHERE (id > 5), t_nb")});
  other("filter-taken-away", "TABLE t WHERE (id > 5), t_nb",
        {pause(), sql(kMoves + "ALTER PUBLICATION t_p SET TABLE t, t_nb; " + kMoves), resume()});
  other("list-altered", "TABLE t (id, v), t_nb",
        {sql("ALTER PUBLICATION t_p SET TABLE t (id, n), t_nb; " + kMoves)});
  other("list-taken-away", "TABLE t (id, v), t_nb",
        {sql("ALTER PUBLICATION t_p SET TABLE t, t_nb; " + kMoves)});
  other("filter-covered-by-its-schema", "TABLE t WHERE (id > 5), t_nb",
        {sql("ALTER PUBLICATION t_p ADD TABLES IN SCHEMA public; " + kMoves)});
  out.back().mend = "ALTER PUBLICATION t_p DROP TABLES IN SCHEMA public";
  out.back().neighbour = false;  // the schema is its own, too
}

/// That of Penstock, by somebody else's hand.
void add_of_ours(std::vector<Case>& out) {
  const auto ours = [](const std::string& change) {
    return "DO $$ BEGIN EXECUTE format('" + change + "', (SELECT pubname FROM pg_publication)); END $$;";
  };
  const auto add_ours = [&](const std::string& name, std::vector<Step> steps, bool neighbour, int since = 0) {
    out.push_back(
        {.name = name, .setup = kKeyed, .steps = std::move(steps), .neighbour = neighbour, .since = since});
  };
  add_ours("ours-loses-a-table", {sql(ours("ALTER PUBLICATION %I DROP TABLE t") + kChanges)}, true);
  add_ours("ours-loses-a-table-and-back",
           {sql(ours("ALTER PUBLICATION %I DROP TABLE t") + kChanges +
                ours("ALTER PUBLICATION %I ADD TABLE t") + "UPDATE t SET v = 5 WHERE id = 5")},
           true);
  add_ours("ours-publishes-inserts-only",
           {sql(ours("ALTER PUBLICATION %I SET (publish = ''insert'')") + kChanges)}, false);
  add_ours("ours-has-a-row-filter",
           {sql(ours("ALTER PUBLICATION %I SET TABLE t WHERE (id > 5), t_nb") + kChanges)}, true,
           test::kPg15);
  add_ours("ours-has-a-column-list",
           {sql(ours("ALTER PUBLICATION %I SET TABLE t (id, w), t_nb") + "UPDATE t SET v = 0 WHERE id = 2")},
           true, test::kPg15);
  add_ours("ours-is-dropped", {sql(ours("DROP PUBLICATION %I") + kChanges)}, false);
}

}  // namespace

std::vector<Case> publication_cases() {
  std::vector<Case> out;
  add_of_users(out);
  add_filters(out);
  add_of_schemas(out);
  add_of_parts(out);
  add_of_parts_of_trees(out);
  add_of_other_parts(out);
  add_of_ours(out);
  return out;
}

}  // namespace penstock::cases
