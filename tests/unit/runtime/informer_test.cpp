#include "controller/runtime/informer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "tests/support/process.hpp"

namespace penstock::runtime {
namespace {

using nlohmann::json;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using test::eventually;
using testing::ElementsAre;

Object pipe(const std::string& name, int version, const std::string& uid = "u") {
  return std::make_shared<const json>(json{
      {"metadata",
       {{"namespace", "data"}, {"name", name}, {"uid", uid}, {"resourceVersion", std::to_string(version)}}}});
}

WatchEvent event(WatchEvent::Type type, Object object) {
  return {type, std::move(object)};
}

using enum WatchEvent::Type;

/// What a scripted watch does: hands over events, then ends so.
struct WatchScript {
  std::vector<WatchEvent> events{};
  WatchEnd end{};
};
using ListScript = Result<ObjectList>;

/// Answers each list and watch with the next of a script, and then waits until it is stopped. Notes the
/// calls.
class ScriptedSource final : public ListWatch {
 public:
  explicit ScriptedSource(std::deque<std::variant<ListScript, WatchScript>> script)
      : script_(std::move(script)) {}

  Result<ObjectList> list(const std::string& version, const std::stop_token& stop) override {
    std::unique_lock lock(mutex_);
    calls_.push_back("list " + version);
    if (script_.empty() || !std::holds_alternative<ListScript>(script_.front())) {
      wait(lock, stop);
      return fail(ErrorKind::Cancelled, "Cancelled", "stopped");
    }
    auto answer = std::get<ListScript>(script_.front());
    script_.pop_front();
    return answer;
  }

  WatchEnd watch(const std::string& version, const WatchHandler& on_event,
                 const std::stop_token& stop) override {
    std::unique_lock lock(mutex_);
    calls_.push_back("watch " + version);
    if (script_.empty() || !std::holds_alternative<WatchScript>(script_.front())) {
      wait(lock, stop);
      return {Error{ErrorKind::Cancelled, "Cancelled", "stopped", ""}};
    }
    const auto answer = std::get<WatchScript>(script_.front());
    script_.pop_front();
    lock.unlock();
    for (const auto& next : answer.events)
      on_event(next);
    return answer.end;
  }

  std::vector<std::string> calls() {
    const std::lock_guard lock(mutex_);
    return calls_;
  }
  /// The script has been played, and the informer waits in its last call.
  bool wait_until_idle() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 10s, [this] { return idle_; });
  }

 private:
  void wait(std::unique_lock<std::mutex>& lock, const std::stop_token& stop) {
    idle_ = true;
    changed_.notify_all();
    changed_.wait(lock, stop, [] { return false; });
  }

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<std::variant<ListScript, WatchScript>> script_;
  std::vector<std::string> calls_;
  bool idle_ = false;
};

/// Plays a script to its end and keeps what the handlers were told: "+shop", "~shop 1>2", "-shop".
struct Played {
  explicit Played(std::deque<std::variant<ListScript, WatchScript>> script) : source(std::move(script)) {
    informer.on_change([this](const Object& before, const Object& after) {
      const auto name = key_of(after ? *after : *before).name;
      if (before && after) {
        told.push_back("~" + name + " " + resource_version_of(*before) + ">" + resource_version_of(*after));
      } else {
        told.push_back((after ? "+" : "-") + name);
      }
    });
    EXPECT_TRUE(informer.start());
    EXPECT_TRUE(source.wait_until_idle());
  }

  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& object : informer.list())
      all.push_back(key_of(*object).name);
    return all;
  }

  ScriptedSource source;
  std::vector<std::string> told;  // written by the informer's thread, read once that is idle
  Informer informer{"pipes", source, {1ms, 5ms, 120s}};
};

Error transient(const std::string& reason) {
  return {ErrorKind::Transient, reason, "x", ""};
}

