#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace penstock::histories {

/// One line of a history.
struct Line {
  enum class Kind {
    Setup,    ///< SQL before the pipe is applied
    Table,    ///< of spec.tables: a name, or a flow map with a source
    Source,   ///< of spec.source.postgres, as PipeManifest has it: ", publication: p"
    Session,  ///< SQL in the session of this number; not waited for longer than a moment
    Do        ///< to the pipe: pause, resume, resync, "resync TABLE", "remove TABLE", "add TABLE", quiet
  };
  Kind kind = Kind::Session;
  int session = 0;
  std::string text{};

  bool operator==(const Line&) const = default;
};

/// What is done to a source and to a pipe over it, in order. All that happens by chance was decided when it
/// was made; only how sessions that run at once interleave is left to the machine.
struct History {
  std::string name;
  std::vector<Line> lines;

  bool operator==(const History&) const = default;
};

/// A line each: "setup …", "table …", "source …", "1: …" of a session, "do …"; "#" begins a comment.
std::string to_text(const History& history);
/// Throws std::runtime_error with the line that it does not understand.
History from_text(const std::string& name, const std::string& text);

/// The same seed makes the same history.
History make_history(std::uint64_t seed);

}  // namespace penstock::histories
