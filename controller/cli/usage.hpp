#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
class ParseError;
}  // namespace CLI

namespace penstock::cli {

/// Of a command line that cannot be understood; a command that fails ends with 1.
inline constexpr int kUsageError = 2;

/// `penstock help` and `penstock help SUBCOMMAND`. Added last: it knows the others.
void add_help_command(CLI::App& app);

/// What the parser threw, as an exit code: what was asked for is printed; of what is wrong stderr says what,
/// where, and what may have been meant.
[[nodiscard]] int end_with(const CLI::App& app, const CLI::ParseError& error);

/// The candidate that differs from `word` by a slip or two, or that holds it; empty where none does.
[[nodiscard]] std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace penstock::cli
