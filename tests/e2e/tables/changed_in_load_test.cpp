// A table that is changed while it is loaded is loaded anew by itself, and its neighbours go on.

#include "tests/e2e/tables/tables_test.hpp"

namespace penstock {
namespace {

/// A pipe of `orders`, in the middle of its load, and of `nb`.
void be_in_the_load(Scene& scene) {
  scene.create_table("orders", 20000);
  scene.create_table("nb", 1000);
  scene.exec("CREATE TABLE other (LIKE orders INCLUDING ALL); INSERT INTO other VALUES (90001, 'other', 1)");
  scene.declare({"public.orders", "public.nb"});
  ASSERT_NO_FATAL_FAILURE(scene.begin_a_slow_load("orders"));
}

void expect_equal(Scene& scene) {
  scene.speed_up();
  ASSERT_TRUE(scene.table_reaches("orders", "Streaming", 60s));
  scene.exec("UPDATE orders SET id = id + 100000 WHERE id % 10 = 0; UPDATE nb SET n = -1");
  EXPECT_EQ(scene.differences({"orders", "nb"}), "");
  EXPECT_TRUE(test::eventually([&] { return conditions_of(scene) == "Ready=True"; }, 30s));
  EXPECT_EQ(scene.leftovers(0), "");
}

TEST(ChangedInLoad, ATableWhoseNameAnotherTook) {
  Scene scene(shared_world());
  ASSERT_NO_FATAL_FAILURE(be_in_the_load(scene));
  scene.exec("UPDATE orders SET v = 'before' WHERE id < 100");
  scene.exec("BEGIN; ALTER TABLE orders RENAME TO former; ALTER TABLE other RENAME TO orders; COMMIT");
  scene.exec("INSERT INTO orders VALUES (90002, 'after', 2)");
  ASSERT_NO_FATAL_FAILURE(expect_equal(scene));
  EXPECT_EQ(scene.target_value("SELECT count() FROM orders FINAL"), "2");
}

TEST(ChangedInLoad, AColumnThatWasReplacedAndRowsThatWereRewritten) {
  Scene scene(shared_world());
  ASSERT_NO_FATAL_FAILURE(be_in_the_load(scene));
  // The stream still has these, of columns that are no more.
  scene.exec("UPDATE orders SET n = 5, v = 'before' WHERE id < 100");
  scene.exec("ALTER TABLE orders DROP n, ADD n int, ALTER v TYPE text USING v || '!'");
  ASSERT_NO_FATAL_FAILURE(expect_equal(scene));
}

}  // namespace
}  // namespace penstock
