#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "controller/apiserver/server.hpp"
#include "controller/kube/kube_client.hpp"
#include "controller/kube/kube_event_sink.hpp"
#include "controller/kube/kube_list_watch.hpp"
#include "controller/runtime/controller.hpp"
#include "controller/runtime/event_recorder.hpp"
#include "controller/runtime/informer.hpp"
#include "crds/crd.hpp"
#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

namespace penstock::kube {
namespace {

using nlohmann::json;
using runtime::ObjectKey;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using test::eventually;

json pipe(const std::string& name) {
  return {{"apiVersion", "penstock.dev/v1alpha1"},
          {"kind", "Pipe"},
          {"metadata", {{"name", name}, {"namespace", "default"}}},
          {"spec",
           {{"source", {{"postgres", {{"host", "db.internal"}, {"database", "shop"}}}}},
            {"destination", {{"clickhouse", {{"url", "https://ch.internal:8443"}}}}},
            {"tables", json::array({{{"source", "public.orders"}}})}}}};
}

json secret(const std::string& name) {
  return {{"apiVersion", "v1"},
          {"kind", "Secret"},
          {"metadata", {{"name", name}, {"namespace", "default"}}},
          {"data", {{"password", "c2VjcmV0"}}}};
}

ObjectKey key(const std::string& name) {
  return {"default", name};
}

/// The embedded API with the Pipe kind, and a client that found its way by the kubeconfig it writes.
class EmbeddedServerTest : public testing::Test {
 protected:
  void SetUp() override { start({}); }
  void TearDown() override {
    if (client_) client_->stop();
  }

  void start(apiserver::ApiServerOptions options) {
    options.data_dir = dir_.path().string();
    options.kinds.push_back({&crd_json(), validate_pipe});
    auto server = apiserver::ApiServer::start(options);
    ASSERT_TRUE(server) << server.error().text();
    server_ = *std::move(server);
    const auto config = load_kubeconfig(server_->kubeconfig_path());
    ASSERT_TRUE(config) << config.error().text();
    config_ = *config;
    auto client = KubeClient::make(config_);
    ASSERT_TRUE(client) << client.error().text();
    client_ = *std::move(client);
  }
  void restart(apiserver::ApiServerOptions options) {
    options.port = server_->port();
    server_->stop();
    server_.reset();
    start(options);
  }
  json created(const json& object, const Resource& resource = pipes()) {
    auto answer = client_->create(resource, object);
    EXPECT_TRUE(answer) << answer.error().text();
    return answer ? *answer : json::object();
  }

  test::TempDir dir_;
  KubeConfig config_;
  std::unique_ptr<apiserver::ApiServer> server_;
  std::unique_ptr<KubeClient> client_;
};

TEST_F(EmbeddedServerTest, IsReady) {
  const auto ready = client_->ready();
  EXPECT_TRUE(ready) << ready.error().text();
}

TEST_F(EmbeddedServerTest, CreatesReadsUpdatesPatchesAndDeletes) {
  auto object = created(pipe("shop"));
  EXPECT_FALSE(runtime::uid_of(object).empty());
  EXPECT_EQ(client_->get(pipes(), key("shop")).value(), object);

  object["spec"]["paused"] = true;
  const auto updated = client_->update(pipes(), object);
  ASSERT_TRUE(updated) << updated.error().text();
  EXPECT_EQ(updated->at("metadata").at("generation"), 2);

  const auto patched =
      client_->merge_patch(pipes(), key("shop"), {{"status", {{"state", "Paused"}}}}, Part::Status);
  ASSERT_TRUE(patched) << patched.error().text();
  EXPECT_EQ(patched->at("status").at("state"), "Paused");
  EXPECT_EQ(patched->at("metadata").at("generation"), 2) << "a status write is no change of the spec";

  ASSERT_TRUE(client_->remove(pipes(), key("shop")));
  EXPECT_EQ(client_->get(pipes(), key("shop")).error().reason, "NotFound");
  EXPECT_EQ(client_->remove(pipes(), key("shop")).error().reason, "NotFound");
}

TEST_F(EmbeddedServerTest, SaysConflictForAStaleVersionAndForAnotherUid) {
  const auto object = created(pipe("shop"));
  const auto stale = runtime::resource_version_of(object);
  ASSERT_TRUE(
      client_->merge_patch(pipes(), key("shop"), {{"spec", {{"paused", true}}}}, Part::Object, stale));

  const auto patched =
      client_->merge_patch(pipes(), key("shop"), {{"status", {{"state", "Setup"}}}}, Part::Status, stale);
  ASSERT_FALSE(patched);
  EXPECT_EQ(patched.error().reason, "Conflict");
  EXPECT_EQ(patched.error().kind, ErrorKind::Transient);
  EXPECT_EQ(client_->update(pipes(), object).error().reason, "Conflict");
  EXPECT_EQ(client_->remove(pipes(), key("shop"), {"another-uid", ""}).error().reason, "Conflict");
  EXPECT_EQ(client_->remove(pipes(), key("shop"), {"", stale}).error().reason, "Conflict");
  EXPECT_TRUE(client_->remove(pipes(), key("shop"), {runtime::uid_of(object), ""}));
}

TEST_F(EmbeddedServerTest, TellsTheReasonsOfRefusals) {
  created(pipe("shop"));
  EXPECT_EQ(client_->create(pipes(), pipe("shop")).error().reason, "AlreadyExists");
  auto invalid = pipe("bad");
  invalid["spec"]["tables"] = json::array({{{"source", 5}}});
  const auto refused = client_->create(pipes(), invalid);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, "Invalid");
  EXPECT_NE(refused.error().message.find("spec.tables[0].source"), std::string::npos)
      << refused.error().message;
  EXPECT_EQ(client_->list({"penstock.dev", "v1alpha1", "pumps"}).error().reason, "NotFound");

