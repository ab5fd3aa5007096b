#include <gtest/gtest.h>

#include "tests/support/dev_server.hpp"
#include "tests/support/pipe_manifest.hpp"
#include "tests/support/row_diff.hpp"

namespace penstock {
namespace {

TEST(States, Smoke) {
  test::DevServer dev;
  test::PostgresServer postgres;
  const auto database = postgres.create_database();
  postgres.exec("CREATE TABLE orders(id bigint primary key, v text); INSERT INTO orders SELECT i, 'v' || i FROM generate_series(1, 5000) i", database);
  test::PipeManifest manifest("shop", postgres, database, test::shared_engine(), {"public.orders"});
  const auto watch = dev.watch("shop");
  dev.apply(manifest.both());
  EXPECT_TRUE(dev.wait_for_state("shop", "Running")) << dev.describe("shop") << dev.log();
  EXPECT_TRUE(watch.saw({"Provisioning", "Setup", "Snapshot", "Running"}, std::chrono::seconds(10)));
  EXPECT_EQ(dev.events("shop", "Normal"), (std::vector<std::string>{"Provisioning", "Setup", "Snapshot", "Running"}));
  EXPECT_EQ(test::row_diff(postgres, database, "orders", test::shared_engine(), database, "orders"), "");
}

}  // namespace
}  // namespace penstock
