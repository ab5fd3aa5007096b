// One key, two identities: the key that the target was made for is no longer the one that the stream names
// rows by.

#include "tests/e2e/cases/cases.hpp"

namespace penstock::cases {
namespace {

const std::string kKeyed =
    "CREATE TABLE t (id int PRIMARY KEY, v int, w text);"
    "INSERT INTO t SELECT g, g, 'w' || g FROM generate_series(1, 10) g;";
const std::string kCoded =
    "CREATE TABLE t (id int PRIMARY KEY, code int NOT NULL, v int); CREATE UNIQUE INDEX t_code ON t (code);"
    "INSERT INTO t SELECT g, 100 + g, g FROM generate_series(1, 10) g;";
const std::string kMoves =
    "DELETE FROM t WHERE id = 3; UPDATE t SET id = 50 WHERE id = 5; UPDATE t SET code = 204 WHERE id = 4;"
    "UPDATE t SET v = 0 WHERE id = 6; INSERT INTO t VALUES (3, 303, 3);";
const std::string kTenants =
    "CREATE TABLE t (tenant int NOT NULL, id int NOT NULL, v int, PRIMARY KEY (tenant, id));"
    "INSERT INTO t SELECT 1, g, g FROM generate_series(1, 10) g;";
const std::string kParted =
    "CREATE TABLE t (id int, v int, w text, PRIMARY KEY (id)) PARTITION BY RANGE (id);"
    "CREATE TABLE t_1 PARTITION OF t FOR VALUES FROM (0) TO (100);"
    "CREATE TABLE t_2 PARTITION OF t FOR VALUES FROM (100) TO (200);"
    "INSERT INTO t SELECT g * 20, g, 'w' || g FROM generate_series(1, 9) g;";

void add_identities(std::vector<Case>& out) {
  out.push_back({.name = "identity-to-index",
                 .setup = kCoded,
                 .steps = {sql("ALTER TABLE t REPLICA IDENTITY USING INDEX t_code;" + kMoves)}});
  out.push_back({.name = "identity-to-index-paused",
                 .setup = kCoded,
                 .steps = {pause(),
                           sql("DELETE FROM t WHERE id = 1; ALTER TABLE t REPLICA IDENTITY USING "
                               "INDEX t_code;" +
                               kMoves + "ALTER TABLE t REPLICA IDENTITY DEFAULT"),
                           resume()}});
  out.push_back({.name = "identity-index-to-default",
                 .setup = kCoded + "ALTER TABLE t REPLICA IDENTITY USING INDEX t_code",
                 .steps = {sql("ALTER TABLE t REPLICA IDENTITY DEFAULT;" + kMoves)}});
  out.push_back({.name = "identity-index-to-full",
                 .setup = kCoded + "ALTER TABLE t REPLICA IDENTITY USING INDEX t_code",
                 .steps = {sql("ALTER TABLE t REPLICA IDENTITY FULL;" + kMoves)}});
  out.push_back({.name = "identity-back-from-full",
                 .setup = kCoded + "ALTER TABLE t REPLICA IDENTITY FULL",
                 .steps = {sql("ALTER TABLE t REPLICA IDENTITY DEFAULT;" + kMoves)}});
  out.push_back({.name = "identity-full-to-index",
                 .setup = kCoded + "ALTER TABLE t REPLICA IDENTITY FULL",
                 .steps = {sql("ALTER TABLE t REPLICA IDENTITY USING INDEX t_code;" + kMoves)}});
  out.push_back({.name = "identity-to-full",
                 .setup = kCoded,
                 .steps = {sql("ALTER TABLE t REPLICA IDENTITY FULL;" + kMoves)}});
  out.push_back({.name = "identity-to-nothing",
                 .setup = kKeyed,
                 .steps = {sql("ALTER TABLE t REPLICA IDENTITY NOTHING; INSERT INTO t VALUES (11, 1, 'x');"
                               "DELETE FROM t WHERE id = 1")},
                 .outcome = Outcome::Named,
                 .mend = "ALTER TABLE t REPLICA IDENTITY DEFAULT"});
  out.push_back({.name = "identity-to-nothing-and-back",
                 .setup = kKeyed,
                 .steps = {sql("ALTER TABLE t REPLICA IDENTITY NOTHING; INSERT INTO t VALUES (11, 1, 'x');"
                               "ALTER TABLE t REPLICA IDENTITY DEFAULT; DELETE FROM t WHERE id = 1")}});
  out.push_back({.name = "identity-index-dropped",
                 .setup = "CREATE TABLE t (id int NOT NULL, v int); CREATE UNIQUE INDEX t_u ON t (id);"
                          "ALTER TABLE t REPLICA IDENTITY USING INDEX t_u;"
                          "INSERT INTO t VALUES (1, 1), (2, 2)",
                 .steps = {sql("DROP INDEX t_u; INSERT INTO t VALUES (2, 22), (3, 3)")},
                 .outcome = Outcome::Named,
                 .mend = "TRUNCATE t; INSERT INTO t VALUES (7, 7); ALTER TABLE t ADD PRIMARY KEY (id);"
                         "ALTER TABLE t REPLICA IDENTITY DEFAULT"});
  out.push_back({.name = "identity-index-recreated",
                 .setup = "CREATE TABLE t (id int NOT NULL, v int); CREATE UNIQUE INDEX t_u ON t (id);"
                          "ALTER TABLE t REPLICA IDENTITY USING INDEX t_u;"
                          "INSERT INTO t VALUES (1, 1), (2, 2)",
                 .steps = {sql("DROP INDEX t_u; INSERT INTO t VALUES (2, 22); CREATE UNIQUE INDEX t_u ON t "
                               "(id, v); ALTER TABLE t ALTER v SET NOT NULL, REPLICA IDENTITY USING INDEX "
                               "t_u; DELETE FROM t WHERE v = 2; UPDATE t SET v = 5 WHERE id = 1")}});
  out.push_back({.name = "identity-of-a-partition-to-full",
                 .setup = kParted,
                 .steps = {sql("ALTER TABLE t_1 REPLICA IDENTITY FULL; DELETE FROM t WHERE id = 20;"
                               "UPDATE t SET id = 150 WHERE id = 40; UPDATE t SET id = 41 WHERE id = 60")}});
  out.push_back({.name = "identity-of-a-partition-to-nothing",
                 .setup = kParted,
                 .steps = {sql("ALTER TABLE t_1 REPLICA IDENTITY NOTHING; INSERT INTO t VALUES (1, 1, 'x');"
                               "DELETE FROM t WHERE id = 20")},
                 .outcome = Outcome::Named,
                 .mend = "ALTER TABLE t_1 REPLICA IDENTITY DEFAULT"});
  out.push_back({.name = "identity-of-a-partition-to-index",
                 .setup = kParted + "CREATE UNIQUE INDEX t_1_v ON t_1 (v); ALTER TABLE t_1 ALTER v SET NOT "
                                    "NULL",
                 .steps = {sql("ALTER TABLE t_1 REPLICA IDENTITY USING INDEX t_1_v; DELETE FROM t WHERE id = "
                               "20; UPDATE t SET id = 41 WHERE id = 40; UPDATE t SET v = 77 WHERE id = 60")},
                 .mend = "ALTER TABLE t_1 REPLICA IDENTITY DEFAULT"});
}

void add_keys(std::vector<Case>& out) {
  out.push_back({.name = "pk-dropped-duplicates",
                 .setup = kKeyed + "ALTER TABLE t REPLICA IDENTITY FULL",
                 .steps = {sql("ALTER TABLE t DROP CONSTRAINT t_pkey;"
                               "INSERT INTO t VALUES (1, 100, 'twin'), (2, 200, 'twin')")},
                 .outcome = Outcome::Named,
                 .mend = "DELETE FROM t WHERE w = 'twin'; ALTER TABLE t ADD PRIMARY KEY (id)"});
  out.push_back({.name = "pk-dropped-and-back",
                 .setup = kKeyed + "ALTER TABLE t REPLICA IDENTITY FULL",
                 .steps = {pause(),
                           sql("ALTER TABLE t DROP CONSTRAINT t_pkey;"
                               "INSERT INTO t VALUES (1, 100, 'twin'), (2, 200, 'twin');"
                               "DELETE FROM t WHERE id = v; ALTER TABLE t ADD PRIMARY KEY (id);"
                               "UPDATE t SET id = 3 WHERE id = 2"),
                           resume()}});
  out.push_back({.name = "pk-dropped",
                 .setup = kKeyed,
                 .steps = {sql("ALTER TABLE t DROP CONSTRAINT t_pkey; INSERT INTO t VALUES (1, 5, 'twin');"
                               "DELETE FROM t WHERE id = 1")},
                 .outcome = Outcome::Named,
                 .mend = "TRUNCATE t; ALTER TABLE t ADD PRIMARY KEY (id)"});
  out.push_back({.name = "pk-widened",
                 .setup = "CREATE TABLE t (tenant int NOT NULL, id int PRIMARY KEY, v int);"
                          "INSERT INTO t SELECT 1, g, g FROM generate_series(1, 10) g",
                 .steps = {sql("ALTER TABLE t DROP CONSTRAINT t_pkey, ADD PRIMARY KEY (tenant, id);"
                               "INSERT INTO t SELECT 2, g, -g FROM generate_series(1, 10) g;"
                               "DELETE FROM t WHERE tenant = 1 AND id = 3")}});
  out.push_back({.name = "pk-widened-quiet",
                 .setup = "CREATE TABLE t (tenant int NOT NULL, id int PRIMARY KEY, v int);"
                          "INSERT INTO t SELECT 1, g, g FROM generate_series(1, 10) g",
                 .steps = {sql("ALTER TABLE t DROP CONSTRAINT t_pkey, ADD PRIMARY KEY (tenant, id)")}});
  out.push_back({.name = "pk-narrowed",
                 .setup = kTenants,
                 .steps = {sql("ALTER TABLE t DROP CONSTRAINT t_pkey, ADD PRIMARY KEY (id);"
                               "UPDATE t SET tenant = 2 WHERE id = 3; DELETE FROM t WHERE id = 4;"
                               "UPDATE t SET id = 50 WHERE id = 5")}});
  out.push_back({.name = "pk-reordered",
                 .setup = kTenants,
                 .steps = {sql("ALTER TABLE t DROP CONSTRAINT t_pkey, ADD PRIMARY KEY (id, tenant);"
                               "UPDATE t SET tenant = 2 WHERE id = 3; DELETE FROM t WHERE id = 4")}});
  out.push_back({.name = "pk-of-other-column",
                 .setup = kCoded,
                 .steps = {sql("ALTER TABLE t DROP CONSTRAINT t_pkey, ADD PRIMARY KEY (code);"
                               "UPDATE t SET id = 7 WHERE code = 108; INSERT INTO t VALUES (1, 300, 1);"
                               "DELETE FROM t WHERE code = 102; UPDATE t SET code = 301 WHERE code = 103")}});
  out.push_back({.name = "pk-constraint-renamed",
                 .setup = kKeyed,
                 .steps = {sql("ALTER TABLE t RENAME CONSTRAINT t_pkey TO t_key; UPDATE t SET id = 20 WHERE "
                               "id = 2; DELETE FROM t WHERE id = 3")},
                 .outcome = Outcome::Equal});
  out.push_back({.name = "pk-column-renamed",
                 .setup = kKeyed,
                 .steps = {sql("ALTER TABLE t RENAME id TO ident; UPDATE t SET v = 0 WHERE ident = 1;"
                               "INSERT INTO t VALUES (11, 11, 'x'); DELETE FROM t WHERE ident = 2;"
                               "UPDATE t SET ident = 30 WHERE ident = 3")}});
  out.push_back({.name = "pk-int-to-bigint",
                 .setup = kKeyed,
                 .steps = {sql("ALTER TABLE t ALTER id TYPE bigint; UPDATE t SET v = 0 WHERE id = 1;"
                               "INSERT INTO t VALUES (3000000000, 11, 'x'); DELETE FROM t WHERE id = 2")}});
  out.push_back({.name = "pk-int-to-text",
                 .setup = kKeyed,
                 .steps = {sql("ALTER TABLE t ALTER id TYPE text; UPDATE t SET v = 0 WHERE id = '1';"
                               "INSERT INTO t VALUES ('a', 11, 'x'), ('011', 1, 'y');"
                               "DELETE FROM t WHERE id = '2'")}});
  out.push_back({.name = "pk-using-other-values",
                 .setup = kKeyed,
                 .steps = {sql("ALTER TABLE t ALTER id TYPE int USING id + 100; DELETE FROM t WHERE id = 101;"
                               "INSERT INTO t VALUES (1, 1, 'new')")}});
  out.push_back({.name = "deferrable-key-swap",
                 .setup = "CREATE TABLE t (id int, v text, PRIMARY KEY (id) DEFERRABLE INITIALLY DEFERRED);"
                          "ALTER TABLE t REPLICA IDENTITY FULL;"
                          "INSERT INTO t SELECT g, 'v' || g FROM generate_series(1, 10) g",
                 .steps = {sql("BEGIN; UPDATE t SET id = 3 - id WHERE id IN (1, 2); COMMIT;"
                               "UPDATE t SET id = id + 1 WHERE id > 6")},
                 .mend = "ALTER TABLE t DROP CONSTRAINT t_pkey, ADD PRIMARY KEY (id)"});
  out.push_back({.name = "deferrable-key-becomes-so",
                 .setup = kKeyed + "ALTER TABLE t REPLICA IDENTITY FULL",
                 .steps = {sql("ALTER TABLE t DROP CONSTRAINT t_pkey, ADD PRIMARY KEY (id) DEFERRABLE;"
                               "UPDATE t SET id = id + 1; UPDATE t SET id = 5 - id WHERE id IN (2, 3)")},
                 .mend = "ALTER TABLE t DROP CONSTRAINT t_pkey, ADD PRIMARY KEY (id)"});
}

}  // namespace

std::vector<Case> identity_cases() {
  std::vector<Case> out;
  add_identities(out);
  add_keys(out);
  return out;
}

}  // namespace penstock::cases
