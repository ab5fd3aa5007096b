#include "tests/unit/reconcilers/simulation/strike.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <cstdlib>

#include <algorithm>
#include <cstdio>
#include <random>

#include "tests/support/sanitizer.hpp"

namespace penstock::reconcile::simulation {
namespace {

constexpr Fault kFaults[] = {Fault::DieBefore,  Fault::DieAfter,   Fault::AnswerLost, Fault::Fails,
                             Fault::StaleView,  Fault::StaleStart, Fault::Conflict,   Fault::ClockBack,
                             Fault::ClockAhead, Fault::WishNow};
/// A sanitizer looks at the same code in one run of many: it need not see them all.
constexpr std::size_t kStride = test::kSanitized ? 25 : 1;
/// Full reports, of a scenario that goes wrong in many places.
constexpr int kMostReports = 3;

std::string both_ends_of(const std::vector<std::string>& trace) {
  constexpr std::ptrdiff_t kMost = 120;
  const auto size = static_cast<std::ptrdiff_t>(trace.size());
  const auto to = trace.begin() + std::min(size, kMost);
  const auto from = trace.end() - std::min(size - (to - trace.begin()), kMost);
  return fmt::format("{}\n  …\n  {}", fmt::join(trace.begin(), to, "\n  "),
                     fmt::join(from, trace.end(), "\n  "));
}

/// True where a fault cannot change anything.
bool is_idle(const Scenario& scenario, Fault fault, const std::string& point) {
  if (fault == Fault::Conflict)
    return point.find("write status") == std::string::npos && point.find("finalizer") == std::string::npos;
  if (fault == Fault::WishNow) return scenario.wishes.empty();
  return false;
}

void report(const Scenario& scenario, const FaultPlan& plan, const std::string& wanted, Tally& tally) {
  ++tally.failures;
  if (tally.failures > kMostReports && tally.told == scenario.name) return;
  tally.told = scenario.name;
  const auto again = Play(scenario, plan, true).run();
  std::string what;
  for (const auto& [number, fault] : plan)
    what += fmt::format("; {} effect {}", to_text(fault), number);
  ADD_FAILURE() << scenario.name << what << "\n " << again.problem << "\n wanted: " << wanted
                << "\n ended:  " << again.end << "\n  " << both_ends_of(again.trace);
}

}  // namespace

void Tally::print(const std::string& name) const {
  std::string passed;
  for (const auto state : states)
    passed += std::string(" ") + to_text(state);
  fmt::print("{}: {} scenarios, {} points, {} runs, {} failures; states:{}\n", name, scenarios, points, runs,
             failures, passed);
  std::fflush(stdout);
}

Undisturbed undisturbed(const Scenario& scenario, Tally& tally) {
  ++tally.scenarios;
  ++tally.runs;
  const auto outcome = Play(scenario, {}, true).run();
  tally.states.insert(outcome.states.begin(), outcome.states.end());
  if (!outcome.problem.empty()) {
    ++tally.failures;
    ADD_FAILURE() << scenario.name << ", undisturbed\n " << outcome.problem << "\n " << outcome.end << "\n  "
                  << both_ends_of(outcome.trace);
  }
  Undisturbed out{outcome.end, {}};
  for (const auto& line : outcome.trace)
    if (!line.starts_with("--")) out.points.push_back(line);
  tally.points += static_cast<int>(out.points.size());
  return out;
}

void expect_same_end(const Scenario& scenario, const FaultPlan& plan, const std::string& wanted,
                     Tally& tally) {
  ++tally.runs;
  const auto outcome = Play(scenario, plan).run();
  const bool is_another_story = std::any_of(
      plan.begin(), plan.end(), [](const auto& strike) { return strike.second == Fault::WishNow; });
  const bool told = scenario.end_is_told && !is_another_story;
  if (!outcome.problem.empty() || (told && outcome.end != wanted)) report(scenario, plan, wanted, tally);
}

void strike_everywhere(const Scenario& scenario, Tally& tally) {
  const auto [end, points] = undisturbed(scenario, tally);
  for (std::size_t at = 0; at < points.size(); at += kStride)
    for (const auto fault : kFaults)
      if (!is_idle(scenario, fault, points[at]))
        expect_same_end(scenario, {{static_cast<int>(at), fault}}, end, tally);
}

void strike_twice(const Scenario& scenario, Tally& tally) {
  const auto [end, points] = undisturbed(scenario, tally);
  // What is done again after the first death makes the run longer.
  const int most = static_cast<int>(points.size()) + 8;
  const int stride = static_cast<int>(kStride);
  const int of_the_second = stride * (std::getenv("PENSTOCK_NIGHTLY") != nullptr ? 1 : 2);
  for (int first = 0; first < most; first += stride)
    for (int second = first + 1; second < most; second += of_the_second)
      expect_same_end(scenario, {{first, Fault::DieBefore}, {second, Fault::DieBefore}}, end, tally);
}

void strike_at_random(const std::vector<Scenario>& scenarios, unsigned seed, int times, Tally& tally) {
  std::vector<Undisturbed> calm;
  for (const auto& scenario : scenarios)
    calm.push_back(undisturbed(scenario, tally));
  std::minstd_rand dice(seed);
  const auto roll = [&](std::size_t sides) { return static_cast<std::size_t>(dice()) % sides; };
  for (int run = 0; run < times; run += static_cast<int>(kStride)) {
    const auto at = roll(scenarios.size());
    FaultPlan plan;
    for (std::size_t left = 2 + roll(3); left > 0; --left)
      plan.emplace(static_cast<int>(roll(calm[at].points.size() + 20)), kFaults[roll(std::size(kFaults))]);
    expect_same_end(scenarios[at], plan, calm[at].end, tally);
  }
}

}  // namespace penstock::reconcile::simulation
