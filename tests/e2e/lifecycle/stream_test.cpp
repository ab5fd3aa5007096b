// What a stream has to carry: transactions larger than memory, values that were left out, TRUNCATE.

#include <fmt/format.h>

#include "tests/e2e/lifecycle/lifecycle_test.hpp"
#include "tests/support/sanitizer.hpp"

namespace penstock {
namespace {

/// A sanitizer keeps memory of its own, and what was freed.
void expect_bounded_memory(const test::DevServer& dev) {
  if (test::kSanitized) return;
  EXPECT_LT(test::peak_resident_bytes(dev.pid()), std::size_t{400} << 20);
}

/// A `penstock dev` of its own, so that its peak of memory is this test's.
class LargeTransaction : public testing::Test {
 protected:
  LargeTransaction() : world{shared_world().postgres, shared_world().engine, &dev}, scene(world) {}

  test::DevServer dev;
  World world;
  Scene scene;
};

TEST_F(LargeTransaction, OfHalfAMillionWideRowsStreamsInBoundedMemory) {
  scene.exec("CREATE TABLE wide (id bigint PRIMARY KEY, a text, b text, n numeric(20,4), t timestamptz)");
  scene.declare({"public.wide"});
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  scene.exec(
      "INSERT INTO wide SELECT i, repeat('a', 200) || i, repeat('b', 300), i * 1.25, "
      "'2026-01-01'::timestamptz + i * interval '1 s'"
      " FROM generate_series(1, 500000) i");
  ASSERT_TRUE(test::eventually([&] { return scene.target_count("wide") == 500000; }, 120s))
      << scene.target_count("wide");
  ASSERT_TRUE(scene.caught_up());
  EXPECT_EQ(
      scene.target_value("SELECT sum(id), sum(length(a)), sum(length(b)), sum(n) FROM wide FINAL"),
      scene.value(
          "SELECT concat_ws(E'\\t', sum(id), sum(length(a)), sum(length(b)), trim_scale(sum(n))) FROM wide"));
  expect_bounded_memory(dev);
}

TEST_F(LargeTransaction, OfUpdatesThatLeaveLargeValuesAloneStreamsInBoundedMemory) {
  scene.exec(
      "CREATE TABLE docs (id int PRIMARY KEY, body text, n int);"
      "ALTER TABLE docs ALTER COLUMN body SET STORAGE EXTERNAL;"
      "INSERT INTO docs SELECT i, repeat(md5(i::text), 400), 0 FROM generate_series(1, 40000) i; ANALYZE "
      "docs");
  scene.declare({"public.docs"});
  scene.manifest.spec_more = "  snapshot: {rowsPerPartition: 10000, workersPerTable: 2}\n";
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running", 60s));
  scene.exec("UPDATE docs SET n = id");  // half a gigabyte of values that the stream leaves out
  ASSERT_TRUE(test::eventually(
      [&] { return scene.target_value("SELECT count() FROM docs FINAL WHERE n = id") == "40000"; }, 120s));
  EXPECT_EQ(scene.target_value(
                "SELECT count() FROM docs FINAL WHERE body = repeat(lower(hex(MD5(toString(id)))), 400)"),
            "40000");
  expect_bounded_memory(dev);
}

constexpr const char* kSeventyRowsOfEightMegabytes =
    "INSERT INTO huge SELECT i, repeat('x', 8000000) || i FROM generate_series(1, 70) i;";

TEST_F(LargeTransaction, OfHugeRowsStreamsInBoundedMemory) {
  scene.exec("CREATE TABLE huge (id int PRIMARY KEY, body text)");
  scene.declare({"public.huge"});
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  ASSERT_NO_FATAL_FAILURE(scene.slow_down("huge"));
  scene.exec(kSeventyRowsOfEightMegabytes);
  ASSERT_TRUE(test::eventually([&] { return scene.target_count("huge") == 70; }, 120s));
  EXPECT_EQ(scene.target_value("SELECT sum(length(body)) FROM huge FINAL"),
            scene.value("SELECT sum(length(body)) FROM huge"));
  expect_bounded_memory(dev);
}

TEST_F(LargeTransaction, OfHugeRowsIsLoadedInBoundedMemory) {
  scene.exec("CREATE TABLE huge (id int PRIMARY KEY, body text)");
  scene.exec(kSeventyRowsOfEightMegabytes);
  scene.exec("ANALYZE huge");
  scene.declare({"public.huge"});
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running", 120s));
  EXPECT_EQ(scene.target_value("SELECT count(), sum(length(body)) FROM huge FINAL"),
            scene.value("SELECT concat_ws(E'\\t', count(*), sum(length(body))) FROM huge"));
  expect_bounded_memory(dev);
}

TEST(Stream, UnchangedLargeValuesArriveWhateverHappensToTheRowNext) {
  Scene scene(shared_world());
  scene.exec(
      "CREATE TABLE docs (id int PRIMARY KEY, body text, n int);"
      "ALTER TABLE docs ALTER COLUMN body SET STORAGE EXTERNAL;"
      "INSERT INTO docs SELECT i, repeat(md5(i::text), 200), 0 FROM generate_series(1, 20) i");
  scene.declare({"public.docs"});
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  scene.exec("UPDATE docs SET n = 1");
  scene.exec("UPDATE docs SET n = 2 WHERE id = 2; UPDATE docs SET body = 'short now' WHERE id = 2");
  scene.exec("UPDATE docs SET n = 3 WHERE id = 3; DELETE FROM docs WHERE id = 3");
  scene.exec("UPDATE docs SET id = 104, n = 4 WHERE id = 4");
  scene.exec(
      "UPDATE docs SET n = 5 WHERE id = 5; UPDATE docs SET id = 105 WHERE id = 5; UPDATE docs SET n = 6 "
      "WHERE id = 105");
  ASSERT_TRUE(scene.caught_up());
  EXPECT_EQ(scene.differences({"docs"}, 0ms), "");
}

TEST(Stream, TruncateBuriesEveryRowThatIsOlder) {
  Scene scene(shared_world());
  scene.create_table("orders", 3000);
  scene.create_table("kept", 100);
  scene.declare({"public.orders", "{source: public.kept, onTruncate: Ignore}"});
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  scene.exec(
      "BEGIN; INSERT INTO orders VALUES (5000, 'before', 1); TRUNCATE orders; INSERT INTO orders VALUES "
      "(5001, 'after', 1), (7, 'again', 2); COMMIT");
  scene.exec("TRUNCATE kept");
  scene.exec("INSERT INTO kept VALUES (1000, 'later', 1)");
  ASSERT_TRUE(scene.caught_up());
  EXPECT_EQ(scene.differences({"orders"}, 0ms), "");
  EXPECT_EQ(scene.target_value("SELECT id, v FROM orders FINAL ORDER BY id"), "7\tagain\n5001\tafter");
  EXPECT_EQ(scene.target_value("SELECT count() FROM kept FINAL"), "101");
  scene.exec("TRUNCATE orders");
  ASSERT_TRUE(scene.caught_up());
  EXPECT_EQ(scene.target_value("SELECT count() FROM orders FINAL"), "0");
}

TEST(Stream, ChangesOfTheLoadsTimeWinOverLoadedRows) {
  Scene scene(shared_world());
  scene.create_table("orders", 20000);
  auto open = scene.postgres.session(scene.database);
  scene.declare({"public.orders"});
  ASSERT_NO_FATAL_FAILURE(scene.begin_a_slow_load("orders"));
  open.exec("BEGIN; UPDATE orders SET v = 'long transaction' WHERE id IN (1, 19999)");
  scene.exec(
      "UPDATE orders SET v = 'in the load' WHERE id % 100 = 0; DELETE FROM orders WHERE id % 100 = 1 AND id "
      "> 1;"
      "UPDATE orders SET id = id + 100000 WHERE id % 100 = 2");
  scene.speed_up();
  ASSERT_TRUE(scene.reaches("Running", 60s));
  open.exec("COMMIT");
  ASSERT_TRUE(scene.caught_up());
  EXPECT_EQ(scene.differences({"orders"}, 0ms), "");
}

}  // namespace
}  // namespace penstock
