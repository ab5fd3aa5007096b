// Names are not identities: tables and columns under another name.

#include "tests/e2e/cases/cases.hpp"

namespace penstock::cases {
namespace {

const std::string kKeyed =
    "CREATE TABLE t (id int PRIMARY KEY, v int, w text);"
    "INSERT INTO t SELECT g, g, 'w' || g FROM generate_series(1, 10) g;";

void add_tables(std::vector<Case>& out) {
  out.push_back({.name = "renamed-and-back",
                 .setup = kKeyed,
                 .steps = {sql("ALTER TABLE t RENAME TO t_tmp; INSERT INTO t_tmp VALUES (11, 11, 'while "
                               "away'); DELETE FROM t_tmp WHERE id = 1; ALTER TABLE t_tmp RENAME TO t;"
                               "INSERT INTO t VALUES (12, 12, 'back')")}});
  out.push_back({.name = "renamed-and-back-paused",
                 .setup = kKeyed,
                 .steps = {pause(),
                           sql("ALTER TABLE t RENAME TO t_tmp; INSERT INTO t_tmp VALUES (11, 11, 'while "
                               "away'); DELETE FROM t_tmp WHERE id = 1; ALTER TABLE t_tmp RENAME TO t"),
                           resume()}});
  out.push_back({.name = "renamed-in-one-transaction",
                 .setup = kKeyed,
                 .steps = {sql("BEGIN; ALTER TABLE t RENAME TO t_tmp; INSERT INTO t_tmp VALUES (11, 11, "
                               "'while away'); UPDATE t_tmp SET v = 0 WHERE id = 2;"
                               "ALTER TABLE t_tmp RENAME TO t; COMMIT; INSERT INTO t VALUES (12, 12, "
                               "'back')")}});
  out.push_back({.name = "renamed-away",
                 .setup = kKeyed,
                 .steps = {sql("ALTER TABLE t RENAME TO t_away; INSERT INTO t_away VALUES (11, 11, 'x')")},
                 .outcome = Outcome::Named,
                 .mend = "ALTER TABLE t_away RENAME TO t"});
  out.push_back({.name = "replaced-by-a-copy",
                 .setup = kKeyed,
                 .steps = {sql("BEGIN; ALTER TABLE t RENAME TO t_old; CREATE TABLE t (LIKE t_old INCLUDING "
                               "ALL); INSERT INTO t SELECT id, v * 2, w FROM t_old WHERE id > 3; COMMIT;"
                               "INSERT INTO t VALUES (20, 20, 'new'); UPDATE t_old SET v = -1")}});
  out.push_back(
      {.name = "swapped-with-another",
       .setup = kKeyed + "CREATE TABLE t_new (LIKE t INCLUDING ALL); INSERT INTO t_new SELECT g, "
                         "-g, 'other' FROM generate_series(5, 15) g",
       .steps = {sql("BEGIN; ALTER TABLE t RENAME TO t_old; ALTER TABLE t_new RENAME TO t; COMMIT;"
                     "UPDATE t SET v = 0 WHERE id = 6; INSERT INTO t_old VALUES (30, 30, 'old')")}});
  out.push_back({.name = "tables-trade-names",
                 .setup = kKeyed + "CREATE TABLE t_2 (LIKE t INCLUDING ALL); INSERT INTO t_2 SELECT g, -g, "
                                   "'other' FROM generate_series(5, 15) g",
                 .steps = {sql("BEGIN; ALTER TABLE t RENAME TO t_x; ALTER TABLE t_2 RENAME TO t;"
                               "ALTER TABLE t_x RENAME TO t_2; COMMIT; UPDATE t SET v = 0 WHERE id = 6;"
                               "DELETE FROM t_2 WHERE id = 6")},
                 .tables = {"public.t", "public.t_2"}});
  out.push_back({.name = "dropped-and-made-anew",
                 .setup = kKeyed,
                 .steps = {sql("DROP TABLE t; CREATE TABLE t (id int PRIMARY KEY, v int, w text);"
                               "INSERT INTO t VALUES (1, 100, 'new')")}});
  out.push_back({.name = "dropped-and-made-anew-paused",
                 .setup = kKeyed,
                 .steps = {pause(),
                           sql("UPDATE t SET v = 0; DROP TABLE t; CREATE TABLE t (id int PRIMARY KEY, v int, "
                               "w text); INSERT INTO t VALUES (1, 100, 'new')"),
                           resume()}});
  out.push_back(
      {.name = "dropped",
       .setup = kKeyed,
       .steps = {sql("DROP TABLE t")},
       .outcome = Outcome::Named,
       .mend = "CREATE TABLE t (id int PRIMARY KEY, v int, w text); INSERT INTO t VALUES (1, 1, 'x')"});
  out.push_back({.name = "moved-to-other-schema",
                 .setup = kKeyed + "CREATE SCHEMA t_s",
                 .steps = {sql("ALTER TABLE t SET SCHEMA t_s; DELETE FROM t_s.t WHERE id < 4;"
                               "ALTER TABLE t_s.t SET SCHEMA public")}});
  out.push_back({.name = "moved-and-stays",
                 .setup = kKeyed + "CREATE SCHEMA t_s",
                 .steps = {sql("ALTER TABLE t SET SCHEMA t_s; DELETE FROM t_s.t WHERE id < 4")},
                 .outcome = Outcome::Named,
                 .mend = "ALTER TABLE t_s.t SET SCHEMA public"});
  out.push_back({.name = "schema-renamed-and-back",
                 .setup = "CREATE SCHEMA s; CREATE TABLE s.t (id int PRIMARY KEY, v int); INSERT INTO s.t "
                          "SELECT g, g FROM generate_series(1, 10) g",
                 .steps = {sql("ALTER SCHEMA s RENAME TO s_2; DELETE FROM s_2.t WHERE id < 4;"
                               "ALTER SCHEMA s_2 RENAME TO s; UPDATE s.t SET v = 0 WHERE id = 5")},
                 .tables = {"s.t"}});
  out.push_back({.name = "schemas-trade-names",
                 .setup = "CREATE SCHEMA s; CREATE TABLE s.t (id int PRIMARY KEY, v int); INSERT INTO s.t "
                          "SELECT g, g FROM generate_series(1, 10) g; CREATE SCHEMA s_2;"
                          "CREATE TABLE s_2.t (id int PRIMARY KEY, v int); INSERT INTO s_2.t VALUES (1, 77)",
                 .steps = {sql("BEGIN; ALTER SCHEMA s RENAME TO s_3; ALTER SCHEMA s_2 RENAME TO s; COMMIT;"
                               "UPDATE s.t SET v = 78; UPDATE s_3.t SET v = 0 WHERE id = 5")},
                 .tables = {"s.t"}});
}

void add_columns(std::vector<Case>& out) {
  const auto change = [&](const std::string& name, const std::string& ddl, const std::string& dml) {
    out.push_back({.name = name, .setup = kKeyed, .steps = {sql(ddl + ";" + dml)}});
    out.push_back({.name = name + "-paused",
                   .setup = kKeyed,
                   .steps = {pause(), sql("UPDATE t SET v = 0 WHERE id = 9;" + ddl + ";" + dml), resume()}});
  };
  change("ddl-drop-readd", "ALTER TABLE t DROP v; ALTER TABLE t ADD v int",
         "UPDATE t SET w = 'x' WHERE id = 1; INSERT INTO t (id, v) VALUES (11, 11)");
  change("ddl-drop-readd-as-text", "ALTER TABLE t DROP v; ALTER TABLE t ADD v text",
         "UPDATE t SET w = 'x' WHERE id = 1; INSERT INTO t (id, v) VALUES (11, 'eleven')");
  change("ddl-drop-readd-with-default", "ALTER TABLE t DROP v; ALTER TABLE t ADD v int DEFAULT 7",
         "UPDATE t SET w = 'x' WHERE id = 1; INSERT INTO t (id) VALUES (11)");
  change("ddl-rename-readd", "ALTER TABLE t RENAME v TO v_old; ALTER TABLE t ADD v int",
         "INSERT INTO t (id, v, v_old) VALUES (11, 1, 2); UPDATE t SET v = 5 WHERE id = 2");
  change("column-renamed", "ALTER TABLE t RENAME v TO v_2", "UPDATE t SET v_2 = 5 WHERE id = 2");
  change("column-renamed-and-back", "ALTER TABLE t RENAME v TO x; ALTER TABLE t RENAME x TO v",
         "UPDATE t SET v = 5 WHERE id = 2");
  change("column-takes-a-dropped-name", "ALTER TABLE t DROP w; ALTER TABLE t RENAME v TO w",
         "INSERT INTO t VALUES (11, 11)");
  out.push_back(
      {.name = "column-renamed-quiet", .setup = kKeyed, .steps = {sql("ALTER TABLE t RENAME v TO v_2")}});
  out.push_back({.name = "column-dropped",
                 .setup = kKeyed,
                 .steps = {sql("ALTER TABLE t DROP v; INSERT INTO t VALUES (11, 'x'); UPDATE t SET w = 'y' "
                               "WHERE id = 2")}});
  const std::string two =
      "CREATE TABLE t (id int PRIMARY KEY, a int, b int); INSERT INTO t SELECT g, g, -g FROM "
      "generate_series(1, 10) g;";
  const std::string trade =
      "ALTER TABLE t RENAME a TO x; ALTER TABLE t RENAME b TO a; ALTER TABLE t RENAME x TO b;";
  const std::string after = "INSERT INTO t VALUES (11, 1, 2); UPDATE t SET a = 100 WHERE id = 3";
  out.push_back({.name = "columns-trade-names", .setup = two, .steps = {sql(trade + after)}});
  out.push_back({.name = "columns-trade-names-at-once",
                 .setup = two,
                 .steps = {sql("BEGIN;" + trade + "COMMIT;" + after)}});
  out.push_back(
      {.name = "columns-trade-names-quiet", .setup = two, .steps = {sql("BEGIN;" + trade + "COMMIT")}});
  out.push_back({.name = "columns-trade-names-paused",
                 .setup = two,
                 .steps = {pause(), sql("UPDATE t SET a = 5 WHERE id = 5;" + trade + after), resume()}});
  out.push_back(
      {.name = "key-and-column-trade-names",
       .setup = two + "UPDATE t SET a = id + 1; CREATE UNIQUE INDEX t_a ON t (a)",
       .steps = {sql("BEGIN; ALTER TABLE t RENAME id TO x; ALTER TABLE t RENAME a TO id; ALTER TABLE "
                     "t RENAME x TO a; COMMIT; DELETE FROM t WHERE id = 3; UPDATE t SET b = 0 WHERE "
                     "id = 5; UPDATE t SET a = 70 WHERE id = 7")}});
}

void add_excluded(std::vector<Case>& out) {
  const std::string cards =
      "CREATE TABLE t (id int PRIMARY KEY, card text, note text);"
      "INSERT INTO t SELECT g, '4111 0000 ' || g, 'n' || g FROM generate_series(1, 5) g";
  const std::vector<std::string> without{"{source: public.t, excludedColumns: [card]}"};
  const std::string rows =
      "INSERT INTO t VALUES (6, '4111 0000 6', 'n'); UPDATE t SET note = 'x' WHERE id = 2";
  const auto add = [&](const std::string& name, std::vector<Step> steps) {
    out.push_back({.name = name,
                   .setup = cards,
                   .steps = std::move(steps),
                   .tables = without,
                   .resync = false,  // which column is meant by now is for a person to say
                   .secret = "4111"});
  };
  add("excluded-renamed", {sql("ALTER TABLE t RENAME card TO pan;" + rows)});
  add("excluded-renamed-quiet", {sql("ALTER TABLE t RENAME card TO pan")});
  add("excluded-renamed-paused", {pause(),
                                  sql(rows + "; ALTER TABLE t RENAME card TO pan;"
                                             "UPDATE t SET note = 'y'"),
                                  resume()});
  add("excluded-trades-names",
      {sql(
          "ALTER TABLE t RENAME card TO x; ALTER TABLE t RENAME note TO card; ALTER TABLE t RENAME x TO note;"
          "INSERT INTO t (id, note, card) VALUES (6, '4111 0000 6', 'n'); UPDATE t SET card = 'x'")});
  add("excluded-trades-names-at-once",
      {sql("BEGIN; ALTER TABLE t RENAME card TO x; ALTER TABLE t RENAME note TO card; ALTER TABLE t RENAME x "
           "TO note; COMMIT; UPDATE t SET card = 'x' WHERE id = 2")});
  out.push_back(
      {.name = "excluded-trades-names-and-is-reloaded",
       .setup = cards,
       .steps = {sql(
           "BEGIN; ALTER TABLE t RENAME card TO x; ALTER TABLE t RENAME note TO card; ALTER TABLE t "
           "RENAME x TO note; COMMIT; UPDATE t SET card = 'x' WHERE id = 2")},
       .tables = {"{source: public.t, excludedColumns: [card], onDifference: Resync}"},
       .resync = false,
       .secret = "4111"});
  add("excluded-dropped-and-back",
      {sql("ALTER TABLE t DROP card; ALTER TABLE t ADD card text; UPDATE t SET card = '4111 ' || id")});
  add("excluded-renamed-and-replaced", {sql("ALTER TABLE t RENAME card TO pan; ALTER TABLE t ADD card text "
                                            "DEFAULT '4111 default'; UPDATE t SET "
                                            "note = 'z', card = '4111 new'")});
}

}  // namespace

std::vector<Case> name_cases() {
  std::vector<Case> out;
  add_tables(out);
  add_columns(out);
  add_excluded(out);
  return out;
}

}  // namespace penstock::cases
