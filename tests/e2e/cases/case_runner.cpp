#include "tests/e2e/cases/case_runner.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "tests/e2e/cases/one_case.hpp"

namespace penstock::cases {
namespace {

/// An open transaction keeps every slot of the server from being made: these come when the others have ended;
/// those that keep one open for long come last.
enum class Holds { None, Briefly, Long };

Holds holds_transactions(const Case& its) {
  const auto has = [&](Step::Kind kind) {
    return std::any_of(its.steps.begin(), its.steps.end(),
                       [&](const Step& step) { return step.kind == kind; });
  };
  if (its.before_start && has(Step::Kind::Look)) return Holds::Long;
  return its.before_start || has(Step::Kind::Hold) ? Holds::Briefly : Holds::None;
}

/// As many as two cores carry without any of them waiting for its turn for long.
constexpr std::size_t kAtOnce = 20;

void in_threads(std::size_t threads, std::size_t count, const std::function<void(std::size_t)>& work) {
  std::atomic<std::size_t> next{0};
  std::vector<std::thread> all;
  for (std::size_t thread = 0; thread < std::min(threads, count); ++thread)
    all.emplace_back([&] {
      for (auto at = next++; at < count; at = next++)
        work(at);
    });
  for (auto& each : all)
    each.join();
}

}  // namespace

std::map<std::string, CaseResult> run_cases(const std::vector<Case>& cases) {
  const auto many = std::to_string(cases.size() + 20);
  test::PostgresServer postgres({.settings = {{"autovacuum", "off"},
                                              {"max_replication_slots", many},
                                              {"max_wal_senders", many},
                                              {"max_prepared_transactions", "20"},
                                              {"max_connections", std::to_string(cases.size() * 8 + 100)}}});
  test::DevServer dev;
  test::PipeBoard board(dev);
  const Servers servers{postgres, test::shared_engine(), board};
  std::vector<std::unique_ptr<OneCase>> each;
  for (const auto& its : cases)
    each.push_back(std::make_unique<OneCase>(servers, its));
  std::mutex lock;
  std::map<std::string, CaseResult> results;
  const auto finished = [&](const Case& its) {
    const std::lock_guard guard(lock);
    return results.contains(its.name);
  };
  const auto finish = [&](const Case& its, CaseResult result) {
    const std::lock_guard guard(lock);
    results[its.name] = std::move(result);
  };
  // All databases before the first slot: every walsender reads the WAL of all of them.
  in_threads(3, cases.size(), [&](std::size_t at) {
    try {
      auto lack = test::lacking(postgres, cases[at].since, cases[at].setup);
      if (!lack.empty()) return finish(cases[at], {.skipped = std::move(lack)});
      each[at]->prepare();
    } catch (const std::exception& error) {
      finish(cases[at], {.wrong = std::string("the setup fails: ") + error.what()});
    }
  });
  for (const auto holds : {Holds::None, Holds::Briefly, Holds::Long}) {
    in_threads(kAtOnce, cases.size(), [&](std::size_t at) {
      if (holds_transactions(cases[at]) == holds && !finished(cases[at]))
        finish(cases[at], {.wrong = each[at]->run()});
    });
  }
  return results;
}

}  // namespace penstock::cases
