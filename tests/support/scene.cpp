#include "tests/support/scene.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <thread>
#include <utility>

#include "core/lsn.hpp"
#include "tests/support/sanitizer.hpp"

namespace penstock::test {

World& shared_world() {
  static PostgresServer postgres(
      {.settings = {{"autovacuum", "off"}, {"max_replication_slots", "30"}, {"max_wal_senders", "30"}}});
  static DevServer dev;
  static World world{&postgres, &shared_engine(), &dev};
  return world;
}

Scene::Scene(World& world)
    : postgres(*world.postgres),
      engine(*world.engine),
      dev(*world.dev),
      database(postgres.create_database()),
      pipe([] {
        static int count = 0;
        return "pipe-" + std::to_string(++count);
      }()),
      manifest(pipe, postgres, database, engine, {}) {}

Scene::~Scene() {
  if (testing::Test::HasFailure() || std::getenv("PENSTOCK_SHOW_LOGS") != nullptr)
    std::cerr << dev.describe(pipe) << dev.all_logs();
  if (dev.running()) (void)dev.kubectl({"delete", "pipe", pipe, "--ignore-not-found", "--timeout=5s"});
}

void Scene::create_table(const std::string& name, std::int64_t rows) {
  exec(fmt::format(
      "CREATE TABLE {0} (id bigint PRIMARY KEY, v text, n int);"
      "INSERT INTO {0} SELECT i, 'row ' || i, i % 1000 FROM generate_series(1, {1}) i; ANALYZE {0}",
      name, rows));
}

void Scene::begin_a_slow_load(const std::string& table, const std::string& pace) {
  manifest.spec_more += "  sync: {batchRows: 500}\n" + pace;
  apply();
  ASSERT_NO_FATAL_FAILURE(slow_down(table));
  ASSERT_TRUE(eventually([&] { return number(".status.tables[0].rowsLoaded") > 0; }, 30s));
}

void Scene::slow_down(const std::string& table) {
  ASSERT_TRUE(eventually([&] { return target_exists(table); }, 30s));
  engine.slow_down(database, table, 0.5);
  braked_.push_back(table);
}

void Scene::speed_up() {
  for (const auto& table : std::exchange(braked_, {}))
    engine.speed_up(database, table);
}

void Scene::resync(std::int64_t generation) {
  dev.patch(pipe, fmt::format(R"({{"spec":{{"resyncGeneration":{}}}}})", generation));
}

std::string Scene::of_table(const std::string& table, const std::string& name) {
  return field(fmt::format(R"(.status.tables[?(@.source=="public.{}")].{})", table, name));
}

bool Scene::table_reaches(const std::string& table, const std::string& state,
                          std::chrono::milliseconds limit) {
  return eventually([&] { return of_table(table, "state") == state; }, limit);
}

std::string Scene::target_tables() {
  return engine.value(
      "SELECT arrayStringConcat(arraySort(groupArray(name)), ',') FROM system.tables WHERE "
      "database = '" +
      database + "'");
}

std::int64_t Scene::target_count(const std::string& table) {
  return std::stoll(target_value("SELECT count() FROM " + table));
}

bool Scene::target_exists(const std::string& table) {
  return engine.value("EXISTS TABLE `" + database + "`.`" + table + "`") == "1";
}

std::int64_t Scene::number(const std::string& path) {
  const auto text = field(path);
  return text.empty() ? 0 : std::stoll(text);
}

bool Scene::warned_of(const States& reasons) {
  return eventually([&] { return dev.events(pipe, "Warning") == reasons; });
}

bool Scene::warned_of(const std::string& reason, std::int64_t count) {
  return eventually([&] {
    const auto all = dev.events(pipe, "Warning");
    return std::count(all.begin(), all.end(), reason) == count;
  });
}

bool Scene::slot_is_idle() {
  return eventually([&] {
    return value("SELECT bool_or(active) FROM pg_replication_slots WHERE database = current_database()") ==
           "f";
  });
}

int Scene::slots() {
  return std::stoi(
      postgres.value("SELECT count(*) FROM pg_replication_slots WHERE database = '" + database + "'"));
}

int Scene::publications() {
  return std::stoi(value("SELECT count(*) FROM pg_publication"));
}

std::string Scene::leftovers(std::int64_t generation) {
  auto name = fmt::format("penstock_{}_{}", field(".metadata.uid"), generation);
  std::replace(name.begin(), name.end(), '-', '_');
  std::string out;
  const auto slots = value(
      "SELECT string_agg(slot_name, ',') FROM pg_replication_slots WHERE database = current_database()");
  if (slots != name) out += "slots: " + slots + "; ";
  const auto publications = value("SELECT string_agg(pubname, ',') FROM pg_publication");
  if (publications != name) out += "publications: " + publications + "; ";
  const auto staging =
      engine.value("SELECT name FROM system.tables WHERE endsWith(name, '_resync') AND database = '" +
                   database + "' AND comment LIKE '%penstock%'");
  return staging.empty() ? out : out + "tables: " + staging;
}

std::int64_t Scene::rows_read(const std::string& table) {
  // A session counts into the statistics at the latest when it ends; those that load have none of the
  // stream's.
  (void)eventually([&] {
    return value(
               "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = "
               "'client backend' AND pid <> pg_backend_pid()") == "0";
  });
  const auto read = [&] {
    return std::stoll(value(
        "SELECT coalesce(sum(seq_tup_read), 0) FROM pg_stat_user_tables WHERE relname = '" + table + "'"));
  };
  std::int64_t last = -1;
  (void)eventually(
      [&] {
        const auto before = std::exchange(last, read());
        std::this_thread::sleep_for(300ms);
        return before == last;
      },
      10s);
  return last;
}

bool Scene::idle(std::chrono::milliseconds limit) {
  const auto others =
      "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
  return eventually([&] { return value(others) == "0"; }, limit);
}

std::string Scene::differences(const std::vector<std::string>& tables, std::chrono::milliseconds limit) {
  std::string out;
  const auto deadline = std::chrono::steady_clock::now() + limit * kPatience;
  do {
    if (!out.empty()) std::this_thread::sleep_for(250ms);  // a look reads every row
    out.clear();
    for (const auto& table : tables)
      out += row_diff(postgres, database, table, engine, database, table);
  } while (!out.empty() && std::chrono::steady_clock::now() < deadline);
  return out;
}

bool Scene::caught_up(std::chrono::milliseconds limit) {
  const auto end = Lsn::parse(value("SELECT pg_current_wal_insert_lsn()"));
  exec("SELECT pg_logical_emit_message(true, 'test', 'end')");
  return eventually(
      [&] {
        const auto confirmed = Lsn::parse(field(".status.replication.confirmedLSN"));
        return confirmed && *confirmed >= *end;
      },
      limit);
}

std::string conditions_of(const Scene& scene) {
  std::string path;
  for (const auto* type : {"Ready", "Reconciling", "Stalled", "Paused"})
    path += fmt::format(R"({{range .status.conditions[?(@.type=="{0}")]}} {0}={{.status}}{{end}})", type);
  const auto all = scene.dev.must_kubectl({"get", "pipe", scene.pipe, "-o", "jsonpath=" + path});
  return all.empty() ? "" : all.substr(1);
}

}  // namespace penstock::test
