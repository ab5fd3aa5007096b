// What the status says: of this generation, in words that fit, and ours alone.

#include <fmt/format.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "tests/e2e/lifecycle/lifecycle_test.hpp"

namespace penstock {
namespace {

using nlohmann::json;

json object_of(const Scene& scene) {
  return json::parse(scene.dev.must_kubectl({"get", "pipe", scene.pipe, "-o", "json"}));
}

/// Somebody writes to the status, as `kubectl edit --subresource=status` does.
[[nodiscard]] bool write_status(const Scene& scene, const std::function<void(json&)>& change) {
  const auto path = "/apis/penstock.dev/v1alpha1/namespaces/default/pipes/" + scene.pipe + "/status";
  return test::eventually([&] {
    auto object = object_of(scene);
    change(object["status"]);
    return scene.dev.kubectl({"replace", "--raw", path, "-f", "-"}, object.dump()).ok();
  });
}

bool is_ready(Scene& scene) {
  return scene.dev.condition(scene.pipe, "Ready") == "True";
}

TEST(StatusOfAPipe, IsMendedWithoutALoadWhateverSomebodyWroteToIt) {
  Scene scene(shared_world());
  scene.create_table("orders", 2000);
  scene.declare({"public.orders"});
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  ASSERT_TRUE(scene.table_reaches("orders", "Streaming"));
  const auto slot = scene.field(".status.replication.slot");
  scene.exec("SELECT pg_stat_reset()");
  const std::vector<std::function<void(json&)>> kSpoilt = {
      [](json& status) { status["state"] = "Failed"; },
      [](json& status) { status["worker"] = "somebody"; },
      [](json& status) { status["replication"]["slot"] = "never_was"; },
      [](json& status) { status["tables"] = json::array(); },
      [](json& status) { status["conditions"] = json::array(); },
      [](json& status) { status = json::object(); }};
  for (std::size_t at = 0; at < kSpoilt.size(); ++at) {
    ASSERT_TRUE(write_status(scene, kSpoilt[at])) << at;
    EXPECT_TRUE(test::eventually(
        [&] {
          const auto status = object_of(scene)["status"];
          return status.value("state", "") == "Running" && status.value("worker", "") == "dev" &&
                 status.value("/replication/slot"_json_pointer, "") == slot &&
                 status.value("/tables/0/state"_json_pointer, "") == "Streaming" &&
                 status.value("/tables/0/loadGeneration"_json_pointer, 0) == 1 && is_ready(scene);
        },
        30s))
        << at << scene.field(".status");
  }
  EXPECT_TRUE(scene.warned_of(States{"StatusPutBack"}));
  EXPECT_EQ(scene.rows_read("orders"), 0) << "it was loaded again";
  scene.exec("UPDATE orders SET v = 'changed' WHERE id < 100");
  EXPECT_EQ(scene.differences({"orders"}), "");
}

TEST(StatusOfAPipe, StaysWhenItsFinalizerIsTakenOffAndPutOnAgain) {
  Scene scene(shared_world());
  scene.create_table("orders", 100);
  scene.declare({"public.orders"});
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  const auto watch = scene.dev.watch(scene.pipe);
  ASSERT_TRUE(test::eventually([&] {
    auto object = object_of(scene);
    object["metadata"].erase("finalizers");
    return scene.dev.kubectl({"replace", "-f", "-"}, object.dump()).ok();
  }));
  EXPECT_TRUE(test::eventually(
      [&] { return scene.field(".metadata.finalizers[0]") == "penstock.dev/release-source"; }));
  scene.exec("UPDATE orders SET v = 'changed'");
  EXPECT_EQ(scene.differences({"orders"}), "");
  for (const auto& state : watch.states())
    EXPECT_EQ(state, "Running");
}

TEST(StatusOfAPipe, DoesNotSpeakOfASpecWhoseSecretIsMissing) {
  Scene scene(shared_world());
  scene.create_table("orders", 100);
  scene.declare({"public.orders"});
  scene.apply();
  ASSERT_TRUE(
      test::eventually([&] { return scene.dev.state(scene.pipe) == "Running" && is_ready(scene); }, 60s));
  scene.dev.must_kubectl({"delete", "secret", scene.pipe + "-postgres"});
  scene.dev.patch(scene.pipe, R"({"spec":{"source":{"postgres":{"user":"another"}}}})");
  ASSERT_TRUE(test::eventually([&] { return scene.dev.reason(scene.pipe, "Ready") == "SecretMissing"; }))
      << scene.field(".status");
  EXPECT_EQ(scene.field(".metadata.generation"), "2");
  EXPECT_EQ(scene.field(".status.observedGeneration"), "1");
  EXPECT_NE(scene.field(".status.message").find("generation 2 is not in force"), std::string::npos);
  scene.exec("UPDATE orders SET v = 'streamed by the former settings'");
  EXPECT_EQ(scene.differences({"orders"}), "");
  EXPECT_EQ(scene.field(".status.observedGeneration"), "1");

  scene.apply();  // as it was, with its Secret
  EXPECT_TRUE(scene.dev.wait_for_field(scene.pipe, ".status.observedGeneration", "3"));
  EXPECT_TRUE(test::eventually([&] { return is_ready(scene); })) << scene.field(".status");
}

TEST(StatusOfAPipe, DoesNotSpeakOfASpecWhoseDestinationIsDead) {
  Scene scene(shared_world());
  scene.create_table("orders", 100);
  scene.declare({"public.orders"});
  scene.apply();
  ASSERT_TRUE(
      test::eventually([&] { return scene.dev.state(scene.pipe) == "Running" && is_ready(scene); }, 60s));
  scene.dev.patch(scene.pipe, R"({"spec":{"destination":{"clickhouse":{"url":"http://127.0.0.1:1"}}}})");
  ASSERT_TRUE(test::eventually([&] { return scene.dev.condition(scene.pipe, "Ready") == "False"; }));
  const auto seen = [&] {
    const auto object = object_of(scene);
    return fmt::format("{} {}", object["status"]["observedGeneration"].dump(), is_ready(scene));
  };
  ASSERT_TRUE(
      test::eventually([&] { return scene.dev.reason(scene.pipe, "Ready") == "ProgressingWithRetry"; }, 30s))
      << scene.field(".status");
  EXPECT_EQ(seen(), "1 false");
  scene.apply();
  EXPECT_TRUE(scene.dev.wait_for_field(scene.pipe, ".status.observedGeneration", "3"));
  EXPECT_TRUE(test::eventually([&] { return is_ready(scene); })) << scene.field(".status");
}

TEST(StatusOfAPipe, OfFourHundredTablesThatDoNotExistIsWrittenAndPauseAndDeleteAreHonoured) {
  Scene scene(shared_world());
  std::vector<std::string> names;
  for (int i = 0; i < 400; ++i)
    names.push_back(fmt::format("public.{}{}", std::string(55, 'x'), 1000 + i));
  scene.declare(names);
  scene.apply();
  ASSERT_TRUE(
      test::eventually([&] { return scene.dev.reason(scene.pipe, "Stalled") == "TableNotFound"; }, 30s))
      << scene.field(".status.message");
  const auto message = scene.field(".status.message");
  EXPECT_NE(message.find("400 things are to be done: (1) "), std::string::npos) << message;
  EXPECT_NE(message.find(" more"), std::string::npos) << message;
  EXPECT_TRUE(scene.warned_of(States{"TableNotFound"}));
  scene.pause(true);
  EXPECT_TRUE(scene.reaches("Paused", 10s)) << scene.field(".status.message");
  scene.dev.must_kubectl({"delete", "pipe", scene.pipe, "--timeout=20s"});
}

TEST(StatusOfAPipe, SaysWhilePausedThatASlotOfTheUsersIsLost) {
  Scene scene(shared_world());
  scene.create_table("orders", 10);
  const auto slot = "mine_" + scene.database;
  scene.exec("CREATE PUBLICATION mine FOR TABLE orders");
  scene.exec("SELECT pg_create_logical_replication_slot('" + slot + "', 'pgoutput')");
  scene.declare({"public.orders"});
  scene.manifest.source_more = ", publication: mine, replicationSlot: " + slot;
  scene.manifest.spec_more = "  mode: CDCOnly\n";
  scene.apply();
  ASSERT_TRUE(scene.reaches("Running"));
  scene.pause(true);
  ASSERT_TRUE(scene.reaches("Paused"));
  ASSERT_TRUE(scene.slot_is_idle());
  scene.exec("SELECT pg_drop_replication_slot('" + slot + "')");
  EXPECT_TRUE(test::eventually([&] { return scene.dev.reason(scene.pipe, "Ready") == "SlotLost"; }, 30s))
      << scene.field(".status");
}

}  // namespace
}  // namespace penstock
