// What can be wrong with the source, or between it and the manifest: each is told with its cure, and the cure
// is taken up by itself.

#include <fmt/format.h>

#include <netdb.h>

#include "tests/e2e/errors/fault_scene.hpp"

namespace penstock {
namespace {

test::PostgresServer& without_logical_wal() {
  static test::PostgresServer server({.settings = {{"wal_level", "replica"}}});
  return server;
}

test::PostgresServer& with_one_slot() {
  static test::PostgresServer server({.settings = {{"max_replication_slots", "1"}}});
  return server;
}

test::PostgresServer& that_is_stopped() {
  static test::PostgresServer server;
  return server;
}

/// Without a resolver nobody can tell that a name is unknown, and it is waited for one.
bool names_are_resolved_here() {
  addrinfo* list = nullptr;
  const int code = ::getaddrinfo("no-such-host.invalid", nullptr, nullptr, &list);
  if (list != nullptr) ::freeaddrinfo(list);
  return code == EAI_NONAME;
}

std::vector<Fault> who_connects() {
  return {
      {"wrong-password",
       [](Scene& s) { s.manifest.password = kWrongPassword; },
       "AuthenticationFailed",
       {"password authentication failed", "spec.source.postgres.user", "passwordSecretRef"},
       [](Scene& s) {
         s.manifest.password = kRolePassword;
         s.apply_secret();
       },
       Noticed::AtOnce},
      {"unknown-role",
       [](Scene& s) { s.manifest.user = "nobody_knows"; },
       "AuthenticationFailed",
       {"nobody_knows", "spec.source.postgres.user"},
       [](Scene& s) {
         s.postgres.exec(
             fmt::format("CREATE ROLE nobody_knows LOGIN SUPERUSER PASSWORD '{}'", kRolePassword));
       }},
      {"barred-role",
       [](Scene& s) {
         s.postgres.exec(fmt::format("CREATE ROLE barred LOGIN PASSWORD '{}'", kRolePassword));
         s.manifest.user = "barred";
       },
       "ConnectionNotPermitted",
       {"barred", "pg_hba.conf"},
       [](Scene& s) {
         s.manifest.user = s.role;
         s.apply_pipe();
       },
       Noticed::AtOnce},
  };
}

std::vector<Fault> where_to() {
  return {
      {"unknown-host",
       [](Scene& s) { s.manifest.host = "no-such-host.invalid"; },
       "HostNotFound",
       {"\"no-such-host.invalid\"", "spec.source.postgres.host"},
       [](Scene& s) {
         s.manifest.host = s.postgres.host();
         s.apply_pipe();
       },
       Noticed::AtOnce,
       names_are_resolved_here() ? Waits::ForPerson : Waits::ForTime},
      {"unknown-database",
       [](Scene& s) { s.manifest.database = "no_such_database"; },
       "DatabaseNotFound",
       {"\"no_such_database\"", "spec.source.postgres.database"},
       [](Scene& s) {
         s.manifest.database = s.database;
         s.apply_pipe();
       },
       Noticed::AtOnce},
      {"nobody-listens",
       [](Scene& s) { s.manifest.port = test::free_port(); },
       "SourceUnreachable",
       {"Connection refused", "127.0.0.1:", "Check that PostgreSQL runs"},
       [](Scene& s) {
         s.manifest.port = s.postgres.port();
         s.apply_pipe();
       },
       Noticed::AtOnce,
       Waits::ForTime},
      {"server-stopped",
       [](Scene& s) { s.postgres.stop(); },
       "SourceUnreachable",
       {"Connection refused"},
       [](Scene& s) { s.postgres.start(); },
       Noticed::Soon,
       Waits::ForTime,
       that_is_stopped},
      {"not-postgres",
       [](Scene& s) { s.manifest.port = s.engine.port(); },
       "NotPostgres",
       {"spec.source.postgres.host and port"}},
      {"no-tls",
       [](Scene& s) { s.manifest.tls = "Require"; },
       "TlsFailed",
       {"does not support SSL", "spec.source.postgres.tls"}},
  };
}

/// The command that the pipe's message has, as it stands there, with the password in the environment.
void run_printed_command(const Scene& scene) {
  const auto message = shared_dev().field(scene.name, ".status.message");
  const std::string end = "/dev/stdin";
  const auto from = message.find("printf");
  const auto to = message.find(end);
  ASSERT_TRUE(from < to && to != std::string::npos) << message;
  const auto done =
      test::run("sh", {.arguments = {"-c", message.substr(from, to + end.size() - from)},
                       .environment = {{"KUBECONFIG", shared_dev().kubeconfig()}, {"VALUE", kRolePassword}}});
  ASSERT_TRUE(done.ok()) << done.err;
}

std::vector<Fault> secrets() {
  return {
      {"secret-missing",
       [](Scene& s) { s.with_secret = false; },
       "SecretMissing",
       {"Secret default/secret-missing-postgres does not exist",
        "printf %s \"$VALUE\" | kubectl -n default create secret generic secret-missing-postgres "
        "--from-file=password=/dev/stdin"},
       run_printed_command,
       Noticed::AtOnce},
      {"secret-key-missing",
       [](Scene& s) {
         s.with_secret = false;
         shared_dev().must_kubectl({"create", "secret", "generic", "secret-key-missing-postgres",
                                    std::string("--from-literal=pass=") + kRolePassword});
       },
       "SecretKeyMissing",
       {"Secret default/secret-key-missing-postgres", "\"password\"",
        "kubectl -n default patch secret secret-key-missing-postgres --patch-file=/dev/stdin"},
       run_printed_command,
       Noticed::AtOnce},
  };
}

std::vector<Fault> server_and_role() {
  return {
      {"wal-level-replica",
       [](Scene&) {},
       "WalLevelNotLogical",
       {"wal_level is replica", "ALTER SYSTEM SET wal_level = logical"},
       [](Scene& s) {
         s.postgres.exec("ALTER SYSTEM SET wal_level = logical");
         s.postgres.restart();
       },
       Noticed::Soon,
       Waits::ForPerson,
       without_logical_wal},
      {"no-slot-left",
       [](Scene& s) { s.exec("SELECT pg_create_logical_replication_slot('taken', 'pgoutput')"); },
       "NoFreeSlot",
       {"all 1 replication slots", "max_replication_slots"},
       [](Scene& s) { s.exec("SELECT pg_drop_replication_slot('taken')"); },
       Noticed::Soon,
       Waits::ForPerson,
       with_one_slot},
      {"no-replication-right",
       [](Scene& s) { s.exec("ALTER ROLE " + s.role + " NOREPLICATION"); },
       "NoReplicationRight",
       {"role_of_", "may not use replication slots", "ALTER ROLE \"role_of_"},
       [](Scene& s) { s.exec("ALTER ROLE " + s.role + " REPLICATION"); }},
      {"own-slot-missing",
       [](Scene& s) {
         s.exec("CREATE PUBLICATION mine FOR TABLE orders");
         s.manifest.source_more = ", publication: mine, replicationSlot: by_hand";
         s.manifest.spec_more = "  mode: CDCOnly\n";
       },
       "SlotMissing",
       {"replication slot by_hand does not exist", "pg_create_logical_replication_slot('by_hand'"}},
  };
}

std::vector<Fault> tables_and_columns() {
  return {
      {"unknown-table",
       [](Scene& s) { s.exec("ALTER TABLE orders RENAME TO invoices"); },
       "TableNotFound",
       {"public.orders", "does not exist in database", "spec.tables"},
       [](Scene& s) { s.exec("ALTER TABLE invoices RENAME TO orders"); }},
      {"unknown-excluded-column",
       [](Scene& s) { s.manifest.tables = {"{source: public.orders, excludedColumns: [emial]}"}; },
       "ColumnNotFound",
       {"public.orders has no column emial", "Is email meant?"},
       [](Scene& s) {
         s.manifest.tables = {"{source: public.orders, excludedColumns: [email]}"};
         s.apply_pipe();
       },
       Noticed::AtOnce},
      {"unknown-typed-column",
       [](Scene& s) {
         s.manifest.tables = {"{source: public.orders, columns: [{name: sum, type: String}]}"};
       },
       "ColumnNotFound",
       {"public.orders has no column sum"},
       [](Scene& s) { s.exec("ALTER TABLE orders ADD COLUMN sum int NOT NULL DEFAULT 0"); }},
      {"no-replica-identity",
       [](Scene& s) { s.exec("ALTER TABLE orders DROP CONSTRAINT orders_pkey"); },
       "NoReplicaIdentity",
       {"public.orders has no primary key", "Add a primary key", "REPLICA IDENTITY"},
       [](Scene& s) { s.exec("ALTER TABLE orders ADD PRIMARY KEY (id)"); }},
      {"replica-identity-nothing",
       [](Scene& s) { s.exec("ALTER TABLE orders REPLICA IDENTITY NOTHING"); },
       "ReplicaIdentityNothing",
       {"public.orders has REPLICA IDENTITY NOTHING", "REPLICA IDENTITY DEFAULT"},
       [](Scene& s) { s.exec("ALTER TABLE orders REPLICA IDENTITY DEFAULT"); }},
      {"row-level-security",
       [](Scene& s) {
         s.exec(
             "ALTER TABLE orders ENABLE ROW LEVEL SECURITY; ALTER TABLE orders FORCE ROW LEVEL SECURITY;"
             "CREATE POLICY few ON orders USING (id = 1)");
       },
       "RowSecurityHidesRows",
       {"row-level security of public.orders", "role_of_", "BYPASSRLS"},
       [](Scene& s) { s.exec("ALTER ROLE " + s.role + " BYPASSRLS"); }},
      {"no-select",
       [](Scene& s) {
         s.exec("ALTER TABLE orders OWNER TO postgres; CREATE PUBLICATION by_owner FOR TABLE orders");
         s.manifest.source_more = ", publication: by_owner";
       },
       "PermissionDenied",
       {"has no SELECT on public.orders", R"(GRANT SELECT ON "public"."orders" TO "role_of_)"},
       [](Scene& s) { s.exec("GRANT SELECT ON orders TO " + s.role); }},
  };
}

std::vector<Fault> publications() {
  return {
      {"publication-missing",
       [](Scene& s) { s.manifest.source_more = ", publication: theirs"; },
       "PublicationMissing",
       {"publication theirs does not exist", R"(CREATE PUBLICATION "theirs" FOR TABLE "public"."orders")"},
       [](Scene& s) { s.exec("CREATE PUBLICATION theirs FOR TABLE orders"); }},
      {"publication-lacks-table",
       [](Scene& s) {
         s.exec("CREATE PUBLICATION theirs");
         s.manifest.source_more = ", publication: theirs";
       },
       "PublicationLacksTable",
       {"publication theirs does not contain public.orders",
        R"(ALTER PUBLICATION "theirs" ADD TABLE "public"."orders")"},
       [](Scene& s) { s.exec("ALTER PUBLICATION theirs ADD TABLE orders"); }},
      {"not-the-owner",
       [](Scene& s) { s.exec("ALTER TABLE orders OWNER TO postgres; GRANT SELECT ON orders TO " + s.role); },
       "CannotCreatePublication",
       {R"(does not own "public"."orders")", "CREATE PUBLICATION penstock FOR TABLE"},
       [](Scene& s) { s.exec("ALTER TABLE orders OWNER TO " + s.role); }},
      {"several-at-once",
       [](Scene& s) {
         s.exec("ALTER ROLE " + s.role + " NOREPLICATION; ALTER TABLE orders DROP CONSTRAINT orders_pkey");
       },
       "NoReplicationRight",
       {"2 things are to be done: (1) role", "may not use replication slots",
        "; (2) public.orders has no primary key"},
       [](Scene& s) {
         s.exec("ALTER ROLE " + s.role + " REPLICATION; ALTER TABLE orders ADD PRIMARY KEY (id)");
       }},
  };
}

TEST(SourceFaults, AreToldWithTheirCureWhichIsTakenUpByItself) {
  std::vector<Fault> all;
  for (const auto& some :
       {who_connects(), where_to(), secrets(), server_and_role(), tables_and_columns(), publications()})
    all.insert(all.end(), some.begin(), some.end());
  expect_told_and_cured(all);
}

}  // namespace
}  // namespace penstock
