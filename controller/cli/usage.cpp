#include "controller/cli/usage.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>
#include <numeric>

namespace penstock::cli {
namespace {

std::string help_of(const CLI::App& app, const std::string& before = "") {
  return app.get_formatter()->make_help(&app, before.empty() ? app.get_name() : before,
                                        CLI::AppFormatMode::Normal);
}

/// How many characters must be put in, taken out or replaced to make one of the other (Levenshtein).
std::size_t distance(std::string_view from, std::string_view to) {
  std::vector<std::size_t> row(to.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < from.size(); ++i) {
    std::size_t diagonal = row[0]++;
    for (std::size_t j = 0; j < to.size(); ++j) {
      const auto replaced = diagonal + (from[i] == to[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({row[j] + 1, row[j + 1] + 1, replaced});
    }
  }
  return row.back();
}

std::vector<std::string> subcommand_names(const CLI::App& app) {
  std::vector<std::string> out;
  for (const auto* one : app.get_subcommands([](const CLI::App*) { return true; }))
    out.push_back(one->get_name());
  return out;
}

/// "--data-dir" of every flag that help shows.
std::vector<std::string> flag_names(const CLI::App& app) {
  std::vector<std::string> out;
  for (const auto* option : app.get_options([](const CLI::Option* one) { return !one->get_group().empty(); }))
    for (const auto& name : option->get_lnames())
      out.push_back("--" + name);
  return out;
}

struct Unknown {
  std::string what;
  std::string meant;  ///< empty: no guess
};

/// The first argument that nobody takes; `command` is the subcommand, null without one.
Unknown describe_unknown(const CLI::App& app, const CLI::App* command, const std::string& argument) {
  if (!argument.starts_with('-')) {
    if (command != nullptr) return {fmt::format("unexpected argument \"{}\"", argument), ""};
    return {fmt::format("unknown command \"{}\"", argument), nearest(argument, subcommand_names(app))};
  }
  const auto flag = argument.substr(0, argument.find('='));
  auto flags = flag_names(app);
  if (command != nullptr) {
    const auto own = flag_names(*command);
    flags.insert(flags.begin(), own.begin(), own.end());
  }
  return {fmt::format("unknown flag {}", flag), nearest(flag, flags)};
}

int refuse(const CLI::App& app, const CLI::ParseError& error) {
  const auto given = app.get_subcommands();
  const auto* command = given.empty() ? nullptr : given.front();
  const auto name = command ? "penstock " + command->get_name() : std::string("penstock");
  const auto unknown = app.remaining(true);
  Unknown wrong{error.what(), ""};
  // Before what is missing: that may be what was misspelt.
  if (!unknown.empty()) wrong = describe_unknown(app, command, unknown.front());
  fmt::print(stderr, "{}: {}\n", name, wrong.what);
  if (!wrong.meant.empty()) fmt::print(stderr, "Did you mean {}?\n", wrong.meant);
  fmt::print(stderr, "See `{} --help`.\n", name);
  return kUsageError;
}

}  // namespace

std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
  const auto plain = word.substr(std::min(word.find_first_not_of('-'), word.size()));
  std::string best;
  std::size_t fewest = word.size() < 6 ? 2 : 3;  // slips, one less than that
  for (const auto& candidate : candidates)
    if (const auto slips = distance(word, candidate); slips < fewest + (best.empty() ? 1 : 0)) {
      best = candidate;
      fewest = slips;
    }
  const bool one_slip = !best.empty() && fewest <= 1;
  if (one_slip || plain.size() < 3) return best;
  // A part of a name is meant more often than another name with several slips.
  const auto holds = std::find_if(candidates.begin(), candidates.end(),
                                  [&](const auto& one) { return one.find(plain) != std::string::npos; });
  return holds == candidates.end() ? best : *holds;
}

void add_help_command(CLI::App& app) {
  auto topic = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand("help", "Show what a subcommand does, with its flags and examples");
  command->add_option("subcommand", *topic, "One of those that `penstock help` lists")
      ->type_name("")
      ->check([&app](const std::string& name) -> std::string {
        const auto names = subcommand_names(app);
        if (std::find(names.begin(), names.end(), name) != names.end()) return "";
        const auto meant = nearest(name, names);
        return fmt::format("unknown command \"{}\"{}", name,
                           meant.empty() ? "" : fmt::format("; did you mean {}?", meant));
      });
  command->footer("Examples:\n  penstock help\n  penstock help dev");
  command->callback([&app, topic] {
    const auto text =
        topic->empty() ? help_of(app) : help_of(*app.get_subcommand(*topic), "penstock " + *topic);
    std::fputs(text.c_str(), stdout);
  });
}

int end_with(const CLI::App& app, const CLI::ParseError& error) {
  if (error.get_exit_code() == 0 || error.get_name() == "RuntimeError") return app.exit(error);
  const bool bare = app.get_subcommands().empty() && app.remaining(true).empty();
  if (bare && error.get_name() == "RequiredError") {
    fmt::print(stderr, "penstock: a subcommand is needed\n\n{}", help_of(app));
    return kUsageError;
  }
  return refuse(app, error);
}

}  // namespace penstock::cli
