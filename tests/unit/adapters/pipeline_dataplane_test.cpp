#include "controller/adapters/pipeline_dataplane.hpp"

#include <gtest/gtest.h>

#include <atomic>

#include "tests/support/process.hpp"

namespace penstock::adapters {
namespace {

/// Its source is a port where nobody listens.
Pipe pipe_without_a_source() {
  Pipe out;
  out.ns = "default";
  out.name = "shop";
  out.uid = "11111111-2222-3333-4444-555555555555";
  out.spec.source.host = "127.0.0.1";
  out.spec.source.port = test::free_port();
  out.spec.source.tls.mode = TlsMode::Disable;
  TableStatus table;
  table.source = "public.orders";
  out.status.tables.push_back(std::move(table));
  return out;
}

TEST(PipelineDataplane, KeepsARunThatHasEndedUntilItsEndWasSeen) {
  std::atomic<bool> ended{false};
  PipelineDataplane dataplane({[&](const auto&) { ended.store(true); }, [](const auto&, const auto&) {},
                               [](const auto&, const auto&, const auto&) {},
                               [](const auto&, const auto&) {}});
  const auto pipe = pipe_without_a_source();
  ASSERT_TRUE(dataplane.start_load(pipe, {}));
  ASSERT_TRUE(test::eventually([&] { return ended.load(); }));

  dataplane.stop_load(pipe);
  const auto seen = dataplane.observe(pipe).load;
  EXPECT_TRUE(seen.there) << "what it did last is not recorded";
  EXPECT_TRUE(seen.ended);
  EXPECT_TRUE(seen.error);

  dataplane.stop_load(pipe);
  EXPECT_FALSE(dataplane.observe(pipe).load.there);
}

}  // namespace
}  // namespace penstock::adapters