TEST(InformerTest, ListsAnythingAtHandThenWatchesFromThere) {
  Played played({ObjectList{{pipe("shop", 5), pipe("crm", 7)}, "9"},
                 WatchScript{{event(Added, pipe("erp", 10)), event(Modified, pipe("shop", 11)),
                              event(Deleted, pipe("crm", 12))}}});
  EXPECT_THAT(played.source.calls(), ElementsAre("list 0", "watch 9", "watch 12"));
  EXPECT_THAT(played.told, ElementsAre("+crm", "+shop", "+erp", "~shop 5>11", "-crm"));
  EXPECT_THAT(played.names(), ElementsAre("erp", "shop"));
  EXPECT_TRUE(played.informer.synced());
  EXPECT_EQ(resource_version_of(*played.informer.get({"data", "shop"})), "11");
  EXPECT_EQ(played.informer.get({"data", "crm"}), nullptr);
}

TEST(InformerTest, GoesOnFromTheVersionOfABookmark) {
  Played played({ObjectList{{}, "1"}, WatchScript{{event(Bookmark, pipe("", 50))}}});
  EXPECT_THAT(played.source.calls(), ElementsAre("list 0", "watch 1", "watch 50"));
  EXPECT_THAT(played.told, ElementsAre());
}

TEST(InformerTest, ListsAnewAfter410AndTellsWhatIsGone) {
  Played played({ObjectList{{pipe("crm", 1), pipe("shop", 2)}, "2"},
                 WatchScript{{event(Modified, pipe("shop", 3))}, {transient(kExpired)}},
                 ObjectList{{pipe("erp", 90), pipe("shop", 91)}, "95"}});
  EXPECT_THAT(played.source.calls(), ElementsAre("list 0", "watch 2", "list ", "watch 95"));
  EXPECT_THAT(played.told, ElementsAre("+crm", "+shop", "~shop 2>3", "-crm", "+erp", "~shop 3>91"));
  EXPECT_THAT(played.names(), ElementsAre("erp", "shop"));
}

TEST(InformerTest, IsSilentAboutWhatANewListDidNotChange) {
  Played played({ObjectList{{pipe("shop", 2)}, "2"}, WatchScript{{}, {transient(kExpired)}},
                 ObjectList{{pipe("shop", 2)}, "9"}});
  EXPECT_THAT(played.told, ElementsAre("+shop"));
}

TEST(InformerTest, WatchesAgainFromTheLastVersionAfterABreak) {
  Played played({ObjectList{{}, "1"},
                 WatchScript{{event(Added, pipe("shop", 4))}, {transient("ConnectionLost")}},
                 WatchScript{{}, {transient("TooManyRequests"), 3ms}}});
  EXPECT_THAT(played.source.calls(), ElementsAre("list 0", "watch 1", "watch 4", "watch 4"));
  EXPECT_THAT(played.names(), ElementsAre("shop"));
}

TEST(InformerTest, ListsAnewAfterAnAnswerThatMakesNoSense) {
  Played played({ObjectList{{}, "1"}, WatchScript{{}, {Error{ErrorKind::BadData, "WatchCorrupt", "x", ""}}},
                 ObjectList{{}, "6"}});
  EXPECT_THAT(played.source.calls(), ElementsAre("list 0", "watch 1", "list 1", "watch 6"));
}

TEST(InformerTest, AsksForTheLatestWhenTheVersionItKnowsIsRefused) {
  Played played({ObjectList{{}, "8"}, WatchScript{{}, {Error{ErrorKind::NeedsUser, "Forbidden", "x", ""}}},
                 fail(transient("Timeout")), ObjectList{{}, "3"}});
  EXPECT_THAT(played.source.calls(), ElementsAre("list 0", "watch 8", "list 8", "list ", "watch 3"));
}

