// A row that PostgreSQL holds and cannot send: more than 1 GB as text (PostgreSQL docs, "PostgreSQL Limits").

#include <gmock/gmock.h>

#include <cstdlib>

#include "tests/support/scene.hpp"

namespace penstock {
namespace {

using test::Scene;
using test::shared_world;
using testing::HasSubstr;
using namespace std::chrono_literals;

/// Table huge with a row of two values of 600 MB each, which are a few MB in the heap; and `shell`, empty.
void make_huge_row(Scene& scene) {
  scene.exec(
      "CREATE TABLE huge (id int PRIMARY KEY, a text, b text); CREATE TABLE shell (LIKE huge INCLUDING ALL)");
  scene.exec("INSERT INTO huge SELECT 1, repeat('x', 600000000), NULL");
  scene.exec("UPDATE huge SET b = repeat('y', 600000000)");
}

class HugeRow : public testing::Test {
 protected:
  void SetUp() override {
    if (std::getenv("PENSTOCK_NIGHTLY") == nullptr)
      GTEST_SKIP() << "takes 3 GB of memory and a minute: with PENSTOCK_NIGHTLY=1";
  }
};

TEST_F(HugeRow, InTheLoadHoldsUpItsTableAlone) {
  Scene scene(shared_world());
  scene.create_table("orders", 100);
  make_huge_row(scene);
  scene.declare({"public.orders", "public.huge"});
  scene.apply();
  EXPECT_TRUE(scene.table_reaches("orders", "Streaming", 120s));
  EXPECT_TRUE(scene.table_reaches("huge", "Failed", 120s));
  EXPECT_EQ(scene.dev.reason(scene.pipe, "Ready"), "TablesFailed");
  EXPECT_THAT(scene.field(".status.message"), HasSubstr("public.huge: reading rows"));
  scene.exec("UPDATE orders SET n = 7");
  EXPECT_EQ(scene.differences({"orders"}), "");
  scene.exec("DELETE FROM huge");
  EXPECT_TRUE(scene.table_reaches("huge", "Streaming", 180s));
}

// Nobody can tell which table it is of; the pipe says what it waits for, and is well after a resync.
TEST_F(HugeRow, InTheStreamStopsItAndIsSaid) {
  Scene scene(shared_world());
  scene.create_table("orders", 100);
  make_huge_row(scene);
  scene.declare({"public.orders", "public.shell"});
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  scene.exec("INSERT INTO shell SELECT * FROM huge");
  EXPECT_TRUE(test::eventually(
      [&] {
        return scene.dev.reason(scene.pipe, "Stalled") == "RowTooLarge" &&
               conditions_of(scene).find("Ready=False") != std::string::npos;
      },
      120s));
  scene.exec("DELETE FROM shell; UPDATE orders SET n = 7");
  scene.resync(1);
  EXPECT_TRUE(test::eventually([&] { return scene.number(".status.observedResyncGeneration") == 1; }, 120s));
  EXPECT_EQ(scene.differences({"orders"}), "");
}

}  // namespace
}  // namespace penstock
