// kill -9 of `penstock dev` while wish follows wish: whatever it was cut off in, the pipe ends where it would
// have ended.

#include <fmt/format.h>

#include <cstdlib>
#include <iostream>
#include <random>
#include <set>
#include <sstream>
#include <thread>

#include "tests/support/scene.hpp"
#include "tests/support/workload.hpp"
#include "tests/support/writers.hpp"

namespace penstock {
namespace {

using namespace std::chrono_literals;
using test::Scene;

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

/// PENSTOCK_KILLS and PENSTOCK_SEED: how many kills, and of which wishes, statements and moments. Servers of
/// its own, since those are killed too.
class Kills : public testing::Test {
 protected:
  Kills()
      : postgres({.settings = {{"track_commit_timestamp", "on"}}}),
        world{&postgres, &engine, &dev},
        scene(world),
        seed(from_environment("PENSTOCK_SEED", std::random_device{}())),
        kills(from_environment("PENSTOCK_KILLS", 8)),
        random(seed),
        workload(seed, random() % 2 == 0) {}

  std::uint64_t below(std::uint64_t limit) { return random() % limit; }

  void note(const std::string& what) { story += what + "\n"; }

  void prepare() {
    std::cout << fmt::format("repeat with PENSTOCK_SEED={} PENSTOCK_KILLS={}\n", seed, kills) << std::flush;
    auto session = postgres.session(scene.database);
    workload.create(session, 1500);
    for (std::uint64_t beside = 1; beside <= 3; ++beside)
      workloads.push_back(workload.beside(seed + beside));
    scene.create_table("orders", 3000);
    scene.manifest.spec_more =
        "  sync: {interval: 20ms, maxInsertsPerSecond: 1000, batchRows: 300}\n"
        "  snapshot: {rowsPerPartition: 1000, workersPerTable: 1, parallelTables: 2}\n";
    for (const auto* table : {"items", "pairs", "whole", "orders"})
      tables.push_back({table, true, 0});
    declare();
    scene.dev.apply(scene.manifest.both());
  }

  struct Table {
    std::string name;
    bool in = true;
    int generation = 0;
  };

  /// The manifest as it is wished for now.
  void declare() {
    scene.manifest.tables.clear();
    for (const auto& table : tables)
      if (table.in)
        scene.manifest.tables.push_back(
            fmt::format("{{source: public.{}, resyncGeneration: {}}}", table.name, table.generation));
    scene.manifest.spec_more = fmt::format(
        "  sync: {{interval: 20ms, maxInsertsPerSecond: 1000, batchRows: 300}}\n"
        "  snapshot: {{rowsPerPartition: 1000, workersPerTable: 1, parallelTables: 2}}\n"
        "  paused: {}\n  resyncGeneration: {}\n",
        paused ? "true" : "false", generation);
  }

  int tables_in() const {
    int out = 0;
    for (const auto& table : tables)
      out += table.in ? 1 : 0;
    return out;
  }

  /// One more change of the manifest.
  void wish() {
    auto& table = tables[below(tables.size())];
    switch (below(8)) {
      case 0:
      case 1:
        paused = !paused;
        note(paused ? "  wish: pause" : "  wish: go on");
        break;
      case 2:
      case 3:
        if (table.in && tables_in() == 1) return;
        table.in = !table.in;
        note("  wish: " + std::string(table.in ? "add " : "remove ") + table.name);
        break;
      case 4:
      case 5:
        ++generation;
        note(fmt::format("  wish: resync {}", generation));
        break;
      default:
        ++table.generation;
        note(fmt::format("  wish: resync {} alone{}", table.name, table.in ? "" : " (not in the pipe)"));
    }
    declare();
    scene.dev.apply(scene.manifest.pipe());
  }

  /// Half the kills fall into a state that passes, as soon as it is seen or a little later; the others
  /// anywhere.
  void wait_for_a_moment() {
    static const char* const kPassing[] = {"Setup", "Snapshot", "Resync", "Modifying", "Pausing", "Running"};
    const auto wait = std::chrono::milliseconds(below(below(3) == 0 ? 3000 : 1000));
    if (below(2) == 0) {
      const std::string wanted = kPassing[below(std::size(kPassing))];
      const auto after = std::chrono::milliseconds(below(200));
      const auto watch = dev.watch(scene.pipe);
      if (test::eventually([&] { return !watch.states().empty() && watch.states().back() == wanted; },
                           2500ms)) {
        std::this_thread::sleep_for(after);
        return;
      }
    }
    std::this_thread::sleep_for(wait);
  }

  void kill_something() {
    const auto state = dev.state(scene.pipe);
    const auto what = below(10);
    note(fmt::format("kill {} in {}{}", done, state,
                     what == 0   ? ", the engine too"
                     : what == 1 ? ", PostgreSQL too"
                                 : ""));
    dev.kill9();
    if (what == 0) {
      engine.kill9();
      engine.start();
    } else if (what == 1) {
      writers.stop();
      below(2) == 0 ? postgres.kill9() : postgres.stop();
      postgres.start();
      start_the_writers();
    }
    dev.start();
    ++done;
  }