  auto config = config_;
  config.token = Secret("wrong-token");
  const auto stranger = KubeClient::make(config).value()->get(pipes(), key("shop"));
  ASSERT_FALSE(stranger);
  EXPECT_EQ(stranger.error().reason, "Unauthorized");
  EXPECT_EQ(stranger.error().kind, ErrorKind::NeedsUser);
}

TEST_F(EmbeddedServerTest, KeepsAnObjectWithAFinalizerUntilThatIsGone) {
  auto object = pipe("shop");
  object["metadata"]["finalizers"] = {"penstock.dev/cleanup"};
  created(object);
  ASSERT_TRUE(client_->remove(pipes(), key("shop")));
  const auto going = client_->get(pipes(), key("shop"));
  ASSERT_TRUE(going);
  EXPECT_TRUE(going->at("metadata").contains("deletionTimestamp"));
  ASSERT_TRUE(client_->merge_patch(pipes(), key("shop"), {{"metadata", {{"finalizers", nullptr}}}}));
  EXPECT_EQ(client_->get(pipes(), key("shop")).error().reason, "NotFound");
}

TEST_F(EmbeddedServerTest, ListsByPages) {
  for (int i = 0; i < 7; ++i)
    created(secret("s" + std::to_string(i)), secrets());
  const auto list = client_->list(secrets(), {.ns = "default", .page = 3});
  ASSERT_TRUE(list) << list.error().text();
  EXPECT_EQ(list->items.size(), 7U);
  EXPECT_FALSE(list->resource_version.empty());
  const auto one = client_->list(secrets(), {.field_selector = "metadata.name=s3"});
  ASSERT_TRUE(one);
  EXPECT_EQ(one->items.size(), 1U);
}

/// An informer's cache beside the truth.
struct Cached {
  explicit Cached(KubeClient& client) : source(client, pipes()) {
    informer.on_change([this](const runtime::Object& before, const runtime::Object& after) {
      const std::lock_guard lock(mutex);
      told.push_back((before ? after ? "~" : "-" : "+") + runtime::key_of(after ? *after : *before).name);
    });
    EXPECT_TRUE(informer.start());
  }
  bool comes_to_equal(KubeClient& truth) {
    return eventually([&] {
      const auto list = truth.list(pipes(), {.resource_version = ""});
      const auto mine = informer.list();
      return list && informer.synced() &&
             std::equal(mine.begin(), mine.end(), list->items.begin(), list->items.end(),
                        [](const auto& left, const auto& right) { return *left == *right; });
    });
  }
  std::vector<std::string> heard() {
    const std::lock_guard lock(mutex);
    return told;
  }

