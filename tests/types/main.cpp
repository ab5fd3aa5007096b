// Random tables of every type: load and stream bring the same bytes, and what the rules say of PostgreSQL's
// text. docs/types.md says how to run it.

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "core/log.hpp"
#include "tests/types/one_seed.hpp"

namespace penstock::types {
namespace {

using Clock = std::chrono::steady_clock;

volatile std::sig_atomic_t interrupted = 0;

struct Options {
  std::uint64_t first = 1, last = 20;
  std::size_t at_once = 3;
  bool verbose = false;  ///< what the dataplane logs is shown
};

void read_seeds(const std::string& text, Options& options) {
  const auto dash = text.find('-');
  options.last = std::stoull(dash == std::string::npos ? text : text.substr(dash + 1));
  options.first = dash == std::string::npos ? 1 : std::stoull(text);
}

Options options_of(const std::vector<std::string>& arguments) {
  Options out;
  if (const char* seeds = std::getenv("PENSTOCK_TYPE_SEEDS")) read_seeds(seeds, out);
  for (std::size_t at = 0; at < arguments.size(); ++at) {
    const auto& name = arguments[at];
    if (name == "--verbose") {
      out.verbose = true;
      continue;
    }
    if (at + 1 == arguments.size())
      throw std::runtime_error(name + ": no such option, or its value is missing");
    const auto& value = arguments[++at];
    if (name == "--seeds")
      read_seeds(value, out);
    else if (name == "--at-once")
      out.at_once = std::stoul(value);
    else
      throw std::runtime_error(name + ": no such option");
  }
  return out;
}

void say(const std::string& line) {
  std::cout << line << std::endl;
}

std::string prepare(test::PostgresServer& postgres, const std::vector<SourceType>& types) {
  const auto database = postgres.create_database();
  for (const auto& type : types)
    if (!type.extension.empty())
      postgres.exec("CREATE EXTENSION IF NOT EXISTS " + type.extension + " CASCADE", database);
  for (const auto& statement : type_definitions())
    postgres.exec(statement, database);
  return database;
}

class Program {
 public:
  explicit Program(Options options) : options_(options) {
    auto session = postgres_.session();
    std::vector<std::string> left_out;
    auto types = types_of(session, left_out);
    for (const auto& line : left_out)
      say("left out: " + line);
    const auto database = prepare(postgres_, types);
    servers_.database = database;
    servers_.types = std::move(types);
    servers_.version = postgres_.version() / 10000;
  }

  /// The number of seeds that differ.
  int run() {
    std::vector<std::thread> threads;
    std::atomic<std::uint64_t> next{options_.first};
    for (std::size_t thread = 0; thread < options_.at_once; ++thread)
      threads.emplace_back([&] {
        for (auto seed = next++; seed <= options_.last && interrupted == 0; seed = next++)
          try_seed(seed);
      });
    for (auto& thread : threads)
      thread.join();
    const auto seconds = std::chrono::duration<double>(Clock::now() - begun_).count();
    say(fmt::format(
        "{} seeds in {:.0f} s, {} of them streamed in binary form: {} values compared, {} refused both "
        "ways; "
        "{} columns added, {} of them said to lack their default in earlier rows; {} seeds differ",
        done_, seconds, binary_, values_, refused_, added_, added_differ_, failed_));
    return failed_;
  }

 private:
  void try_seed(std::uint64_t seed) {
    const auto outcome = OneSeed(servers_, seed).run();
    const std::lock_guard guard(lock_);
    ++done_;
    binary_ += outcome.binary ? 1 : 0;
    values_ += outcome.values;
    refused_ += outcome.refused;
    added_ += outcome.added;
    added_differ_ += outcome.added_differ;
    if (outcome.wrong.empty()) return;
    ++failed_;
    for (const auto& wrong : outcome.wrong)
      say(fmt::format("seed {}: {}", seed, wrong));
  }

  const Options options_;
  const Clock::time_point begun_ = Clock::now();
  test::PostgresServer postgres_{
      {.settings = {{"max_replication_slots", "50"}, {"max_wal_senders", "50"}, {"max_connections", "200"}}}};
  Servers servers_{postgres_, test::shared_engine(), {}, {}, 0};
  std::mutex lock_;
  int done_ = 0, binary_ = 0, failed_ = 0;
  std::size_t values_ = 0, refused_ = 0, added_ = 0, added_differ_ = 0;
};

}  // namespace
}  // namespace penstock::types

int main(int count, char** arguments) {
  try {
    std::signal(SIGINT, [](int) { penstock::types::interrupted = 1; });
    const auto options = penstock::types::options_of({arguments + 1, arguments + count});
    if (options.verbose)
      penstock::log::set_sink(
          [](auto, auto component, auto text) { std::cerr << component << ": " << text << '\n'; });
    return penstock::types::Program(options).run() == 0 ? 0 : 1;
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 2;
  }
}
