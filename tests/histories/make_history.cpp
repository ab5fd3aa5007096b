#include <fmt/format.h>

#include <set>

#include "tests/histories/model.hpp"

namespace penstock::histories {
namespace {

constexpr int kSessions = 4;

/// What the sessions have open, as far as who makes the history knows.
class Sessions {
 public:
  Sessions(Dice& dice, World& world, std::vector<Line>& out) : dice_(dice), world_(world), out_(out) {}

  void step() {
    const int session = dice_.number(1, kSessions);
    const bool open = open_.contains(session);
    const int kind = dice_.number(1, 100);
    if (open && kind <= 25) return end(session);
    if (!open && kind <= 15) {
      open_.insert(session);
      return say(session, "BEGIN");
    }
    if (open && kind <= 32) return say(session, "SAVEPOINT s");
    if (open && kind <= 38) return say(session, "ROLLBACK TO s");
    if (kind <= 80 || open) return say(session, change_rows(dice_, world_));
    change_definitions(session);
  }
  void end_all() {
    for (int session = 1; session <= kSessions; ++session)
      if (open_.contains(session)) end(session);
  }

 private:
  void say(int session, const std::string& sql) { out_.push_back({Line::Kind::Session, session, sql}); }
  void end(int session) {
    open_.erase(session);
    if (!dice_.chance(8)) return say(session, dice_.chance(80) ? "COMMIT" : "ROLLBACK");
    const auto name = world_.fresh("p");
    say(session, fmt::format("PREPARE TRANSACTION '{}'", name));
    say(session, fmt::format("{} PREPARED '{}'", dice_.chance(70) ? "COMMIT" : "ROLLBACK", name));
  }
  void change_definitions(int session) {
    auto& table = dice_.one_of(world_.tables);
    const int kind = dice_.number(1, 10);
    for (const auto& sql : kind <= 5   ? change_columns(dice_, world_, table)
                           : kind <= 8 ? change_table(dice_, world_, table)
                                       : change_publication(dice_, world_, table))
      say(session, sql);
  }

  Dice& dice_;
  World& world_;
  std::vector<Line>& out_;
  std::set<int> open_;
};

/// To the pipe; while it is paused, most often the way back.
void change_pipe(Dice& dice, const World& world, bool& paused, std::vector<Line>& out) {
  const auto act = [&](const std::string& what) { out.push_back({Line::Kind::Do, 0, what}); };
  const auto& table = dice.one_of(world.tables).source;
  const int kind = dice.number(1, 10);
  if (paused || kind <= 5) {
    paused = !paused;
    return act(paused ? "pause" : "resume");
  }
  if (kind <= 7) return act("resync " + table);
  if (kind == 8) return act("resync");
  if (kind == 9) return act("remove " + table);
  act("add " + table);
}

}  // namespace

History make_history(std::uint64_t seed) {
  Dice dice(seed);
  World world;
  History out{"seed-" + std::to_string(seed), {}};
  make_schema(dice, world, out.lines);
  Sessions sessions(dice, world, out.lines);
  bool paused = false;
  for (int part = dice.number(2, 3); part > 0; --part) {
    for (int left = dice.number(10, 35); left > 0; --left) {
      if (dice.chance(7))
        change_pipe(dice, world, paused, out.lines);
      else
        sessions.step();
    }
    sessions.end_all();
    if (paused) out.lines.push_back({Line::Kind::Do, 0, "resume"});
    paused = false;
    out.lines.push_back({Line::Kind::Do, 0, "quiet"});
  }
  return out;
}

}  // namespace penstock::histories
