// A table that somebody has locked, while a value that the stream left out has to be read back from it.

#include <fmt/format.h>

#include <thread>

#include "tests/e2e/lifecycle/lifecycle_test.hpp"

namespace penstock {
namespace {

TEST(LockedTable, HoldsUpNeitherItsNeighbourNorAPause) {
  Scene scene(shared_world());
  scene.exec(
      "CREATE TABLE docs (id int PRIMARY KEY, body text, n int);"
      "ALTER TABLE docs ALTER COLUMN body SET STORAGE EXTERNAL;"
      "INSERT INTO docs SELECT i, repeat(md5(i::text), 200), 0 FROM generate_series(1, 20) i;"
      "CREATE TABLE neighbour (id int PRIMARY KEY)");
  scene.declare({"public.docs", "public.neighbour"});
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  auto writes = scene.postgres.session(scene.database);
  auto locks = scene.postgres.session(scene.database);
  writes.exec("BEGIN; UPDATE docs SET n = 1 WHERE id = 2");
  std::thread next([&] { locks.exec("BEGIN; LOCK TABLE docs IN ACCESS EXCLUSIVE MODE"); });
  EXPECT_TRUE(test::eventually([&] {
    return scene.value("SELECT count(*) FROM pg_locks WHERE relation = 'docs'::regclass AND NOT granted") ==
           "1";
  }));
  writes.exec("COMMIT");
  next.join();

  scene.exec("INSERT INTO neighbour VALUES (1)");
  EXPECT_EQ(scene.differences({"neighbour"}, 20s), "");
  EXPECT_TRUE(
      test::eventually([&] { return scene.dev.reason(scene.pipe, "Ready") == "ProgressingWithRetry"; }, 20s));
  const auto message = scene.field(".status.message");
  EXPECT_NE(message.find("public.docs is locked by pid " + locks.value("SELECT pg_backend_pid()")),
            std::string::npos)
      << message;
  EXPECT_EQ(scene.dev.state(scene.pipe), "Running");
  scene.pause(true);
  EXPECT_TRUE(scene.reaches("Paused", 15s));
  scene.pause(false);
  ASSERT_TRUE(scene.reaches("Running"));
  scene.exec("INSERT INTO neighbour VALUES (2)");
  EXPECT_EQ(scene.differences({"neighbour"}, 20s), "");
  locks.exec("COMMIT");
  EXPECT_EQ(scene.differences({"docs", "neighbour"}), "");
  EXPECT_TRUE(test::eventually([&] { return conditions_of(scene) == "Ready=True"; }, 30s));
}

}  // namespace
}  // namespace penstock
