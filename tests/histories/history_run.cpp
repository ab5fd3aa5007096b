#include "tests/histories/history_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <utility>

#include "tests/histories/one_history.hpp"
#include "tests/support/sanitizer.hpp"
#include "tests/support/status_oracle.hpp"

namespace penstock::histories {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;
using test::kPatience;
using Clock = std::chrono::steady_clock;

/// What is not equal is named within this time.
constexpr auto kPromised = 32s;

std::atomic<int> runs{0};

std::string state_of(const json& pipe) {
  return pipe.is_object() ? pipe.value("/status/state"_json_pointer, "") : "";
}

}  // namespace

OneHistory::OneHistory(const Servers& servers, const History& history)
    : servers_(servers), history_(history), name_(fmt::format("h{}", ++runs)) {}

OneHistory::~OneHistory() {
  try {
    sessions_.reset();
    session_.reset();
    servers_.board.remove(name_);
    (void)servers_.board.wait_until_gone(name_, 20s);
    servers_.postgres.exec("DROP DATABASE IF EXISTS " + name_ + " WITH (FORCE)");
    servers_.engine.query("DROP DATABASE IF EXISTS " + name_ + " SYNC");
  } catch (const std::exception&) {  // a server is down: what is left is gone with it
  }
}

Outcome run_history(const Servers& servers, const History& history) {
  OneHistory one(servers, history);
  return one.run();
}

Outcome OneHistory::run() {
  outcome_.pipe = name_;
  try {
    prepare_patiently();
    outcome_.wrong = start();
    if (!outcome_.wrong.empty() || !outcome_.began) return outcome_;
    for (const auto& line : history_.lines)
      if (outcome_.wrong = step(line); !outcome_.wrong.empty()) return outcome_;
    outcome_.wrong = quiet();
    if (outcome_.wrong.empty()) outcome_.wrong = end_by_resync();
  } catch (const std::exception& error) {
    outcome_.wrong = std::string("error: ") + error.what();
  }
  return outcome_;
}

void OneHistory::prepare_patiently() {
  const auto deadline = Clock::now() + 60s * kPatience;
  while (true) {
    try {
      return prepare();
    } catch (const std::exception&) {
      if (servers_.patience == 1 || Clock::now() > deadline) throw;
      session_.reset();
      sessions_.reset();
      tables_.clear();
      std::this_thread::sleep_for(300ms);
    }
  }
}

std::string OneHistory::start() {
  if (auto refused = apply(); !refused.empty()) {
    outcome_.began = false;
    outcome_.refusal = refused;
    return "";
  }
  const auto runs_or_says_why = [&](const json& pipe) {
    return test::runs_well(pipe) || std::any_of(tables_.begin(), tables_.end(), [&](const Declared& each) {
             return !test::how_named(pipe, each.table.source).empty();
           });
  };
  if (!servers_.board.wait(name_, runs_or_says_why, 60s * kPatience))
    return "does not run: " + test::status_in_words(servers_.board.pipe(name_));
  const auto pipe = servers_.board.pipe(name_);
  outcome_.began = test::runs_well(pipe);
  if (!outcome_.began) outcome_.refusal = test::status_in_words(pipe);
  return "";
}

std::string OneHistory::step(const Line& line) {
  if (line.kind == Line::Kind::Do) return line.text == "quiet" ? quiet() : act(line.text);
  if (line.kind != Line::Kind::Session) return "";
  auto sql = line.text;
  // Names of prepared transactions are the server's, which others run on too.
  if (sql.starts_with("PREPARE ") || sql.find(" PREPARED ") != std::string::npos)
    sql.insert(sql.find('\'') + 1, name_);
  const auto error = sessions_->send(line.session, sql);
  if (!error.empty()) outcome_.recorded += fmt::format("{}: {} -- {}\n", line.session, line.text, error);
  return "";
}

std::string OneHistory::act(const std::string& what) {
  if (what == "pause" || what == "resume") {
    paused_ = what == "pause";
    if (auto refused = apply(); !refused.empty()) return refused;
    return paused_ ? wait_until_paused() : "";
  }
  if (what == "resync") {
    ++generation_;
    return apply();
  }
  const auto space = what.find(' ');
  auto* table = space == std::string::npos ? nullptr : declared(what.substr(space + 1));
  return table == nullptr ? "" : act_on(what.substr(0, space), *table);
}

std::string OneHistory::act_on(const std::string& verb, Declared& table) {
  const auto in = std::count_if(tables_.begin(), tables_.end(), [](const Declared& each) { return each.in; });
  if (verb == "resync") ++table.generation;
  if (verb == "add") table.in = true;
  if (verb == "remove" && in > 1) table.in = false;
  return apply();
}

std::string OneHistory::wait_until_paused() {
  // What locks of ours hold up is not the pipe's fault: they are let go of. One that cannot be set up, and
  // says so, has nothing to pause.
  const auto done = [](const json& pipe) {
    return state_of(pipe) == "Paused" || state_of(pipe) == "Failed" ||
           (state_of(pipe) == "Setup" && test::is_stalled(pipe));
  };
  if (servers_.board.wait(name_, done, 10s * kPatience)) return "";
  sessions_->settle();
  if (servers_.board.wait(name_, done, 30s * kPatience)) return "";
  return "is not paused within 40 s: " + test::status_in_words(servers_.board.pipe(name_));
}

