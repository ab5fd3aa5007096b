#include "controller/apiserver/store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "controller/apiserver/data_directory.hpp"
#include "tests/support/temp_dir.hpp"

namespace penstock::apiserver {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class StoreTest : public testing::Test {
 protected:
  StoreTest() { reopen(); }

  void reopen(WatchWindow window = {}) {
    store_.reset();
    store_ = Store::open(StateFile::open(path_).value(), window).value();
  }

  ObjectPtr put(const std::string& name, int value, std::uint64_t expected = 0, const std::string& ns = "n") {
    auto written =
        store_->write({.key = {"things", ns, name},
                       .value = {{"metadata", {{"name", name}, {"namespace", ns}}}, {"value", value}},
                       .expected_revision = expected});
    return written ? *written : nullptr;
  }
  void remove(const ObjectPtr& object) {
    const auto& metadata = object->value["metadata"];
    ASSERT_TRUE(store_->write({.key = {"things", metadata["namespace"], metadata["name"]},
                               .value = object->value,
                               .expected_revision = object->revision,
                               .remove = true}));
  }
  static std::vector<std::string> names(const Snapshot& snapshot) {
    std::vector<std::string> found;
    for (const auto& object : snapshot.objects) {
      found.push_back(object->value["metadata"]["name"].get<std::string>() + "=" +
                      object->value["value"].dump());
    }
    return found;
  }

