// The reconciler's writes to a real API server, while others write to the same Pipe.

#include "controller/adapters/kube_pipe_api.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <nlohmann/json.hpp>
#include <thread>

#include "controller/apiserver/server.hpp"
#include "controller/kube/kube_event_sink.hpp"
#include "controller/kube/kube_list_watch.hpp"
#include "crds/crd.hpp"
#include "tests/support/temp_dir.hpp"

namespace penstock::adapters {
namespace {

using nlohmann::json;

const runtime::ObjectKey kKey{"default", "shop"};

/// The embedded API with one Pipe that has a status of ours.
class PipeApiTest : public testing::Test {
 protected:
  void SetUp() override {
    apiserver::ApiServerOptions options;
    options.data_dir = dir_.path().string();
    options.kinds.push_back({&crd_json(), validate_pipe});
    server_ = apiserver::ApiServer::start(options).value();
    const auto config = kube::load_kubeconfig(server_->kubeconfig_path()).value();
    client_ = kube::KubeClient::make(config).value();
    others_ = kube::KubeClient::make(config).value();
    sink_ = std::make_unique<kube::KubeEventSink>(*client_, "penstock", "dev");
    events_ = std::make_unique<runtime::EventRecorder>(*sink_, clock_);
    api_ = std::make_unique<KubePipeApi>(*client_, *events_);
    create();
  }
  void TearDown() override { client_->stop(); }

  void create() {
    const json object = {{"apiVersion", "penstock.dev/v1alpha1"},
                         {"kind", "Pipe"},
                         {"metadata", {{"name", "shop"}, {"namespace", "default"}}},
                         {"spec",
                          {{"source", {{"postgres", {{"host", "db.internal"}, {"database", "shop"}}}}},
                           {"destination", {{"clickhouse", {{"url", "https://ch.internal:8443"}}}}},
                           {"tables", json::array({{{"source", "public.orders"}}})}}}};
    ASSERT_TRUE(client_->create(kube::pipes(), object));
  }
  Pipe stored() { return api_->read(kKey.ns, kKey.name).value().value(); }
  void annotate(const std::string& value) {
    const json patch = {{"metadata", {{"annotations", {{"somebody", value}}}}}};
    ASSERT_TRUE(others_->merge_patch(kube::pipes(), kKey, patch));
  }
  static PipeStatus status(const std::string& message) {
    PipeStatus out;
    out.state = PipeState::Setup;
    out.message = message;
    return out;
  }
  Status write(Pipe& pipe, const std::string& message) {
    PENSTOCK_ASSIGN(pipe.resource_version, api_->write_status(pipe, status(message)));
    pipe.status = status(message);
    return {};
  }