void OneHistory::on_session(const std::function<void(test::PostgresSession&)>& act) {
  const auto deadline = Clock::now() + 30s * kPatience;
  while (true) {
    try {
      if (!session_) {
        session_ = std::make_unique<test::PostgresSession>(servers_.postgres.session(name_));
        test::print_plainly(*session_);
      }
      return act(*session_);
    } catch (const std::exception&) {
      session_.reset();
      if (Clock::now() > deadline) throw;
      std::this_thread::sleep_for(300ms);
    }
  }
}

std::string OneHistory::until_empty(std::chrono::milliseconds limit,
                                    const std::function<std::string()>& look) {
  const auto deadline = Clock::now() + limit * kPatience * servers_.patience;
  std::string found;
  do {
    (void)servers_.board.wait(
        name_, [](const json&) { return true; }, 10s);
    try {
      found = look();
    } catch (const std::exception& error) {
      found = std::string("error: ") + error.what();
      on_session([](test::PostgresSession& session) { session.exec("SELECT 1"); });
    }
    if (found.empty()) return "";
    std::this_thread::sleep_for(500ms);
  } while (Clock::now() < deadline);
  return found + "\n" + test::status_in_words(servers_.board.pipe(name_));
}

std::string OneHistory::neighbour_follows() {
  const auto row = fmt::format("INSERT INTO t_nb VALUES ({}, 'beat') ON CONFLICT DO NOTHING", ++beats_);
  on_session([&](test::PostgresSession& session) { session.exec(row); });
  const auto odd = until_empty(40s, [&]() -> std::string {
    // Named with all the others when the pipe as a whole has failed, and says so; and where a history has
    // altered the publication of all.
    const auto pipe = servers_.board.pipe(name_);
    const auto named = test::how_named(pipe, neighbour_.source);
    const bool of_all = state_of(pipe) == "Failed" || state_of(pipe) == "Setup";
    if (!named.empty() && (of_all || named.find("publication") != std::string::npos)) return "";
    const auto difference = test::table_difference(*session_, servers_.engine, name_, neighbour_);
    return difference.empty() && !named.empty() ? "it is named: " + named : difference;
  });
  return odd.empty() ? "" : "the neighbour stands still: " + odd;
}

std::string OneHistory::odd_tables(bool strict) {
  const auto pipe = servers_.board.pipe(name_);
  std::string out;
  for (const auto& each : tables_) {
    if (!each.in) continue;
    const auto named = test::how_named(pipe, each.table.source);
    if (!named.empty() && !strict) continue;
    const auto difference = test::table_difference(*session_, servers_.engine, name_, each.table);
    if (!difference.empty()) out += difference + "\n";
    if (strict && !named.empty()) out += "named: " + named + "\n";
  }
  if (strict && !test::runs_well(pipe)) out += "does not run well: ";
  return out;
}

std::string OneHistory::quiet() {
  sessions_->settle();
  if (paused_) return "";
  if (auto still = neighbour_follows(); !still.empty()) return still;
  const auto begun = Clock::now();
  if (const auto odd = until_empty(2min, [&] { return odd_tables(false); }); !odd.empty())
    return "SILENT: " + odd;
  const auto pipe = servers_.board.pipe(name_);
  for (const auto& each : tables_)
    if (each.in) ++(test::how_named(pipe, each.table.source).empty() ? outcome_.equal : outcome_.named);
  const auto took = std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - begun);
  if (took > kPromised * kPatience * servers_.patience)
    return fmt::format("LATE: equal or named only after {} s", took.count());
  // A RENAME that failed lets a statement that was to follow it write the value elsewhere.
  on_session([&](test::PostgresSession& session) {
    for (const auto& each : tables_)
      secrets_ = secrets_ && !test::holds_in_the_open(session, each.table, "SECRET");
  });
  if (!secrets_) return "";
  const auto held = until_empty(10s, [&] { return test::where_held(servers_.engine, name_, "SECRET"); });
  return held.empty() ? "" : "an excluded column's value is held in " + held;
}

std::string OneHistory::end_by_resync() {
  put_right();
  paused_ = false;
  ++generation_;
  if (auto refused = apply(); !refused.empty()) return "the last manifest is refused: " + refused;
  if (auto still = neighbour_follows(); !still.empty()) return still;
  bool put_back = false;
  const auto odd = until_empty(75s, [&] {
    const auto status = test::status_in_words(servers_.board.pipe(name_));
    if (status.find("ExcludedColumnInDoubt") != std::string::npos && !std::exchange(put_back, true))
      put_back_what_is_in_doubt();
    return odd_tables(true);
  });
  return odd.empty() ? "" : "NOT EQUAL after a resync: " + odd;
}

void OneHistory::put_back_what_is_in_doubt() {
  std::vector<Declared*> taken_out;
  for (auto& each : tables_)
    if (each.in && !each.table.excluded.empty()) taken_out.push_back(&each);
  const auto set = [&](bool in) {
    for (auto* each : taken_out)
      each->in = in;
    (void)apply();
  };
  set(false);
  const auto are_out = [&](const json& pipe) {
    const auto tables = pipe.value("/status/tables"_json_pointer, json::array());
    return std::none_of(tables.begin(), tables.end(), [&](const json& table) {
      return std::any_of(taken_out.begin(), taken_out.end(), [&](const Declared* each) {
        return each->table.source == table.value("source", "");
      });
    });
  };
  (void)servers_.board.wait(name_, are_out, 30s * kPatience);
  set(true);
}

OneHistory::Declared* OneHistory::declared(const std::string& source) {
  for (auto& each : tables_)
    if (each.table.source == source) return &each;
  return nullptr;
}

}  // namespace penstock::histories