  test::TempDir directory_;
  std::string path_ = directory_ / "state.db";
  std::unique_ptr<Store> store_;
};

TEST_F(StoreTest, CountsOneRevisionOverAllWritesAndStampsObjectsWithIt) {
  const auto a = put("a", 1);
  EXPECT_EQ(a->revision, 1U);
  EXPECT_EQ(a->value["metadata"]["resourceVersion"], "1");
  EXPECT_EQ(Json::parse(a->text), a->value);
  EXPECT_EQ(put("b", 1)->revision, 2U);
  EXPECT_EQ(put("a", 2, 1)->revision, 3U);
  remove(store_->get({"things", "n", "b"}));
  EXPECT_EQ(store_->revision(), 4U);
}

TEST_F(StoreTest, KeepsEverythingOverARestart) {
  put("a", 1);
  put("b", 2);
  remove(put("c", 3));
  reopen();
  EXPECT_EQ(store_->revision(), 4U);
  EXPECT_THAT(names(store_->list("things", "n")), ElementsAre("a=1", "b=2"));
  EXPECT_EQ(put("d", 1)->revision, 5U);
}

TEST_F(StoreTest, RefusesStaleMissingAndExisting) {
  const auto a = put("a", 1);
  using Kind = WriteFailure::Kind;
  const auto failure = [&](std::uint64_t expected, const std::string& name, bool needs_namespace = false) {
    return store_
        ->write({.key = {"things", "n", name},
                 .value = Json::object(),
                 .expected_revision = expected,
                 .needs_namespace = needs_namespace})
        .error()
        .kind;
  };
  EXPECT_EQ(failure(0, "a"), Kind::Exists);
  EXPECT_EQ(failure(77, "a"), Kind::Stale);
  EXPECT_EQ(failure(1, "none"), Kind::Missing);
  EXPECT_EQ(failure(0, "b", true), Kind::NamespaceMissing);
  EXPECT_EQ(store_->revision(), 1U);
}

TEST_F(StoreTest, HoldsANamespaceWhileSomethingIsInIt) {
  const auto ns =
      store_->write({.key = {"namespaces", "", "n"}, .value = {{"metadata", {{"name", "n"}}}}}).value();
  const auto a = put("a", 1);
  const auto drop = [&] {
    return store_->write({.key = {"namespaces", "", "n"},
                          .value = ns->value,
                          .expected_revision = ns->revision,
                          .remove = true});
  };
  EXPECT_EQ(drop().error().kind, WriteFailure::Kind::NamespaceNotEmpty);
  remove(a);
  EXPECT_TRUE(drop());
}

TEST_F(StoreTest, ListsByNamespaceAndOverAll) {
  put("b", 1, 0, "n1");
  put("a", 1, 0, "n2");
  put("a", 2, 0, "n1");
  EXPECT_THAT(names(store_->list("things", "n1")), ElementsAre("a=2", "b=1"));
  EXPECT_THAT(names(store_->list("things", "")), ElementsAre("a=2", "b=1", "a=1"));
  EXPECT_THAT(names(store_->list("thing", "")), ElementsAre());
}

TEST_F(StoreTest, ListsThePastWithinItsWindow) {
  const auto a = put("a", 1);
  put("b", 1);
  put("a", 2, a->revision);
  remove(store_->get({"things", "n", "b"}));
  EXPECT_THAT(names(*store_->list_at("things", "", 1)), ElementsAre("a=1"));
  EXPECT_THAT(names(*store_->list_at("things", "", 2)), ElementsAre("a=1", "b=1"));
  EXPECT_THAT(names(*store_->list_at("things", "", 3)), ElementsAre("a=2", "b=1"));
  EXPECT_THAT(names(*store_->list_at("things", "", 4)), ElementsAre("a=2"));
  EXPECT_FALSE(store_->list_at("things", "", 5));
  reopen();
  EXPECT_FALSE(store_->list_at("things", "", 3));
  EXPECT_TRUE(store_->list_at("things", "", 4));
}

TEST_F(StoreTest, TellsChangesInOrderAndWhereItReadTo) {
  const auto a = put("a", 1);
  put("a", 2, a->revision);
  store_->write({.key = {"others", "n", "x"}, .value = {{"metadata", Json::object()}}}).value();
  remove(store_->get({"things", "n", "a"}));
  const auto all = store_->changes_after("things", 0, 10);
  ASSERT_TRUE(all);
  ASSERT_EQ(all->changes.size(), 3U);
  EXPECT_EQ(all->read_to, 4U);
  EXPECT_EQ(all->changes[0].kind, Change::Kind::Added);
  EXPECT_EQ(all->changes[1].kind, Change::Kind::Modified);
  EXPECT_EQ(all->changes[1].previous->value["value"], 1);
  EXPECT_EQ(all->changes[2].kind, Change::Kind::Deleted);
  EXPECT_EQ(all->changes[2].object->value["metadata"]["resourceVersion"], "4");
  const auto some = store_->changes_after("things", 0, 2);
  EXPECT_EQ(some->changes.size(), 2U);
  EXPECT_EQ(some->read_to, 2U);
  EXPECT_EQ(store_->changes_after("things", 2, 2)->changes.size(), 1U);
}

TEST_F(StoreTest, ForgetsChangesBeyondItsWindowByNumberAndByBytes) {
  reopen({.changes = 3, .bytes = 1U << 20U});
  for (int i = 0; i < 5; ++i) {
    put("a" + std::to_string(i), 1);
  }
  EXPECT_FALSE(store_->changes_after("things", 1, 10));
  EXPECT_EQ(store_->changes_after("things", 2, 10)->changes.size(), 3U);
  reopen({.changes = 1000, .bytes = 100});
  put("b", 1);
  put("c", 1);
  EXPECT_FALSE(store_->changes_after("things", 5, 10));
}

TEST_F(StoreTest, WakesSubscribersOfTheTypeUntilTheyLeave) {
  int woken = 0;
  const auto subscription = store_->subscribe("things", [&] { ++woken; });
  put("a", 1);
  store_->write({.key = {"others", "n", "x"}, .value = {{"metadata", Json::object()}}}).value();
  EXPECT_EQ(woken, 1);
  store_->unsubscribe(subscription);
  put("b", 1);
  EXPECT_EQ(woken, 1);
}

TEST_F(StoreTest, KeepsItsFileToItself) {
  struct stat status {};
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  put("a", 1);
  ASSERT_EQ(::stat((path_ + "-wal").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0077U, 0U);
}

TEST(WritePrivateFile, ReplacesAFileWholeAndKeepsOthersOut) {
  const test::TempDir directory;
  const auto path = directory / "kubeconfig";
  std::ofstream(path) << "old";
  ASSERT_TRUE(write_private_file(path, "new"));
  std::ifstream file(path);
  std::string text;
  file >> text;
  EXPECT_EQ(text, "new");
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  EXPECT_FALSE(std::filesystem::exists(path + ".new"));
}

}  // namespace
}  // namespace penstock::apiserver
