// Histories: sources that are changed in every way, by several sessions at once, while a pipe follows them.
// docs/histories.md says how to run and replay them.

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "tests/histories/history_run.hpp"
#include "tests/histories/shrink.hpp"

namespace penstock::histories {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

volatile std::sig_atomic_t interrupted = 0;

struct Options {
  std::uint64_t first = 1, last = 0;  ///< seeds
  std::vector<std::string> replays;   ///< files
  std::size_t at_once = 8;
  std::chrono::seconds limit{24 * 3600};  ///< no history begins after it
  std::chrono::seconds shrink_for{300};   ///< of each failing one; 0: it is shown as it is
  bool kills = false;                     ///< servers are killed meanwhile
  std::string keep;                       ///< where shrunk histories are written
  std::string progress;                   ///< a file of the histories done: they are passed over, and counted
};

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void read_seeds(const std::string& text, Options& options) {
  const auto dash = text.find('-');
  options.last = std::stoull(dash == std::string::npos ? text : text.substr(dash + 1));
  options.first = dash == std::string::npos ? 1 : std::stoull(text);
}

void add_regressions(const std::string& directory, Options& options) {
  if (!std::filesystem::exists(directory)) return;
  for (const auto& entry : std::filesystem::directory_iterator(directory))
    if (entry.path().extension() == ".txt") options.replays.push_back(entry.path());
  std::sort(options.replays.begin(), options.replays.end());
}

Options options_of(const std::vector<std::string>& arguments) {
  Options out;
  for (std::size_t at = 0; at < arguments.size(); ++at) {
    const auto& name = arguments[at];
    if (name == "--kills") {
      out.kills = true;
      continue;
    }
    if (at + 1 == arguments.size())
      throw std::runtime_error(name + ": no such option, or its value is missing");
    const auto& value = arguments[++at];
    if (name == "--seeds")
      read_seeds(value, out);
    else if (name == "--replay")
      out.replays.push_back(value);
    else if (name == "--regressions")
      add_regressions(value, out);
    else if (name == "--at-once")
      out.at_once = std::stoul(value);
    else if (name == "--limit")
      out.limit = std::chrono::seconds(std::stol(value));
    else if (name == "--shrink")
      out.shrink_for = std::chrono::seconds(std::stol(value));
    else if (name == "--keep")
      out.keep = value;
    else if (name == "--progress")
      out.progress = value;
    else
      throw std::runtime_error(name + ": no such option");
  }
  return out;
}

/// Calls `work` with the numbers below `count`, several at once.
void in_threads(std::size_t threads, std::size_t count, const std::function<void(std::size_t)>& work) {
  std::atomic<std::size_t> next{0};
  std::vector<std::thread> all;
  for (std::size_t thread = 0; thread < std::min(threads, count); ++thread)
    all.emplace_back([&] {
      for (std::size_t at = next++; at < count; at = next++)
        work(at);
    });
  for (auto& each : all)
    each.join();
}

class Program {
 public:
  explicit Program(Options options)
      : options_(std::move(options)),
        postgres_({.settings = {{"autovacuum", "off"},
                                {"max_replication_slots", "100"},
                                {"max_wal_senders", "100"},
                                {"max_prepared_transactions", "50"},
                                {"max_connections", "400"}}}),
        board_(std::make_unique<test::PipeBoard>(dev_)) {}

  /// The number of histories that differ.
  int run() {
    std::vector<History> all;
    for (const auto& path : options_.replays)
      all.push_back(from_text(std::filesystem::path(path).stem(), read_file(path)));
    read_progress();
    for (auto seed = options_.first; seed <= options_.last; ++seed)
      if (const auto name = "seed-" + std::to_string(seed); !before_.contains(name))
        all.push_back({name, {}});
    std::atomic<bool> over{false};
    std::thread histories([&] {
      in_threads(options_.at_once, all.size(), [&](std::size_t at) { follow(all[at]); });
      over.store(true);
    });
    kill_servers_until(over);
    histories.join();
    say(fmt::format(
        "{} histories in {:.0f} s, {} not begun, {} differ; at quiet moments {} tables were equal, {} named",
        done_, seconds(), refused_, failed_.size(), equal_, named_));
    if (!before_.empty())
      say(fmt::format("with those of before: {} histories, {} differ",
                      before_.size() + static_cast<std::size_t>(done_), failed_before_ + failed_.size()));
    if (options_.shrink_for > 0s)
      for (const auto& failing : failed_)
        if (interrupted == 0) show_shrunk(failing);
    if (tried_nothing(all.size())) return 1;
    return static_cast<int>(failed_.size());
  }

 private:
  struct Failing {
    History history;
    std::string wrong;
  };

  /// A pipe that refuses every table, or names each, differs from none.
  [[nodiscard]] bool tried_nothing(std::size_t wanted) const {
    constexpr int kEnough = 20;
    const bool begun_none = wanted > 0 && done_ == refused_ && interrupted == 0;
    const bool little = done_ >= kEnough && (refused_ * 2 > done_ || named_ > 3 * equal_);
    if (begun_none || little) say("too little was tried for that to say anything");
    return begun_none || little;
  }

  /// A line for each: "seed-7 ok", "seed-8 not-begun", "seed-9 differs".
  void read_progress() {
    std::ifstream file(options_.progress);
    for (std::string name, how; file >> name >> how;) {
      before_.insert(name);
      if (how == "differs") ++failed_before_;
    }
  }
  void note_progress(const std::string& name, const Outcome& outcome) const {
    if (options_.progress.empty()) return;
    std::ofstream(options_.progress, std::ios::app) << name
                                                    << (!outcome.began          ? " not-begun"
                                                        : outcome.wrong.empty() ? " ok"
                                                                                : " differs")
                                                    << std::endl;
  }