  test::TempDir dir_;
  std::unique_ptr<apiserver::ApiServer> server_;
  std::unique_ptr<kube::KubeClient> client_, others_;
  SystemClock clock_;
  std::unique_ptr<kube::KubeEventSink> sink_;
  std::unique_ptr<runtime::EventRecorder> events_;
  std::unique_ptr<KubePipeApi> api_;
};

TEST_F(PipeApiTest, WritesWhileSomebodyAnnotatesThePipeAllTheTime) {
  auto pipe = stored();
  std::atomic<bool> enough{false};
  std::atomic<int> annotations{0};
  std::thread somebody([&] {
    for (; !enough; std::this_thread::sleep_for(std::chrono::milliseconds(2)))
      annotate(std::to_string(++annotations));
  });
  std::string refused;
  for (int i = 0; i < 100 && refused.empty(); ++i) {
    if (const auto written = write(pipe, std::to_string(i)); !written) refused = written.error().text();
    if (const auto same = api_->confirm_unchanged(pipe); !same) refused = same.error().text();
  }
  const auto added = api_->add_finalizer(pipe);
  enough = true;
  somebody.join();
  EXPECT_EQ(refused, "");
  EXPECT_TRUE(added);
  EXPECT_GT(annotations, 0);
  EXPECT_EQ(stored().status.message, "99");
  EXPECT_TRUE(stored().has_finalizer);
}

TEST_F(PipeApiTest, APipeThatNobodyHasLookedAtIsNotObserved) {
  EXPECT_EQ(stored().status.observed_generation, -1) << "or kstatus takes it for Current";
  EXPECT_FALSE(stored().status.state);
  ASSERT_TRUE(others_->merge_patch(kube::pipes(), kKey, {{"status", nullptr}}, kube::Part::Status));
  EXPECT_EQ(stored().status.observed_generation, -1);
  auto pipe = stored();
  ASSERT_TRUE(write(pipe, "ours"));
  EXPECT_EQ(stored().status, pipe.status);
}

TEST_F(PipeApiTest, AStatusWithoutAStateIsWrittenWhole) {
  auto pipe = stored();
  auto full = status("ours");
  full.source = SourceIdentity{"42", 1, "shop"};
  full.replication.slot = "ours";
  pipe.resource_version = api_->write_status(pipe, full).value();
  ASSERT_TRUE(others_->merge_patch(kube::pipes(), kKey,
                                   {{"status", {{"state", nullptr}, {"message", nullptr}, {"rows", 7}}}},
                                   kube::Part::Status));
  pipe = stored();
  ASSERT_FALSE(pipe.status.state);
  ASSERT_TRUE(api_->write_status(pipe, full));
  EXPECT_EQ(stored().status, full);
  ASSERT_TRUE(api_->write_status(stored(), status("without")));
  EXPECT_EQ(stored().status, status("without"));
}

TEST_F(PipeApiTest, SaysConflictWhenTheSpecOrTheStatusIsAnother) {
  auto pipe = stored();
  ASSERT_TRUE(write(pipe, "ours"));
  auto as_another_process_saw_it = pipe;
  ASSERT_TRUE(write(pipe, "newer"));
  EXPECT_EQ(api_->confirm_unchanged(as_another_process_saw_it).error().reason, "Conflict");
  EXPECT_EQ(write(as_another_process_saw_it, "stale").error().reason, "Conflict");
  ASSERT_TRUE(others_->merge_patch(kube::pipes(), kKey, {{"spec", {{"paused", true}}}}));
  EXPECT_EQ(write(pipe, "of the former spec").error().reason, "Conflict");
  EXPECT_EQ(api_->add_finalizer(pipe).error().reason, "Conflict");
  EXPECT_EQ(stored().status.message, "newer");
  EXPECT_FALSE(stored().has_finalizer);
}

TEST_F(PipeApiTest, SaysConflictForAnotherPipeOfThatName) {
  auto former = stored();
  ASSERT_TRUE(client_->remove(kube::pipes(), kKey));
  create();
  EXPECT_EQ(api_->confirm_unchanged(former).error().reason, "Conflict");
  EXPECT_EQ(write(former, "of the former").error().reason, "Conflict");
  EXPECT_EQ(api_->add_finalizer(former).error().reason, "Conflict");
  EXPECT_EQ(stored().status.message, "");
}

TEST_F(PipeApiTest, LeavesTheFinalizersOfOthersThatCameMeanwhile) {
  const auto pipe = stored();
  ASSERT_TRUE(
      others_->merge_patch(kube::pipes(), kKey, {{"metadata", {{"finalizers", {"somebody/waits"}}}}}));
  ASSERT_TRUE(api_->add_finalizer(pipe));
  EXPECT_THAT(stored().finalizers, testing::UnorderedElementsAre("somebody/waits", kPipeFinalizer));
  auto with_ours = pipe;
  with_ours.has_finalizer = true;
  ASSERT_TRUE(api_->remove_finalizer(with_ours));
  EXPECT_THAT(stored().finalizers, testing::ElementsAre("somebody/waits"));
}

}  // namespace
}  // namespace penstock::adapters
