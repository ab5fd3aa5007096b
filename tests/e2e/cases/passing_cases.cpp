// What comes and goes between two looks at the catalog, and what the stream then brings.

#include "tests/e2e/cases/cases.hpp"

namespace penstock::cases {
namespace {

void add_columns(std::vector<Case>& out) {
  const std::string plain = "CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t VALUES (1, 1)";
  const auto add = [&](const std::string& name, const std::string& setup, std::vector<Step> steps) {
    out.push_back({.name = name, .setup = setup, .steps = std::move(steps), .outcome = Outcome::Named});
  };
  add("followed-and-renamed-for-a-moment", plain,
      {sql("ALTER TABLE t ADD c int; INSERT INTO t VALUES (2, 1, 1)"), settle(),
       sql("BEGIN; ALTER TABLE t RENAME c TO d; INSERT INTO t (id, v, d) VALUES (3, 1, 55); ALTER TABLE t "
           "RENAME d TO "
           "c; COMMIT")});
  add("followed-and-replaced", plain,
      {sql("ALTER TABLE t ADD c int DEFAULT 1; INSERT INTO t (id, v) VALUES (4, 1)"), settle(),
       sql("ALTER TABLE t DROP c, ADD c int DEFAULT 2")});
  add("added-and-renamed-in-one", plain,
      {sql("BEGIN; ALTER TABLE t ADD c text; INSERT INTO t VALUES (2, 2, 'x'); ALTER TABLE t RENAME c TO d; "
           "COMMIT")});
  add("added-and-made-again-in-one", plain,
      {sql("BEGIN; ALTER TABLE t ADD c text; INSERT INTO t VALUES (2, 2, 'x'); ALTER TABLE t DROP c; ALTER "
           "TABLE t ADD c text; COMMIT")});
  add("added-and-made-again-while-paused", plain,
      {pause(), sql("ALTER TABLE t ADD c text; INSERT INTO t VALUES (2, 2, 'x'); ALTER TABLE t DROP c"),
       look(), sql("ALTER TABLE t ADD c text"), look(), resume()});
  add("added-and-named-crosswise-in-one", plain,
      {sql("BEGIN; ALTER TABLE t ADD c int, ADD d int; INSERT INTO t VALUES (2, 2, 10, 20); ALTER TABLE t "
           "RENAME c TO x; ALTER TABLE t RENAME d TO c; ALTER TABLE t RENAME x TO d; COMMIT")});
  add("named-as-one-that-was-dropped",
      "CREATE TABLE t (id int PRIMARY KEY, a text, b text); INSERT INTO t VALUES (1, 'a', 'b')",
      {sql("BEGIN; ALTER TABLE t DROP a; ALTER TABLE t RENAME b TO a; UPDATE t SET a = 'x'; ALTER TABLE t "
           "RENAME a TO b; COMMIT")});
  add("retyped-to-an-enum-that-changes",
      "CREATE TYPE t_e AS ENUM ('a'); CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, "
      "'a')",
      {sql("ALTER TABLE t ALTER v TYPE t_e USING v::t_e"), look(),
       sql("ALTER TYPE t_e RENAME VALUE 'a' TO 'alpha'")});
  add("added-and-retyped-in-place-while-paused", plain,
      {pause(),
       sql("ALTER TABLE t ADD a cidr DEFAULT '10.0.0.11/32'; UPDATE t SET v = 2; ALTER TABLE t ALTER a TYPE "
           "inet"),
       resume()});
  const std::string family =
      "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'one');"
      "CREATE TABLE t_a (extra int, PRIMARY KEY (id)) INHERITS (t); INSERT INTO t_a VALUES (2, 'two', 77);"
      "CREATE TABLE t_aa (PRIMARY KEY (id)) INHERITS (t_a); INSERT INTO t_aa VALUES (3, 'three', 78)";
  out.push_back({.name = "child-of-two-gets-a-column-from-above",
                 .setup = "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'one');"
                          "CREATE TABLE t_a (PRIMARY KEY (id)) INHERITS (t); CREATE TABLE t_b (PRIMARY KEY "
                          "(id)) INHERITS (t); CREATE TABLE t_c (PRIMARY KEY (id)) INHERITS (t_a, t_b);"
                          "INSERT INTO t_c VALUES (2, 'two')",
                 .steps = {sql("ALTER TABLE t ADD z int; INSERT INTO t_c VALUES (3, 'three', 3)"), look()},
                 .outcome = Outcome::Equal,
                 .tables = {"{source: public.t, orderBy: [id]}"}});
  out.push_back({.name = "child-gets-the-column-first",
                 .setup = family,
                 .steps = {sql("ALTER TABLE t_a ADD z int DEFAULT 9; ALTER TABLE t ADD z int")},
                 .outcome = Outcome::Named,
                 .tables = {"{source: public.t, orderBy: [id]}"}});
  for (const std::string with : {"", " DEFAULT 5"})
    out.push_back(
        {.name = with.empty() ? "child-has-the-column" : "child-has-the-column-with-a-default",
         .setup = family,
         .steps = {sql("ALTER TABLE t ADD extra int" + with + "; INSERT INTO t_a VALUES (4, 'x', 1)")},
         .outcome = Outcome::Named,
         .tables = {"{source: public.t, orderBy: [id]}"}});
  const std::string pair = "CREATE TYPE t_c AS (x int, y text);" + plain;
  const std::string filled = "ALTER TABLE t ADD c t_c; INSERT INTO t VALUES (2, 2, '(1,x)');";
  add("added-composite-gets-an-attribute", pair, {sql(filled + "ALTER TYPE t_c ADD ATTRIBUTE z int")});
  add("added-composite-loses-an-attribute", pair, {sql(filled + "ALTER TYPE t_c DROP ATTRIBUTE y")});
  add("added-enum-has-a-label-renamed", "CREATE TYPE t_e AS ENUM ('a', 'b');" + plain,
      {sql("ALTER TABLE t ADD c t_e; INSERT INTO t VALUES (2, 2, 'a'); ALTER TYPE t_e RENAME VALUE 'a' TO "
           "'alpha'")});
  out.push_back(
      {.name = "added-with-types-made-at-once",
       .setup = plain,
       .steps = {sql("BEGIN; SAVEPOINT a; CREATE TYPE t_c AS (x int, y text); CREATE TYPE t_e AS ENUM "
                     "('a', 'b'); RELEASE a; ALTER TABLE t ADD c t_c, ADD e t_e; INSERT INTO t "
                     "VALUES (2, 2, '(1,x)', 'a'); COMMIT; ALTER TYPE t_e ADD VALUE 'c'; ALTER TYPE "
                     "t_e ADD VALUE 'aa' BEFORE 'b'")},
       .outcome = Outcome::Equal});
  add("retyped-twice-in-place",
      "CREATE TABLE t (id int PRIMARY KEY, a text); INSERT INTO t VALUES (1, '10.1.2.3/32')",
      {sql("ALTER TABLE t ALTER a TYPE cidr USING a::cidr"), look(), sql("ALTER TABLE t ALTER a TYPE inet")});
  out.push_back({.name = "moments-retyped-in-place",
                 .setup = "CREATE TABLE t (id int PRIMARY KEY, at timestamp); INSERT INTO t VALUES (1, "
                          "'2020-02-02 02:02:02')",
                 .steps = {sql("SET timezone = 'UTC'; ALTER TABLE t ALTER at TYPE timestamptz")},
                 .outcome = Outcome::Named,
                 .tables = {"{source: public.t, columns: [{name: at, type: String}]}"}});
  add("default-forgotten-by-vacuum-full", plain,
      {pause(),
       sql("INSERT INTO t VALUES (10, 1); UPDATE t SET v = 0 WHERE id = 1; ALTER TABLE t ADD c int "
           "DEFAULT 5"),
       look(), sql("VACUUM FULL t"), resume()});
  out.push_back({.name = "default-of-empty-arrays",
                 .setup = plain,
                 .steps = {sql("ALTER TABLE t ADD e int[] DEFAULT '{}', ADD f text[] NOT NULL DEFAULT '{}';"
                               "INSERT INTO t VALUES (2, 2)"),
                           look()},
                 .outcome = Outcome::Equal});
  add("retyped-to-text", plain, {sql("ALTER TABLE t ALTER v TYPE text; INSERT INTO t VALUES (2, '007')")});
  add("retyped-to-another-text", plain, {sql("ALTER TABLE t ALTER v TYPE text USING lpad(v::text, 5, '0')")});
  out.push_back({.name = "default-of-boxes",
                 .setup = plain,
                 .steps = {sql("ALTER TABLE t ADD b box DEFAULT '(1,1),(0,0)'; INSERT INTO t VALUES (2, 2)")},
                 .outcome = Outcome::Equal});
  out.push_back({.name = "added-after-one-that-came-and-went",
                 .setup = plain,
                 .steps = {sql("ALTER TABLE t ADD c int; ALTER TABLE t DROP c"), look(), look(),
                           sql("ALTER TABLE t ADD d int; INSERT INTO t VALUES (2, 2, 2)")},
                 .outcome = Outcome::Equal});
  add("retyped-in-place",
      "CREATE TABLE t (id int PRIMARY KEY, a cidr); INSERT INTO t VALUES (1, '10.1.2.3/32')",
      {sql("ALTER TABLE t ALTER a TYPE inet")});
  add("retyped-in-place-to-oid", "CREATE TABLE t (id int PRIMARY KEY, a int); INSERT INTO t VALUES (1, -1)",
      {sql("ALTER TABLE t ALTER a TYPE oid; INSERT INTO t VALUES (2, 2)")});
  add("retyped-in-place-from-a-domain",
      "CREATE DOMAIN net AS cidr; CREATE TABLE t (id int PRIMARY KEY, a net); INSERT INTO t VALUES (1, "
      "'10.1.2.3/32')",
      {sql("ALTER TABLE t ALTER a TYPE inet")});
  add("retyped-in-place-in-the-key",
      "CREATE TABLE t (a cidr PRIMARY KEY, v int); INSERT INTO t VALUES ('10.1.2.3/32', 1)",
      {sql("ALTER TABLE t ALTER a TYPE inet; DELETE FROM t")});
  out.push_back(
      {.name = "retyped-into-what-the-target-does-not-hold",
       .setup = "CREATE TABLE t (id int PRIMARY KEY, a date); INSERT INTO t VALUES (1, '2020-01-05')",
       .steps = {sql("ALTER TABLE t ALTER a TYPE timestamp"), look()},
       .outcome = Outcome::Named});
  out.push_back({.name = "retyped-in-place-alike",
                 .setup = "CREATE TABLE t (id int PRIMARY KEY, a varchar(9), b xml, c bit(3));"
                          "INSERT INTO t VALUES (1, 'x', '<a/>', '101')",
                 .steps = {sql("ALTER TABLE t ALTER a TYPE text, ALTER b TYPE text, ALTER c TYPE varbit;"
                               "INSERT INTO t VALUES (2, 'y', 'z', '1')")},
                 .outcome = Outcome::Equal});
}

void add_what_is_resynced_by_itself(std::vector<Case>& out) {
  const auto add = [&](const std::string& name, const std::string& setup, const std::string& change) {
    out.push_back({.name = name,
                   .setup = setup,
                   .steps = {sql(change)},
                   .outcome = Outcome::Equal,
                   .tables = {"{source: public.t, onDifference: Resync}"},
                   .resync = false});
  };
  add("enum-rename-value-resynced-by-itself",
      "CREATE TYPE t_e AS ENUM ('a', 'b'); CREATE TABLE t (id int PRIMARY KEY, e t_e);"
      "INSERT INTO t VALUES (1, 'a'), (2, 'b')",
      "ALTER TYPE t_e RENAME VALUE 'a' TO 'alpha'; INSERT INTO t VALUES (4, 'alpha')");
}

void add_exclusions(std::vector<Case>& out) {
  const std::string back = "ALTER TABLE t RENAME memo TO secret";
  const std::string row = "INSERT INTO t (id, v, memo) VALUES (9, 9, 'SECRET')";
  const auto add = [&](const std::string& name, std::vector<Step> steps) {
    out.push_back(
        {.name = name,
         .setup =
             "CREATE TABLE t (id int PRIMARY KEY, v int, secret text); INSERT INTO t VALUES (1, 1, 'SECRET')",
         .steps = std::move(steps),
         .tables = {"{source: public.t, excludedColumns: [secret]}"},
         .mend = back,
         .secret = "SECRET"});
  };
  add("excluded-made-again-and-renamed-later",
      {sql("ALTER TABLE t DROP secret, ADD secret text; INSERT INTO t VALUES (2, 2, 'SECRET')"), look(),
       sql("ALTER TABLE t RENAME secret TO memo;" + row)});
  add("excluded-made-again-and-renamed",
      {sql("ALTER TABLE t DROP secret, ADD secret text; ALTER TABLE t RENAME secret TO memo;" + row)});
  add("excluded-made-again-and-renamed-while-paused",
      {pause(), sql("ALTER TABLE t DROP secret, ADD secret text; ALTER TABLE t RENAME secret TO memo;" + row),
       resume()});
  out.push_back(
      {.name = "excluded-dropped-and-another-added-later",
       .setup =
           "CREATE TABLE t (id int PRIMARY KEY, v int, secret text); INSERT INTO t VALUES (1, 1, 'SECRET')",
       .steps = {sql("ALTER TABLE t DROP secret"), look(),
                 sql("ALTER TABLE t ADD note text; INSERT INTO t VALUES (2, 2, 'open')")},
       .outcome = Outcome::Equal,
       .tables = {"{source: public.t, excludedColumns: [secret]}"},
       .resync = false,  // Setup wants every excluded column to be there
       .secret = "SECRET"});
}

void add_children(std::vector<Case>& out) {
  const std::string family =
      "CREATE TABLE t (id int PRIMARY KEY, v text, secret text); CREATE TABLE t_a (PRIMARY KEY (id)) "
      "INHERITS (t);"
      "ALTER TABLE t REPLICA IDENTITY FULL; ALTER TABLE t_a REPLICA IDENTITY FULL;"
      "INSERT INTO t VALUES (1, 'one', 'SECRET'); INSERT INTO t_a VALUES (2, 'two', 'SECRET')";
  const auto add = [&](const std::string& name, std::vector<Step> steps, const std::string& more,
                       const std::string& source_more, const std::string& secret) {
    out.push_back(
        {.name = name,
         .setup = family + (source_more.empty() ? "" : "; CREATE PUBLICATION t_p FOR TABLE t, t_nb"),
         .steps = std::move(steps),
         .outcome = secret.empty() ? Outcome::Named : Outcome::Either,
         .tables = {"{source: public.t, orderBy: [id]" + more + "}"},
         .source_more = source_more,
         .secret = secret});
  };
  add("child-taken-out-and-back",
      {sql("ALTER PUBLICATION t_p DROP TABLE t_a; UPDATE t_a SET v = 'unseen'; ALTER PUBLICATION t_p ADD "
           "TABLE t_a")},
      "", ", publication: t_p", "");
  add("child-renamed-for-a-moment",
      {sql("BEGIN; ALTER TABLE t RENAME v TO x; INSERT INTO t_a (id, x) VALUES (5, 'a'); ALTER TABLE t "
           "RENAME x TO v; "
           "COMMIT")},
      "", "", "");
  const std::string trade =
      "ALTER TABLE t RENAME v TO x; ALTER TABLE t RENAME secret TO v; ALTER TABLE t RENAME x TO secret;";
  const std::string row = "INSERT INTO t_a (id, v) VALUES (7, 'SECRET');";
  const std::string back =
      "ALTER TABLE t RENAME secret TO x; ALTER TABLE t RENAME v TO secret; ALTER TABLE t RENAME x TO v";
  add("child-trades-an-excluded-name", {sql(trade + row), look(), sql(back)}, ", excludedColumns: [secret]",
      "", "SECRET");
  add("child-trades-an-excluded-name-for-a-moment", {sql("BEGIN;" + trade + row + back + "; COMMIT")},
      ", excludedColumns: [secret]", "", "SECRET");
}

}  // namespace

std::vector<Case> passing_cases() {
  std::vector<Case> out;
  add_columns(out);
  add_what_is_resynced_by_itself(out);
  add_exclusions(out);
  add_children(out);
  return out;
}

}  // namespace penstock::cases
