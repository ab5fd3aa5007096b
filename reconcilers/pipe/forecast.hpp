#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "reconcilers/pipe/action.hpp"

namespace penstock::reconcile {

/// What the rules would do with a Pipe, were every step to succeed at once.
struct Forecast {
  enum class Effect { Load, LoadAnew, Remove };
  struct Table {
    std::string source;
    std::string target;
    Effect effect = Effect::Load;
    bool exchanged = false;           ///< loaded into `<target>_resync`, then exchanged with the target
    std::int64_t rows_estimated = 0;  ///< of the source; 0: not known
    std::vector<std::string> lost{};  ///< what the present target has, and the new one will not have
    std::string published{};          ///< SetupFacts::Table::published
    bool operator==(const Table&) const = default;
  };
  struct Refusal {
    std::vector<std::string> sources;  ///< empty: the pipe, or the resync, as a whole
    Error error;
  };
  std::vector<Table> tables;
  std::vector<Refusal> refusals;  ///< what Setup's checks find; the rest goes on without it
  std::vector<PipeState> states;  ///< in their order, the present one first
  bool resync = false;            ///< a resync of the whole pipe begins
  bool settles = false;           ///< it comes to rest
};

/// Asks source and destination what set_up() would find out, touching nothing.
using LiveLook = std::function<Result<SetupFacts>(const Pipe& pipe, const std::vector<std::string>& sources)>;

/// Goes through the rules from the Pipe as it is recorded. `look` is the only thing that is asked; without it
/// everything is taken to be well.
[[nodiscard]] Forecast forecast(const Pipe& pipe, WallTime now, const LiveLook& look = {});

}  // namespace penstock::reconcile