  void start_the_writers() {
    for (auto& one : workloads)
      writers.start(postgres, scene.database, [&one](auto& session) {
        one.step(session);
        std::this_thread::sleep_for(10ms);
      });
    writers.start(postgres, scene.database, [at = 0](auto& session) mutable {
      session.exec(fmt::format("UPDATE orders SET n = n + 1 WHERE id % 200 = {}", at++ % 200));
      std::this_thread::sleep_for(15ms);
    });
  }

  /// Unpaused, everything asked for is carried out, and equal.
  void expect_the_end() {
    paused = false;
    declare();
    scene.dev.apply(scene.manifest.pipe());
    ASSERT_TRUE(at_rest(90s)) << story;
    writers.stop();
    ASSERT_TRUE(scene.caught_up(120s)) << story;
    std::vector<std::string> names;
    for (const auto& table : tables)
      if (table.in) names.push_back(table.name);
    for (const auto& name : names)
      if (const auto different = scene.differences({name}, 0ms); !different.empty())
        ADD_FAILURE() << different << histories(name, different) << story;
    EXPECT_EQ(scene.leftovers(generation), "") << story;
    EXPECT_EQ(published(), wanted_published()) << story;
  }

  /// When the rows that differ were last changed in the source, and every version of them that the target
  /// has.
  std::string histories(const std::string& table, const std::string& different) {
    if (table == "pairs") return "";
    std::string out;
    std::istringstream lines(different);
    for (std::string line; std::getline(lines, line);) {
      const auto colon = line.find(':');
      if (!line.starts_with(table + " ") || colon == std::string::npos) continue;
      const auto key = line.substr(table.size() + 1, colon - table.size() - 1);
      const auto id = scene.value("SELECT convert_from(decode('" + key + "', 'hex'), 'UTF8')");
      for (const auto& row :
           postgres.query("SELECT pg_xact_commit_timestamp(xmin), xmin FROM " + table + " WHERE id = " + id,
                          scene.database))
        out += fmt::format("{} {}: committed {}, xmin {}\n", table, id, row[0], row[1]);
      out +=
          scene.target_value("SELECT hex(_penstock_version), _penstock_deleted, _penstock_synced_at FROM " +
                             table + " WHERE id = " + id + " ORDER BY _penstock_version") +
          "\n";
    }
    return out;
  }

  bool at_rest(std::chrono::milliseconds limit) {
    return test::eventually(
        [&] {
          if (scene.field(".status.observedGeneration") != scene.field(".metadata.generation") ||
              dev.state(scene.pipe) != "Running" || test::conditions_of(scene) != "Ready=True" ||
              scene.field(".status.observedResyncGeneration") != std::to_string(generation))
            return false;
          for (const auto& table : tables) {
            const auto seen = scene.of_table(table.name, "observedResyncGeneration");
            if (table.in && (scene.of_table(table.name, "state") != "Streaming" ||
                             seen != std::to_string(table.generation)))
              return false;
            if (!table.in && !scene.of_table(table.name, "source").empty()) return false;
          }
          return true;
        },
        limit);
  }

  std::string published() {
    return scene.value("SELECT string_agg(tablename, ',' ORDER BY tablename) FROM pg_publication_tables");
  }
  std::string wanted_published() {
    std::set<std::string> names;
    for (const auto& table : tables)
      if (table.in) names.insert(table.name);
    std::string out;
    for (const auto& name : names)
      out += (out.empty() ? "" : ",") + name;
    return out;
  }

  test::PostgresServer postgres;
  test::EngineServer engine;
  test::DevServer dev;
  test::World world;
  Scene scene;
  const std::uint64_t seed, kills;
  std::mt19937_64 random;
  test::Workload workload;
  std::vector<test::Workload> workloads;  ///< of sessions that write at the same time
  std::vector<Table> tables;
  bool paused = false;
  int generation = 0;
  std::uint64_t done = 0;
  std::string story;
  test::Writers writers;
};

TEST_F(Kills, BetweenAnyTwoStatementsOfAnySequenceEndRowByRowEqual) {
  prepare();
  start_the_writers();
  while (done < kills) {
    for (auto wishes = below(3); wishes-- > 0;)
      wish();
    wait_for_a_moment();
    kill_something();
    // Now and then the pipe comes to rest, so that not every wish is overtaken by the next.
    if (done % 10 == 0) {
      ASSERT_NO_FATAL_FAILURE(expect_the_end());
      if (done < kills) start_the_writers();
    }
  }
  if (kills % 10 != 0) {
    ASSERT_NO_FATAL_FAILURE(expect_the_end());
  }
  if (std::getenv("PENSTOCK_SHOW_STORY") != nullptr) std::cout << story;
}

}  // namespace
}  // namespace penstock
