#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/dev_server.hpp"
#include "tests/support/engine_server.hpp"
#include "tests/support/pipe_manifest.hpp"
#include "tests/support/postgres_server.hpp"
#include "tests/support/row_diff.hpp"

namespace penstock::test {

using namespace std::chrono_literals;
using States = std::vector<std::string>;

/// Three real servers: PostgreSQL, the engine and `penstock dev`. The shared ones live as long as the
/// program, for tests that stop none of them; a test that does has its own.
struct World {
  PostgresServer* postgres = nullptr;
  EngineServer* engine = nullptr;
  DevServer* dev = nullptr;
};

World& shared_world();

/// A pipe, its source database and its target database, all of this test alone. Says at the end of a failed
/// test what the API knows of the pipe and what the process wrote, then deletes the pipe.
class Scene {
 public:
  explicit Scene(World& world);
  ~Scene();
  Scene(const Scene&) = delete;
  Scene& operator=(const Scene&) = delete;

  /// Table `name` (id bigint primary key, v text, n int) with rows 1..rows, analysed.
  void create_table(const std::string& name, std::int64_t rows);
  /// Applies the pipe over the table, written five hundred rows at a time, by two workers, each insert with a
  /// wait in it; returns when the status counts loaded rows: the middle of a load. `pace`: more lines of the
  /// spec.
  void begin_a_slow_load(
      const std::string& table,
      const std::string& pace = "  snapshot: {rowsPerPartition: 1000, workersPerTable: 2}\n");
  /// The waits alone, for `table`, which is to be there within the limit: put into each insert of 500 rows.
  void slow_down(const std::string& table);
  /// Takes the waits away.
  void speed_up();
  /// Declares the tables for the manifest: their names, or flow maps.
  void declare(std::vector<std::string> tables) { manifest.tables = std::move(tables); }
  void apply() { dev.apply(manifest.both()); }
  void pause(bool paused) {
    dev.patch(pipe, paused ? R"({"spec":{"paused":true}})" : R"({"spec":{"paused":false}})");
  }

  void exec(const std::string& sql) { postgres.exec(sql, database); }
  [[nodiscard]] std::string value(const std::string& sql) { return postgres.value(sql, database); }
  /// Of the target database: target_value("SELECT count() FROM orders").
  [[nodiscard]] std::string target_value(const std::string& sql) {
    return engine.value(sql, {{"database", database}});
  }
  /// Patches spec.resyncGeneration.
  void resync(std::int64_t generation);
  /// The field of the table with this source, "public." left out: of_table("orders", "state").
  [[nodiscard]] std::string of_table(const std::string& table, const std::string& field);
  [[nodiscard]] bool table_reaches(const std::string& table, const std::string& state,
                                   std::chrono::milliseconds limit = 60s);
  /// Names of the tables in the target database, in order, with a comma between them.
  [[nodiscard]] std::string target_tables();
  [[nodiscard]] std::int64_t target_count(const std::string& table);
  [[nodiscard]] bool target_exists(const std::string& table);
  [[nodiscard]] std::string field(const std::string& path) { return dev.field(pipe, path); }
  [[nodiscard]] std::int64_t number(const std::string& path);
  [[nodiscard]] bool reaches(const std::string& state, std::chrono::milliseconds limit = 60s) {
    return dev.wait_for_state(pipe, state, limit);
  }

  /// True as soon as the pipe's Warning events have these reasons, and as soon as `count` of them are of one
  /// reason. An event is written after the status that it is about.
  [[nodiscard]] bool warned_of(const States& reasons);
  [[nodiscard]] bool warned_of(const std::string& reason, std::int64_t count = 1);
  /// True as soon as nobody streams from the slot: the server lets go of it after the client has gone.
  [[nodiscard]] bool slot_is_idle();

  /// How many slots and publications there are in the source database.
  [[nodiscard]] int slots();
  [[nodiscard]] int publications();

  /// Empty when, of all that was ever made for the pipe, the source holds but the slot and the publication of
  /// this resync generation, and the target database no table of ours named `_resync`; else what else is
  /// there.
  [[nodiscard]] std::string leftovers(std::int64_t generation);

  /// Rows that scans have read of a table since the last pg_stat_reset().
  [[nodiscard]] std::int64_t rows_read(const std::string& table);
  /// True as soon as nobody but this test is connected to the source database; false after `limit`.
  [[nodiscard]] bool idle(std::chrono::milliseconds limit = 10s);

  /// Empty when every one of `tables` becomes equal within the limit; else the first differences.
  [[nodiscard]] std::string differences(const std::vector<std::string>& tables,
                                        std::chrono::milliseconds limit = 40s);
  /// Waits until the pipe says that everything written so far is in the target. False after `limit`.
  [[nodiscard]] bool caught_up(std::chrono::milliseconds limit = 60s);

  PostgresServer& postgres;
  EngineServer& engine;
  DevServer& dev;
  const std::string database;
  const std::string pipe;
  PipeManifest manifest;

 private:
  std::vector<std::string> braked_;
};

/// "Ready=True Paused=True …", without those that are absent, all of one moment: what the table in the design
/// says of each state.
std::string conditions_of(const Scene& scene);

}  // namespace penstock::test
