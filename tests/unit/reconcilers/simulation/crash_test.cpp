// Every scenario, struck at every effect by every fault: it must end where it ends undisturbed.

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>

#include <cstdio>

#include "tests/unit/reconcilers/simulation/scenarios.hpp"

namespace penstock::reconcile::simulation {
namespace {

constexpr Fault kFaults[] = {Fault::DieBefore, Fault::DieAfter,  Fault::AnswerLost, Fault::Fails,
                             Fault::Conflict,  Fault::StaleView, Fault::StaleStart, Fault::WishNow};
constexpr int kMostReports = 3;

struct Count {
  int scenarios = 0, points = 0, runs = 0, failures = 0;
  std::set<PipeState> states;
  std::string told;  // the scenario that was last reported on
};

std::string tail(const std::vector<std::string>& trace) {
  constexpr std::ptrdiff_t kMost = 120;
  const auto size = static_cast<std::ptrdiff_t>(trace.size());
  const auto to = trace.begin() + std::min(size, kMost);
  const auto from = trace.end() - std::min(size - (to - trace.begin()), kMost);
  return fmt::format("{}\n  …\n  {}", fmt::join(trace.begin(), to, "\n  "),
                     fmt::join(from, trace.end(), "\n  "));
}

/// True where a fault cannot change anything.
bool is_idle(const Scenario& scenario, Fault fault, const std::string& point) {
  if (fault == Fault::Conflict) return !point.ends_with("status") && !point.ends_with("finalizer");
  if (fault == Fault::WishNow) return scenario.wishes.empty();
  return false;
}

void report(const Scenario& scenario, const FaultPlan& plan, const std::string& wanted, Count& count) {
  if (++count.failures > kMostReports && count.told == scenario.name) return;
  count.told = scenario.name;
  const auto again = Play(scenario, plan, true).run();
  std::string what;
  for (const auto& [number, fault] : plan)
    what += fmt::format("; {} effect {}", to_text(fault), number);
  ADD_FAILURE() << scenario.name << what << "\n " << again.problem << "\n wanted: " << wanted
                << "\n ended:  " << again.end << "\n  " << tail(again.trace);
}

void expect_same_end(const Scenario& scenario, const FaultPlan& plan, const std::string& wanted,
                     Count& count) {
  ++count.runs;
  const auto outcome = Play(scenario, plan).run();
  const bool is_another_story = std::any_of(
      plan.begin(), plan.end(), [](const auto& strike) { return strike.second == Fault::WishNow; });
  const bool told = scenario.end_is_told && !is_another_story;
  if (!outcome.problem.empty() || (told && outcome.end != wanted)) report(scenario, plan, wanted, count);
}

void strike_everywhere(const Scenario& scenario, Count& count) {
  ++count.scenarios;
  const auto undisturbed = Play(scenario, {}, true).run();
  ++count.runs;
  ASSERT_EQ(undisturbed.problem, "") << scenario.name << "\n"
                                     << undisturbed.end << "\n  " << tail(undisturbed.trace);
  count.states.insert(undisturbed.states.begin(), undisturbed.states.end());
  std::vector<std::string> points;
  for (const auto& line : undisturbed.trace)
    if (!line.starts_with("--")) points.push_back(line);
  count.points += static_cast<int>(points.size());
  for (std::size_t at = 0; at < points.size(); ++at)
    for (const auto fault : kFaults)
      if (!is_idle(scenario, fault, points[at]))
        expect_same_end(scenario, {{static_cast<int>(at), fault}}, undisturbed.end, count);
}

void play(const char* name, const std::vector<Scenario>& scenarios) {
  Count count;
  for (const auto& scenario : scenarios)
    strike_everywhere(scenario, count);
  std::string states;
  for (const auto state : count.states)
    states += std::string(" ") + to_text(state);
  fmt::print("{}: {} scenarios, {} points, {} runs, {} failures; states:{}\n", name, count.scenarios,
             count.points, count.runs, count.failures, states);
  std::fflush(stdout);
}

TEST(Crashes, Lifecycle) {
  play("lifecycle", lifecycle_scenarios());
}
TEST(Crashes, Tables) {
  play("tables", table_scenarios());
}
TEST(Crashes, Resyncs) {
  play("resyncs", resync_scenarios());
}
TEST(Crashes, Modes) {
  play("modes", mode_scenarios());
}
TEST(Crashes, Trouble) {
  play("trouble", trouble_scenarios());
}

}  // namespace
}  // namespace penstock::reconcile::simulation
