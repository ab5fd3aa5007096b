#pragma once

// Whose a target is. The mark in its comment decides (Mark, target.hpp), and these are the ways in which a
// pipe's mark comes to a target, so that of two pipes one alone has it: the table is created with the mark,
// which only one CREATE can do; or the pipe holds `<target>_resync` under its mark, which again only one
// CREATE can give it, and while it does, exchanges the two or writes its mark into the target's comment. Who
// holds it looks at the target again before it changes anything. docs/adr/0015.

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/result.hpp"
#include "dataplane/clickhouse/client.hpp"
#include "dataplane/clickhouse/target.hpp"

namespace penstock::clickhouse {

/// Another Pipe that is known to exist.
struct OtherPipe {
  std::string uid;
  std::string name;               ///< "namespace/name"
  std::set<std::string> targets;  ///< that its spec or status names, whatever its destination
  bool operator==(const OtherPipe&) const = default;
};

/// What a pipe may do about marks of others.
struct TakeOver {
  bool allowed = false;  ///< to take targets of Pipes that are not among `others`
  std::vector<OtherPipe> others{};
};

enum class Standing {
  Unmarked,  ///< nobody's: a user made it
  Ours,
  GivenBack,  ///< its pipe has let go of it, be it ours
  Forsaken,   ///< its pipe is not known to exist, or names it no more, and taking over is allowed
  Others,     ///< another pipe's
};
[[nodiscard]] Standing standing_of(const std::optional<Mark>& mark, const std::string& uid,
                                   const std::string& target, const TakeOver& take_over);

/// Whether a pipe of this uid may drop the table when it is not needed: not what a user made.
[[nodiscard]] bool may_drop(const std::optional<Mark>& mark, Standing standing);

/// The table as read_target() gives it, but for keys and columns: one look.
[[nodiscard]] Result<std::optional<TargetTable>> read_mark(Client& client, const std::string& table);

/// TargetNotOurs (NeedsUser) of a table with another's mark, which is the target or its `_resync`: says whose
/// it is by namespace and name, and what helps.
[[nodiscard]] Error not_ours(const TargetTable& present, const std::string& target,
                             const TakeOver& take_over);
/// Why `present` must not become the staging table of `target` for the pipe; nullopt: it may.
[[nodiscard]] std::optional<Error> staging_fault(const TargetTable& present, const std::string& uid,
                                                 const std::string& target, const TakeOver& take_over);

/// The same of a table that a run writes to: it was this pipe's when the run began. Of kind Quarantine, for
/// not one more row of this pipe belongs there. nullopt: it is ours, or has no mark.
[[nodiscard]] std::optional<Error> taken_from_us(const std::string& database, const std::string& table,
                                                 const std::optional<Mark>& mark, const std::string& uid);
/// taken_from_us() of each of the tables that are there, in one look: their index, and the error. The first.
[[nodiscard]] Result<std::optional<std::pair<std::size_t, Error>>> find_taken(
    Client& client, const std::vector<std::string>& tables, const std::string& uid);

/// The target table that `definition` names, with its mark: made where there is none, else marked where it
/// stands, with everything in it. `to_be_loaded`: not if it holds rows. Safe to repeat. What it cannot have
/// is TargetNotOurs; what has changed since it was looked at is TargetChanged (Transient). `just_made`: who
/// calls has found it absent before; if it is ours by now, it was made since, and goes if another has the
/// claim.
[[nodiscard]] Status claim_target(Client& client, const TargetDefinition& definition,
                                  const TakeOver& take_over, bool to_be_loaded, bool just_made = false);

/// Marks the table as given back, if it is this pipe's. Safe to repeat; an absent table is done.
[[nodiscard]] Status give_back(Client& client, const std::string& uid, const std::string& table);

/// Whether a SELECT finds a row in the table.
[[nodiscard]] Result<bool> holds_rows(Client& client, const std::string& table);

}  // namespace penstock::clickhouse