  [[nodiscard]] double seconds() const {
    return std::chrono::duration<double>(Clock::now() - begun_).count();
  }
  static void say(const std::string& line) { std::cout << line << std::endl; }

  /// By the main thread: a server dies with the thread that started it.
  void kill_servers_until(const std::atomic<bool>& over) {
    std::mt19937_64 random(options_.first);
    auto next = Clock::now() + 10s;
    while (!over.load()) {
      std::this_thread::sleep_for(100ms);
      if (!options_.kills || Clock::now() < next) continue;
      switch (random() % 6) {
        case 0:
        case 1:
          dev_.kill9();
          dev_.start();
          break;
        case 2:
          test::shared_engine().kill9();
          test::shared_engine().start();
          break;
        case 3:
          stall({test::shared_engine().pid()}, random);
          break;
        case 4:
          stall(walsenders(), random);
          break;
        default:
          random() % 2 == 0 ? postgres_.restart() : (postgres_.kill9(), postgres_.start());
      }
      next = Clock::now() + std::chrono::milliseconds(5000 + random() % 10000);
    }
  }

  /// They stand still for a while, as a server does whose disk hangs: nothing is closed.
  static void stall(const std::vector<pid_t>& pids, std::mt19937_64& random) {
    for (const auto pid : pids)
      (void)::kill(pid, SIGSTOP);
    std::this_thread::sleep_for(std::chrono::milliseconds(2000 + random() % 8000));
    for (const auto pid : pids)
      (void)::kill(pid, SIGCONT);
  }
  [[nodiscard]] std::vector<pid_t> walsenders() const {
    std::vector<pid_t> out;
    for (const auto& row : postgres_.query("SELECT pid FROM pg_stat_replication", "postgres"))
      out.push_back(std::stoi(row[0]));
    return out;
  }

  void follow(const History& named) {
    if (interrupted != 0 || Clock::now() - begun_ > options_.limit) return;
    const auto history =
        named.lines.empty() ? make_history(std::stoull(named.name.substr(named.name.find('-') + 1))) : named;
    const auto outcome = run_history(servers_, history);
    const std::lock_guard guard(lock_);
    ++done_;
    note_progress(history.name, outcome);
    if (!outcome.began) ++refused_;
    equal_ += outcome.equal;
    named_ += outcome.named;
    if (!outcome.wrong.empty()) failed_.push_back({history, outcome.wrong});
    say(fmt::format("{}: {} ({} done, {} differ, {:.1f} a minute)", history.name,
                    !outcome.began          ? "not begun: " + outcome.refusal
                    : outcome.wrong.empty() ? "ok"
                                            : outcome.wrong,
                    done_, failed_.size(), done_ * 60 / seconds()));
    if (outcome.wrong.empty()) return;
    say(last_lines_about(outcome.pipe));
    say("statements that failed or blocked:\n" + outcome.recorded);
    if (options_.shrink_for == 0s) say(to_text(history));
  }

  /// Of what the controller logged.
  [[nodiscard]] std::string last_lines_about(const std::string& pipe) const {
    constexpr std::size_t kLines = 25;
    std::vector<std::string> lines;
    std::istringstream log(dev_.log());
    for (std::string line; std::getline(log, line);)
      if (line.find("/" + pipe + ":") != std::string::npos) lines.push_back("  log: " + line.substr(0, 300));
    std::string out;
    for (auto at = lines.size() - std::min(kLines, lines.size()); at < lines.size(); ++at)
      out += lines[at] + "\n";
    return out;
  }

  void show_shrunk(const Failing& failing) {
    const auto until = Clock::now() + options_.shrink_for;
    const auto still_fail = [&](const std::vector<History>& candidates) {
      std::vector<char> fails(candidates.size(), 0);
      in_threads(options_.at_once * 2, candidates.size(), [&](std::size_t at) {
        if (Clock::now() < until && interrupted == 0)
          fails[at] = run_history(servers_, candidates[at]).wrong.empty() ? 0 : 1;
      });
      return std::vector<bool>(fails.begin(), fails.end());
    };
    const auto shortest =
        shrink(failing.history, still_fail, [&] { return Clock::now() > until || interrupted != 0; });
    const auto outcome = run_history(servers_, shortest);
    say(fmt::format("\n# {}, shrunk from {} lines to {}: {}\n{}", shortest.name, failing.history.lines.size(),
                    shortest.lines.size(),
                    outcome.wrong.empty() ? "not every time: " + failing.wrong : outcome.wrong,
                    to_text(shortest)));
    if (!options_.keep.empty())
      std::ofstream(options_.keep + "/" + shortest.name + ".txt") << to_text(shortest);
  }

  const Options options_;
  const Clock::time_point begun_ = Clock::now();
  test::PostgresServer postgres_;
  test::DevServer dev_;
  std::unique_ptr<test::PipeBoard> board_;
  const Servers servers_{postgres_, test::shared_engine(), *board_, options_.kills ? 3 : 1};
  std::mutex lock_;
  int done_ = 0;
  int refused_ = 0;
  int equal_ = 0, named_ = 0;     // Outcome's, in sum
  std::set<std::string> before_;  ///< done in runs of before
  std::size_t failed_before_ = 0;
  std::vector<Failing> failed_;
};

}  // namespace
}  // namespace penstock::histories

int main(int count, char** arguments) {
  try {
    std::signal(SIGINT, [](int) { penstock::histories::interrupted = 1; });
    const auto options = penstock::histories::options_of({arguments + 1, arguments + count});
    return penstock::histories::Program(options).run() == 0 ? 0 : 1;
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 2;
  }
}
