#include <fmt/format.h>
#include <fmt/ranges.h>

#include "controller/adapters/pipe_plan.hpp"
#include "core/shown_text.hpp"
#include "reconcilers/pipe/tables.hpp"

namespace penstock::adapters {
namespace {

using reconcile::Forecast;

/// 1234567: "1,234,567".
std::string grouped(std::int64_t number) {
  return number < 1000 ? fmt::format("{}", number)
                       : fmt::format("{},{:03}", grouped(number / 1000), number % 1000);
}

std::string line(const char* what, const std::string& rest) {
  return fmt::format("  {:<11} {}\n", what, shown(rest));
}

std::string describe(const Forecast::Table& table, const PipeSpec& spec) {
  const auto rows = table.rows_estimated > 0 ? fmt::format("about {} rows", grouped(table.rows_estimated))
                                             : std::string("rows not known");
  const auto name = fmt::format("{} -> {}", table.source, table.target);
  switch (table.effect) {
    case Forecast::Effect::Load:
    case Forecast::Effect::LoadAnew:
      return line(table.effect == Forecast::Effect::Load ? "load" : "load anew",
                  fmt::format("{}: {}{}", name, rows,
                              table.exchanged
                                  ? fmt::format(", into {0}_resync, then exchanged with {0}", table.target)
                                  : "")) +
             (table.published.empty() ? ""
                                      : line("only", fmt::format("{}: {}", table.source, table.published))) +
             (table.lost.empty()
                  ? ""
                  : line("loses", fmt::format("{}: {}", table.target, fmt::join(table.lost, ", "))));
    case Forecast::Effect::Remove:
      return line("remove", fmt::format("{}: {}", name,
                                        spec.deletion_policy == DeletionPolicy::Delete
                                            ? "the target is dropped (deletionPolicy: Delete)"
                                            : "the target stays (deletionPolicy: Retain)"));
  }
  return "";
}

std::string describe(const Forecast::Refusal& refusal) {
  std::string whom;
  for (const auto& source : refusal.sources)
    whom += (whom.empty() ? "" : ", ") + source;
  return line("refused", fmt::format("{}{} ({})", whom.empty() ? "" : whom + ": ", refusal.error.text(),
                                     refusal.error.reason));
}

std::string states_text(const std::vector<PipeState>& states) {
  std::string out;
  for (const auto state : states)
    out += fmt::format("{}{}", out.empty() ? "" : " -> ", penstock::to_text(state));
  return out;
}

}  // namespace

std::string to_text(const PipePlan& plan) {
  const auto& [pipe, is_new, unchanged, forecast] = plan;
  auto out = fmt::format("Pipe {}/{} {}\n", pipe.ns, pipe.name,
                         is_new      ? "would be created:"
                         : unchanged ? "is as the manifest has it; as it stands:"
                                     : "would be changed:");
  if (forecast.resync)
    out += line("resync", fmt::format("to generation {}: slot and publication are made anew",
                                      pipe.spec.resync_generation));
  for (const auto& table : forecast.tables)
    out += describe(table, pipe.spec);
  for (const auto& refusal : forecast.refusals)
    out += describe(refusal);
  if (const auto waits = reconcile::what_waits_for_a_resync(pipe); !waits.empty() && !forecast.resync)
    out += line("waits", fmt::format("for a resync (raise spec.resyncGeneration): {}", waits));
  if (pipe.spec.resync_generation < pipe.status.observed_resync_generation)
    out += line("ignored", fmt::format("spec.resyncGeneration {} is below {}, which was carried out already",
                                       pipe.spec.resync_generation, pipe.status.observed_resync_generation));
  out += line("states", states_text(forecast.states));
  return out + "Nothing was changed.\n";
}

}  // namespace penstock::adapters