  KubeListWatch source;
  std::mutex mutex;
  std::vector<std::string> told;
  runtime::Informer informer{"pipes", source, {5ms, 100ms, 120s}};
};

TEST_F(EmbeddedServerTest, FeedsAnInformerWithEveryChange) {
  created(pipe("before"));
  Cached cached(*client_);
  ASSERT_TRUE(cached.informer.wait_until_synced(10s));
  created(pipe("shop"));
  ASSERT_TRUE(client_->merge_patch(pipes(), key("shop"), {{"spec", {{"paused", true}}}}));
  ASSERT_TRUE(client_->remove(pipes(), key("before")));
  EXPECT_TRUE(eventually([&] { return cached.heard().size() == 4; }));
  EXPECT_THAT(cached.heard(), testing::ElementsAre("+before", "+shop", "~shop", "-before"));
  EXPECT_TRUE(cached.comes_to_equal(*client_));
}

TEST_F(EmbeddedServerTest, CarriesAnInformerOverARestart) {
  created(pipe("stays"));
  created(pipe("goes"));
  const auto first_client = std::move(client_);
  Cached cached(*first_client);
  ASSERT_TRUE(cached.informer.wait_until_synced(10s));
  restart({});
  created(pipe("comes"));
  ASSERT_TRUE(client_->remove(pipes(), key("goes")));
  EXPECT_TRUE(cached.comes_to_equal(*client_));
  EXPECT_EQ(cached.informer.list().size(), 2U);
}

TEST_F(EmbeddedServerTest, ListsAnewWhenTheServerHasForgottenTheVersion) {
  restart({.window_changes = 5});
  const auto object = created(pipe("shop"));
  const auto old = runtime::resource_version_of(object);
  for (int i = 0; i < 40; ++i) {
    ASSERT_TRUE(client_->merge_patch(pipes(), key("shop"), {{"spec", {{"paused", i % 2 == 0}}}}));
  }
  const auto end = client_->watch(pipes(), {.resource_version = old}, [](const runtime::WatchEvent&) {}, {});
  ASSERT_TRUE(end.error);
  EXPECT_EQ(end.error->reason, runtime::kExpired);
}

TEST_F(EmbeddedServerTest, MovesAnInformerOnByBookmarks) {
  restart({.bookmark_interval = 50ms});
  created(pipe("shop"));
  const auto list = client_->list(pipes());
  ASSERT_TRUE(list);
  created(secret("other"), secrets());
  std::stop_source stop;
  std::string version;
  (void)client_->watch(
      pipes(), {.resource_version = list->resource_version},
      [&](const runtime::WatchEvent& event) {
        EXPECT_EQ(event.type, runtime::WatchEvent::Type::Bookmark);
        version = runtime::resource_version_of(*event.object);
        stop.request_stop();
      },
      stop.get_token());
  EXPECT_GT(std::stoll(version), std::stoll(list->resource_version));
}

TEST_F(EmbeddedServerTest, ReconcilesEveryPipeThroughInformerQueueAndPatches) {
  static constexpr int kPipes = 20;
  KubeListWatch source(*client_, pipes());
  runtime::Informer informer("pipes", source);
  runtime::Controller controller({"pipe", 4}, [&](const ObjectKey& which) -> runtime::ReconcileResult {
    const auto object = informer.get(which);
    if (object == nullptr || object->value("/status/state"_json_pointer, "") == "Running")
      return runtime::Requeue{};
    PENSTOCK_TRY(client_->merge_patch(pipes(), which, {{"status", {{"state", "Running"}}}}, Part::Status,
                                      runtime::resource_version_of(*object)));
    return runtime::Requeue{};
  });
  informer.on_change([&](const runtime::Object& before, const runtime::Object& after) {
    controller.enqueue(runtime::key_of(after ? *after : *before));
  });
  EXPECT_TRUE(controller.start());
  EXPECT_TRUE(informer.start());
  for (int i = 0; i < kPipes; ++i)
    created(pipe("p" + std::to_string(i)));
  EXPECT_TRUE(eventually([&] {
    int running = 0;
    for (const auto& object : informer.list()) {
      if (object->value("/status/state"_json_pointer, "") == "Running") ++running;
    }
    return running == kPipes;
  }));
  controller.stop();
  informer.stop();
}

TEST_F(EmbeddedServerTest, ShowsRecordedEventsFoldedAndCounted) {
  const auto object = created(pipe("shop"));
  const runtime::ObjectReference about{"penstock.dev/v1alpha1", "Pipe", "default", "shop",
                                       runtime::uid_of(object)};
  const SystemClock clock;
  KubeEventSink sink(*client_, "penstock-controller", "pod-1");
  {
    runtime::EventRecorder recorder(sink, clock);
    recorder.normal(about, "Running", "streams");
    for (int i = 0; i < 3; ++i)
      recorder.warning(about, "SourceUnreachable", "cannot connect to db.internal");
  }
  const auto list = client_->list(events(), {.ns = "default", .field_selector = "involvedObject.name=shop"});
  ASSERT_TRUE(list) << list.error().text();
  ASSERT_EQ(list->items.size(), 2U);
  for (const auto& event : list->items) {
    const bool warning = event->at("type") == "Warning";
    EXPECT_EQ(event->at("reason"), warning ? "SourceUnreachable" : "Running");
    EXPECT_EQ(event->at("count"), warning ? 3 : 1);
    EXPECT_EQ(event->at("involvedObject").at("uid"), about.uid);
    EXPECT_EQ(event->at("source").at("component"), "penstock-controller");
  }
}

}  // namespace
}  // namespace penstock::kube