TEST(InformerTest, KeepsTryingUntilAListSucceedsAndSaysWhyItIsNotSynced) {
  Played failing({fail(transient("ApiServerUnreachable")),
                  fail(ErrorKind::NeedsUser, "NotFound", "the CRD is not installed"), WatchScript{}});
  EXPECT_FALSE(failing.informer.synced());
  EXPECT_FALSE(failing.informer.wait_until_synced(1ms));
  ASSERT_TRUE(failing.informer.list_error());
  EXPECT_EQ(failing.informer.list_error()->reason, "NotFound");

  Played cured({fail(transient("ApiServerUnreachable")), ObjectList{{}, "1"}});
  EXPECT_TRUE(cured.informer.wait_until_synced(10s));
  EXPECT_FALSE(cured.informer.list_error());
}

TEST(InformerTest, PassesOverTheDeletionOfWhatItNeverSaw) {
  Played played({ObjectList{{}, "1"}, WatchScript{{event(Deleted, pipe("crm", 2))}}});
  EXPECT_THAT(played.told, ElementsAre());
}

TEST(InformerTest, TellsAddedForAnObjectThatIsRecreatedWithinTheWatch) {
  Played played(
      {ObjectList{{pipe("shop", 1, "old")}, "1"},
       WatchScript{{event(Deleted, pipe("shop", 2, "old")), event(Added, pipe("shop", 3, "new"))}}});
  EXPECT_THAT(played.told, ElementsAre("+shop", "-shop", "+shop"));
  EXPECT_EQ(uid_of(*played.informer.get({"data", "shop"})), "new");
}

TEST(InformerTest, StopsWithinASecondWhileItWaitsAfterAFailure) {
  ScriptedSource source({fail(transient("ApiServerUnreachable"))});
  Informer informer("pipes", source, {60s, 60s, 120s});
  EXPECT_TRUE(informer.start());
  ASSERT_TRUE(eventually([&] { return informer.list_error().has_value(); }));
  const auto begun = steady_now();
  informer.stop();
  EXPECT_LT(steady_now() - begun, 1s);
}

TEST(InformerTest, MayBeReadWhileItIsFed) {
  std::deque<std::variant<ListScript, WatchScript>> script{ObjectList{{}, "1"}};
  for (int round = 0; round < 50; ++round) {
    WatchScript watch;
    for (int i = 0; i < 20; ++i) {
      watch.events.push_back(event(Modified, pipe("p" + std::to_string(i), round * 20 + i + 2)));
    }
    script.emplace_back(std::move(watch));
  }
  ScriptedSource source(std::move(script));
  Informer informer("pipes", source, {1ms, 1ms, 120s});
  EXPECT_TRUE(informer.start());
  std::set<std::string> seen;
  while (informer.get({"data", "p19"}) == nullptr ||
         resource_version_of(*informer.get({"data", "p19"})) != "1001") {
    for (const auto& object : informer.list())
      seen.insert(key_of(*object).name);
  }
  EXPECT_EQ(informer.list().size(), 20U);
}

TEST(RetryPacerTest, DoublesToTheLimitAndTakesARandomPart) {
  RetryPacer pacer({800ms, 30s, 120s});
  const SteadyTime now{std::chrono::hours(1)};
  EXPECT_EQ(pacer.next(now, 1.0), 800ms);
  EXPECT_EQ(pacer.next(now, 0.5), 800ms);
  EXPECT_EQ(pacer.next(now, 1.0), 3200ms);
  for (int i = 0; i < 40; ++i)
    (void)pacer.next(now, 1.0);
  EXPECT_EQ(pacer.next(now, 1.0), 30s);
}

TEST(RetryPacerTest, StartsAnewAfterTwoMinutesOfHealth) {
  RetryPacer pacer({800ms, 30s, 120s});
  const SteadyTime now{std::chrono::hours(1)};
  for (int i = 0; i < 10; ++i)
    (void)pacer.next(now, 1.0);
  EXPECT_EQ(pacer.next(now + 119s, 1.0), 30s);
  EXPECT_EQ(pacer.next(now + 119s + 121s, 1.0), 800ms);
}

}  // namespace
}  // namespace penstock::runtime
