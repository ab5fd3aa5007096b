// What can be wrong with the destination: each is told with its cure, and the cure is taken up by itself.

#include <fmt/format.h>

#include "tests/e2e/errors/fault_scene.hpp"

namespace penstock {
namespace {

test::EngineServer& that_is_stopped() {
  static test::EngineServer server;
  return server;
}

/// A target table that stands in the way, as somebody else might have made it.
void make_target(Scene& scene, const std::string& columns, const std::string& rest) {
  scene.engine.query("CREATE DATABASE IF NOT EXISTS " + scene.manifest.target_database);
  scene.engine.query(
      fmt::format("CREATE TABLE {}.orders ({}) {}", scene.manifest.target_database, columns, rest));
}

void drop_target(Scene& scene) {
  scene.engine.query(fmt::format("DROP TABLE {}.orders SYNC", scene.manifest.target_database));
}

constexpr const char* kOurEngine =
    "ENGINE = ReplacingMergeTree(_penstock_version, _penstock_deleted) ORDER BY id";
constexpr const char* kOurColumns = "id Int64, email Nullable(String), total Nullable(Decimal(10, 2))";
constexpr const char* kControlColumns =
    ", _penstock_version UInt128, _penstock_deleted UInt8, _penstock_synced_at DateTime64(3) DEFAULT "
    "now64(3)";

void with_destination_secret(Scene& scene, const std::string& password) {
  shared_dev().must_kubectl(
      {"create", "secret", "generic", scene.name + "-clickhouse", "--from-literal=password=" + password});
}

/// The empty password that the server takes.
void correct_destination_secret(Scene& scene) {
  shared_dev().must_kubectl({"patch", "secret", scene.name + "-clickhouse", "--type", "merge", "-p",
                             R"({"stringData":{"password":""}})"});
}

void point_at_the_engine(Scene& scene) {
  scene.manifest.url = scene.engine.url();
  scene.apply_pipe();
}

/// The manifest without settings is the cure.
void declare_plainly(Scene& scene) {
  scene.manifest.tables = {"public.orders"};
  scene.apply_pipe();
}

std::vector<Fault> where_to() {
  return {
      {"clickhouse-down",
       [](Scene& s) { s.engine.stop(); },
       "DestinationUnreachable",
       {"Connection refused", "127.0.0.1:", "spec.destination.clickhouse.url"},
       [](Scene& s) { s.engine.start(); },
       Noticed::Soon,
       Waits::ForTime,
       shared_postgres,
       that_is_stopped},
      {"clickhouse-unknown-host",
       [](Scene& s) { s.manifest.url = "http://no-such-host.invalid:8123"; },
       "DestinationUnreachable",
       {"no-such-host.invalid", "spec.destination.clickhouse.url"},
       point_at_the_engine,
       Noticed::AtOnce,
       Waits::ForTime},
      {"postgres-at-clickhouse-url",
       [](Scene& s) { s.manifest.url = "http://127.0.0.1:" + std::to_string(s.postgres.port()); },
       "DestinationNotClickHouse",
       {"PostgreSQL answers there", "spec.destination.clickhouse.url"},
       point_at_the_engine,
       Noticed::AtOnce},
      {"not-clickhouse",
       [](Scene& s) { s.manifest.url = "https://127.0.0.1:" + std::to_string(shared_dev().port()); },
       "DestinationTlsRefused",
       {"spec.destination.clickhouse.url"},
       point_at_the_engine,
       Noticed::AtOnce},
  };
}

std::vector<Fault> who_connects() {
  return {
      {"clickhouse-wrong-password",
       [](Scene& s) {
         with_destination_secret(s, kWrongPassword);
         s.manifest.destination_more = ", passwordSecretRef: {name: clickhouse-wrong-password-clickhouse}";
       },
       "DestinationAuthenticationFailed",
       {"default", "passwordSecretRef", "spec.destination.clickhouse"},
       correct_destination_secret,
       Noticed::AtOnce},
      {"clickhouse-password-with-line-break",
       [](Scene& s) {
         with_destination_secret(s, std::string(kWrongPassword) + "\n");
         s.manifest.destination_more =
             ", passwordSecretRef: {name: clickhouse-password-with-line-break-clickhouse}";
       },
       "DestinationCredentialsInvalid",
       {"the password for ClickHouse holds a line break", "echo -n",
        "key \"password\" of Secret default/clickhouse-password-with-line-break-clickhouse"},
       correct_destination_secret,
       Noticed::AtOnce},
      {"clickhouse-unknown-user",
       [](Scene& s) { s.manifest.destination_more = ", user: somebody"; },
       "DestinationAuthenticationFailed",
       {"somebody", "spec.destination.clickhouse"}},
      {"clickhouse-secret-missing",
       [](Scene& s) { s.manifest.destination_more = ", passwordSecretRef: {name: not-there}"; },
       "SecretMissing",
       {"Secret default/not-there does not exist", "kubectl -n default create secret"}},
  };
}

std::vector<Fault> target_columns() {
  return {
      {"target-lacks-column",
       [](Scene& s) {
         make_target(s, std::string("id Int64, email Nullable(String)") + kControlColumns, kOurEngine);
       },
       "TargetColumnMissing",
       {"orders", "has no column total", "ADD COLUMN"},
       [](Scene& s) {
         s.engine.query(fmt::format("ALTER TABLE {}.orders ADD COLUMN total Nullable(Decimal(10, 2))",
                                    s.manifest.target_database));
       }},
      {"target-other-type",
       [](Scene& s) {
         make_target(s, std::string("id Int64, email Nullable(String), total UInt8") + kControlColumns,
                     kOurEngine);
       },
       "TargetColumnType",
       {"column total as UInt8", "Nullable(Decimal(10, 2)) is wanted", "MODIFY COLUMN"},
       drop_target},
      {"target-without-control-columns",
       [](Scene& s) {
         make_target(s, std::string(kOurColumns) + ", _penstock_version UInt128, _penstock_deleted UInt8",
                     kOurEngine);
       },
       "TargetWithoutControlColumns",
       {"lacks Penstock's control columns: _penstock_synced_at", "ADD COLUMN _penstock_synced_at"},
       [](Scene& s) {
         s.engine.query(fmt::format(
             "ALTER TABLE {}.orders ADD COLUMN _penstock_synced_at DateTime64(3) DEFAULT now64(3)",
             s.manifest.target_database));
       }},
      {"target-computes-column",
       [](Scene& s) {
         make_target(s,
                     std::string("id Int64, email Nullable(String), total Nullable(Decimal(10, 2)) "
                                 "MATERIALIZED 1") +
                         kControlColumns,
                     kOurEngine);
       },
       "TargetColumnComputed",
       {"computes its column total (MATERIALIZED)", "spec.tables[].excludedColumns"},
       [](Scene& s) {
         s.manifest.tables = {"{source: public.orders, excludedColumns: [total]}"};
         s.apply_pipe();
       },
       Noticed::AtOnce},
  };
}

std::vector<Fault> target_kinds() {
  return {
      {"target-other-engine",
       [](Scene& s) { make_target(s, "a String", "ENGINE = MergeTree ORDER BY a"); },
       "TargetEngine",
       {"has the engine MergeTree", "drop the table"},
       drop_target},
      {"target-engine-replaces-otherwise",
       [](Scene& s) {
         make_target(s, std::string(kOurColumns) + kControlColumns,
                     "ENGINE = ReplacingMergeTree(_penstock_version) ORDER BY id");
       },
       "TargetEngine",
       {"has the engine ReplacingMergeTree(_penstock_version)", "FINAL would not give the source's state"},
       drop_target},
      {"target-other-order",
       [](Scene& s) {
         make_target(s, std::string(kOurColumns) + kControlColumns,
                     "ENGINE = ReplacingMergeTree(_penstock_version, _penstock_deleted) ORDER BY tuple()");
       },
       "TargetSortingKey",
       {"is ordered by (); (id) is wanted", "spec.tables[].orderBy"},
       drop_target},
      {"target-is-view",
       [](Scene& s) {
         s.engine.query("CREATE DATABASE IF NOT EXISTS " + s.manifest.target_database);
         s.engine.query(fmt::format("CREATE VIEW {}.orders AS SELECT 1 AS id", s.manifest.target_database));
       },
       "TargetIsView",
       {"is a View, not a table", "spec.tables[].target"},
       drop_target},
      {"target-of-another-pipe",
       [](Scene& s) {
         make_target(s, std::string(kOurColumns) + kControlColumns,
                     std::string(kOurEngine) +
                         " COMMENT 'penstock pipe=11111111-2222-3333-4444-555555555555 generation=0'");
       },
       "TargetNotOurs",
       {"belongs to another Pipe", "spec.takeOver: true", "orders_before_1", "name another target"},
       drop_target},
      {"target-holds-rows",
       [](Scene& s) {
         make_target(s, std::string(kOurColumns) + kControlColumns, kOurEngine);
         s.engine.query(
             fmt::format("INSERT INTO {}.orders (id) VALUES (100), (200)", s.manifest.target_database));
       },
       "TargetNotEmpty",
       {"holds rows, and Penstock did not make it", "TRUNCATE TABLE", "spec.takeOver: true",
        "orders_before_1"},
       [](Scene& s) {
         s.manifest.spec_more = "  takeOver: true\n";
         s.apply_pipe();
       },
       Noticed::AtOnce},
      {"target-database-cannot-exchange",
       [](Scene& s) { s.engine.query("CREATE DATABASE " + s.manifest.target_database + " ENGINE = Memory"); },
       "ExchangeNotSupported",
       {"has the engine Memory", "Atomic"},
       [](Scene& s) { s.engine.query("DROP DATABASE " + s.manifest.target_database); }},
  };
}

std::vector<Fault> target_settings() {
  return {
      {"nonsense-partitions",
       [](Scene& s) { s.manifest.tables = {"{source: public.orders, partitionBy: 'toYYYYMM(no_such)'}"}; },
       "PartitionByInvalid",
       {"partitionBy \"toYYYYMM(no_such)\" has no_such, which is no column", "spec.tables[].partitionBy"},
       declare_plainly,
       Noticed::AtOnce},
      {"partitions-of-more-than-that",
       [](Scene& s) {
         s.manifest.tables = {
             "{source: public.orders, partitionBy: 'tuple() ORDER BY id AS SELECT name FROM system.users'}"};
       },
       "PartitionByInvalid",
       {"has a subquery", "spec.tables[].partitionBy"},
       declare_plainly,
       Noticed::AtOnce},
      {"nonsense-type",
       [](Scene& s) {
         s.manifest.tables = {"{source: public.orders, columns: [{name: email, type: Strin}]}"};
       },
       "TargetTypeInvalid",
       {"Strin", "spec.tables[].columns"},
       declare_plainly,
       Noticed::AtOnce},
      {"target-name-too-long",
       [](Scene& s) {
         s.manifest.tables = {fmt::format("{{source: public.orders, target: {}}}", std::string(200, 'o'))};
       },
       "TargetNameTooLong",
       {"ooo_resync", "which a resync needs", "spec.tables[].target"},
       declare_plainly,
       Noticed::AtOnce},
  };
}

TEST(DestinationFaults, AreToldWithTheirCureWhichIsTakenUpByItself) {
  std::vector<Fault> all;
  for (const auto& some : {where_to(), who_connects(), target_columns(), target_kinds(), target_settings()})
    all.insert(all.end(), some.begin(), some.end());
  expect_told_and_cured(all);
}

}  // namespace
}  // namespace penstock
