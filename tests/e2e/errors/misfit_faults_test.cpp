// What is wrong between a manifest, a publication and tables that are all well by themselves: each is told
// with its cure, and the cure is taken up by itself.

#include <fmt/format.h>

#include "tests/e2e/errors/fault_scene.hpp"

namespace penstock {
namespace {

/// The publication that the manifest names, made as `what` says: "FOR TABLE orders".
std::function<void(Scene&)> published(const std::string& what) {
  return [what](Scene& s) {
    s.exec("CREATE PUBLICATION theirs " + what);
    s.manifest.source_more = ", publication: theirs";
  };
}

std::function<void(Scene&)> runs_in_the_source(const std::string& sql) {
  return [sql](Scene& s) { s.exec(sql); };
}

std::function<void(Scene&)> declares(const std::string& table) {
  return [table](Scene& s) { s.manifest.tables = {table}; };
}

/// The manifest without settings is the cure.
void declare_plainly(Scene& s) {
  s.manifest.tables = {"public.orders"};
  s.apply_pipe();
}

/// The same three rows, in a partition, with an email each.
void divide(Scene& s) {
  s.exec(
      "ALTER TABLE orders RENAME TO former;"
      "CREATE TABLE orders (id bigint, email text NOT NULL, total numeric(10,2), PRIMARY KEY (id))"
      " PARTITION BY RANGE (id); CREATE TABLE orders_all PARTITION OF orders DEFAULT;"
      "INSERT INTO orders SELECT id, coalesce(email, 'c@example.org'), total FROM former; DROP TABLE former");
  s.exec("ALTER TABLE orders OWNER TO " + s.role + "; ALTER TABLE orders_all OWNER TO " + s.role);
}

constexpr const char* kEmailsForAll =
    "UPDATE orders SET email = 'c@example.org' WHERE id = 3; ALTER TABLE orders ALTER COLUMN email SET NOT "
    "NULL";

std::vector<Fault> publications() {
  return {
      {"publication-without-root",
       [](Scene& s) {
         divide(s);
         published("FOR TABLE orders")(s);
       },
       "PublicationWithoutRoot",
       {"public.orders is partitioned",
        R"(ALTER PUBLICATION "theirs" SET (publish_via_partition_root = true))"},
       runs_in_the_source("ALTER PUBLICATION theirs SET (publish_via_partition_root = true)")},
      {"publication-lacks-operations",
       published("FOR TABLE orders WITH (publish = 'insert, update')"),
       "PublicationLacksOperations",
       {"publication theirs does not publish delete, truncate",
        R"(ALTER PUBLICATION "theirs" SET (publish =)"},
       runs_in_the_source("ALTER PUBLICATION theirs SET (publish = 'insert, update, delete, truncate')")},
      {"publication-lacks-columns",
       published("FOR TABLE orders (email, total)"),
       "PublicationLacksColumns",
       {"the column list of publication theirs leaves out id of public.orders",
        R"(ALTER PUBLICATION "theirs" DROP TABLE)"},
       runs_in_the_source("ALTER PUBLICATION theirs SET TABLE orders")},
      {"row-filter-beyond-the-key",
       published("FOR TABLE orders WHERE (total > 0 OR total IS NULL)"),
       "RowFilterNeedsFull",
       {"filters the rows of public.orders by total",
        R"(ALTER TABLE "public"."orders" REPLICA IDENTITY FULL)"},
       runs_in_the_source("ALTER TABLE orders REPLICA IDENTITY FULL")},
      {"no-create-on-database",
       [](Scene& s) { s.exec(fmt::format("REVOKE CREATE ON DATABASE {} FROM {}", s.database, s.role)); },
       "CannotCreatePublication",
       {"has no CREATE on database", "GRANT CREATE ON DATABASE"},
       [](Scene& s) { s.exec(fmt::format("GRANT CREATE ON DATABASE {} TO {}", s.database, s.role)); }},
      {"slot-is-physical",
       [](Scene& s) {
         s.exec("SELECT pg_create_physical_replication_slot('physical')");
         s.exec("CREATE PUBLICATION mine FOR TABLE orders");
         s.manifest.source_more = ", publication: mine, replicationSlot: physical";
         s.manifest.spec_more = "  mode: CDCOnly\n";
       },
       "SlotWrongPlugin",
       {"replication slot physical is a physical one", "'pgoutput'"}},
      {"slot-of-another-database",
       [](Scene& s) {
         s.postgres.exec("SELECT pg_create_logical_replication_slot('elsewhere', 'pgoutput')");
         s.exec("CREATE PUBLICATION mine FOR TABLE orders");
         s.manifest.source_more = ", publication: mine, replicationSlot: elsewhere";
         s.manifest.spec_more = "  mode: CDCOnly\n";
       },
       "SlotWrongDatabase",
       {"replication slot elsewhere belongs to database postgres"}},
  };
}

std::vector<Fault> keys() {
  return {
      {"order-by-lacks-key",
       [](Scene& s) {
         s.exec(std::string(kEmailsForAll) + "; ALTER TABLE orders REPLICA IDENTITY FULL");
         s.manifest.tables = {"{source: public.orders, orderBy: [email]}"};
       },
       "OrderByLacksKey",
       {"orderBy of public.orders lacks the key column id", "Add it at the end of orderBy"},
       [](Scene& s) {
         s.manifest.tables = {"{source: public.orders, orderBy: [email, id]}"};
         s.apply_pipe();
       },
       Noticed::AtOnce},
      {"order-by-needs-full",
       [](Scene& s) {
         s.exec(kEmailsForAll);
         s.manifest.tables = {"{source: public.orders, orderBy: [email, id]}"};
       },
       "OrderByNeedsFull",
       {"has column email beyond the key", "REPLICA IDENTITY FULL"},
       runs_in_the_source("ALTER TABLE orders REPLICA IDENTITY FULL")},
      {"order-by-nullable",
       [](Scene& s) {
         s.exec("ALTER TABLE orders REPLICA IDENTITY FULL");
         s.manifest.tables = {"{source: public.orders, orderBy: [email, id]}"};
       },
       "OrderByNullable",
       {"column email of public.orders is in orderBy and may be NULL", "SET NOT NULL"},
       runs_in_the_source(kEmailsForAll)},
      {"key-column-excluded",
       declares("{source: public.orders, excludedColumns: [id]}"),
       "KeyColumnExcluded",
       {"column id of public.orders is excluded, and part of the key"},
       declare_plainly,
       Noticed::AtOnce},
      {"replica-identity-differs",
       [](Scene& s) {
         divide(s);
         s.exec(
             "CREATE UNIQUE INDEX by_email ON orders_all (email); ALTER TABLE orders_all REPLICA IDENTITY "
             "USING "
             "INDEX by_email");
       },
       "ReplicaIdentityDiffers",
       {"public.orders_all, a part of public.orders, names its rows by (email), the table by (id)"},
       runs_in_the_source("ALTER TABLE orders_all REPLICA IDENTITY DEFAULT")},
      {"no-key",
       [](Scene& s) {
         s.exec("ALTER TABLE orders DROP CONSTRAINT orders_pkey");
         s.manifest.spec_more = "  mode: SnapshotOnly\n";
       },
       "NoKey",
       {"public.orders has no key", "engine: MergeTree"},
       runs_in_the_source("ALTER TABLE orders ADD PRIMARY KEY (id)")},
  };
}

std::vector<Fault> tables() {
  return {
      {"covered-twice",
       [](Scene& s) {
         divide(s);
         s.manifest.tables = {"public.orders", "public.orders_all"};
       },
       "TableCoveredTwice",
       {"public.orders_all is a part of public.orders"},
       declare_plainly,
       Noticed::AtOnce},
      {"is-a-view",
       [](Scene& s) {
         s.exec("ALTER TABLE orders RENAME TO hidden; CREATE VIEW orders AS SELECT * FROM hidden");
         s.exec("ALTER VIEW orders OWNER TO " + s.role);
       },
       "CannotStream",
       {"public.orders is a view", "SnapshotOnly"},
       runs_in_the_source("DROP VIEW orders; ALTER TABLE hidden RENAME TO orders")},
      {"is-unlogged",
       runs_in_the_source("ALTER TABLE orders SET UNLOGGED"),
       "CannotStream",
       {"public.orders is unlogged", "SET LOGGED"},
       runs_in_the_source("ALTER TABLE orders SET LOGGED")},
      {"no-usage-of-the-schema",
       runs_in_the_source("REVOKE USAGE ON SCHEMA public FROM PUBLIC"),
       "PermissionDenied",
       {"has no USAGE on schema public", R"(GRANT USAGE ON SCHEMA "public" TO "role_of_)"},
       runs_in_the_source("GRANT USAGE ON SCHEMA public TO PUBLIC")},
  };
}

std::vector<Fault> columns() {
  return {
      {"no-select-on-a-column",
       [](Scene& s) {
         s.exec("ALTER TABLE orders OWNER TO postgres; GRANT SELECT (id, total) ON orders TO " + s.role);
         published("FOR TABLE orders")(s);
       },
       "PermissionDenied",
       {"has no SELECT on column email of public.orders", R"(GRANT SELECT ("email") ON "public"."orders")"},
       [](Scene& s) { s.exec("GRANT SELECT (email) ON orders TO " + s.role); }},
      {"column-generated",
       [](Scene& s) {
         s.exec("ALTER TABLE orders ADD COLUMN half numeric GENERATED ALWAYS AS (total / 2) STORED");
         s.manifest.tables = {"{source: public.orders, columns: [{name: half, type: String}]}"};
       },
       "ColumnIsGenerated",
       {"column half of public.orders is generated", "compute it in the target"},
       declare_plainly,
       Noticed::AtOnce},
      {"nothing-left",
       declares("{source: public.orders, engine: MergeTree, excludedColumns: [id, email, total]}"),
       "NothingLeftToReplicate",
       {"no column of public.orders is left"},
       declare_plainly,
       Noticed::AtOnce},
      {"column-reserved",
       runs_in_the_source("ALTER TABLE orders ADD COLUMN _penstock_version int"),
       "ReservedColumnName",
       {"column _penstock_version of public.orders", "Rename it, or exclude it"},
       runs_in_the_source("ALTER TABLE orders DROP COLUMN _penstock_version")},
      {"arrays-look-nested",
       runs_in_the_source(R"(ALTER TABLE orders ADD COLUMN "n.a" int[], ADD COLUMN "n.b" int[])"),
       "ArraysLookNested",
       {"the array columns n.a, n.b of public.orders for one Nested column n"},
       runs_in_the_source(R"(ALTER TABLE orders DROP COLUMN "n.b")")},
  };
}

TEST(MisfitFaults, AreToldWithTheirCureWhichIsTakenUpByItself) {
  std::vector<Fault> all;
  for (const auto& some : {publications(), keys(), tables(), columns()})
    all.insert(all.end(), some.begin(), some.end());
  expect_told_and_cured(all);
}

}  // namespace
}  // namespace penstock
