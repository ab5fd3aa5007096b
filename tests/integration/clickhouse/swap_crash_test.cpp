// The engine dies in the middle of a swap, at moments all over it; the next try ends where the first would
// have.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "dataplane/clickhouse/swap.hpp"
#include "tests/support/engine_server.hpp"

namespace penstock::clickhouse {
namespace {

TEST(SwapCrash, OfTheServerAtAnyMomentIsMadeGoodByTheNextTry) {
  test::EngineServer server;
  const Endpoint endpoint{server.url(), "shop", "default", {}, ""};
  server.query("CREATE DATABASE shop");
  const auto make = [&](const std::string& table, std::int64_t load) {
    Client client(endpoint);
    TargetDefinition wanted{"shop", table, {{"id", "Int64", ""}}, {"id"}, "", {}, {"uid-1", 1, load}};
    ASSERT_TRUE(make_staging(client, wanted));
    server.query("INSERT INTO shop." + table + " (id) VALUES (" + std::to_string(load) + ")");
  };
  make("orders", 0);
  int interrupted = 0;
  for (std::int64_t load = 1; load <= 12; ++load) {
    make("orders_resync", load);
    std::thread killer([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(3 * load));
      server.kill9();
    });
    Client client(endpoint);
    const auto first = swap_target(client, {"orders", "uid-1", load});
    killer.join();
    if (!first) ++interrupted;
    server.start();
    EXPECT_EQ(server.value("SELECT count() FROM system.tables WHERE database = 'shop' AND name = 'orders'"),
              "1");
    const auto again = swap_target(client, {"orders", "uid-1", load});
    ASSERT_TRUE(again) << again.error().text();
    EXPECT_EQ(server.value("SELECT id FROM shop.orders"), std::to_string(load));
    EXPECT_EQ(server.value("SELECT count() FROM system.tables WHERE database = 'shop'"), "1");
  }
  EXPECT_GT(interrupted, 0);
}

}  // namespace
}  // namespace penstock::clickhouse
