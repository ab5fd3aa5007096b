#pragma once

// A table is made anew beside its target, under a name of its own, and takes the target's place when it is
// loaded. Every call here observes before it acts and may be repeated after a crash or a lost answer: what
// was done is told by the marks of the tables themselves.
//
// Nothing without a pipe's mark is ever dropped: a table of the user that had the target's name is put aside,
// and so is one of a pipe that is not known to have let go of it.

#include <cstdint>
#include <optional>
#include <string>

#include "core/result.hpp"
#include "dataplane/clickhouse/client.hpp"
#include "dataplane/clickhouse/owner.hpp"
#include "dataplane/clickhouse/target.hpp"

namespace penstock::clickhouse {

inline constexpr const char* kResyncSuffix = "_resync";
/// "orders": "orders_resync".
[[nodiscard]] std::string staging_name(const std::string& target);

/// Whether a server can have a table of this name, and drop it again.
[[nodiscard]] bool name_fits(const std::string& database, const std::string& table);
/// The n-th name under which a former table may be kept: "orders_before_7", "orders_before_7_2", …; of a name
/// that would be too long the end of `target` is left out.
[[nodiscard]] std::string kept_name(const std::string& database, const std::string& target, std::int64_t load,
                                    int nth);

/// The staging table of `target` whose mark says this pipe and load is to be the target.
struct SwapWish {
  std::string target;
  std::string pipe_uid;
  std::int64_t load = 0;
  TakeOver take_over{};
};

enum class SwapStep {
  Exchange,    ///< the staging table and the target change names, atomically
  Rename,      ///< there is no target: the staging table takes its name
  PutBack,     ///< exchanged, with what another pipe had come to by then: exchanged once more
  KeepFormer,  ///< exchanged; the former table is not ours and gets a name of its own
  DropFormer,  ///< exchanged; the former table is ours, or given back, and goes
  Done,
};

/// What is left to do, by what is there. SwapSourceMissing (Terminal): neither table is the one that is
/// wished for. SwapAmbiguous (Terminal): both say that they are, and nothing tells which. TargetNotOurs: the
/// target is another pipe's.
[[nodiscard]] Result<SwapStep> next_swap_step(const SwapWish& wish, const std::optional<TargetTable>& target,
                                              const std::optional<TargetTable>& staging);

/// TargetNameTooLong (NeedsUser): no table can have this name, which a resync would need.
[[nodiscard]] Status check_staging_name(const std::string& database, const std::string& staging);

/// Makes the staging table of definition.table (which is a staging name) for definition.mark. One of this
/// pipe is dropped first, also of the same load: that has not begun, and who knows what was written to it.
/// One of a pipe that is taken over is put aside.
/// ResyncTableExists (NeedsUser): a table that is not this pipe's has the name. TargetNotOurs (NeedsUser): it
/// is another pipe's, which is about to have the target. TargetNameTooLong (NeedsUser). Who has made it has
/// to look at the target again: until then another may have come by it.
/// A swap that may have begun has to be finished before: a table of the user that it exchanged has this name
/// until it is put aside.
[[nodiscard]] Status make_staging(Client& client, const TargetDefinition& definition,
                                  const TakeOver& take_over = {});

/// Drops the staging table of `target` if it carries this pipe's mark; else leaves everything as it is.
[[nodiscard]] Status drop_staging(Client& client, const std::string& pipe_uid, const std::string& target);

/// Carries over to `staging` what was deleted in the source and is a tombstone in `target`: the keys whose
/// newest row there is one and that `staging` does not hold at all, with version 0, below every loaded row,
/// and the values of that row as far as both tables have the column. Both must be ReplacingMergeTree with our
/// control columns, and `target` must have the columns of `staging`'s sorting key; else nothing is carried.
/// In doubt a key is not carried: a lost tombstone is a loss of history, a wrong one would hide a row from
/// those who read without FINAL. StatementStillRuns (Transient): an earlier call whose answer was lost is
/// not through.
[[nodiscard]] Status carry_tombstones(Client& client, const std::string& target, const std::string& staging);

/// Takes the steps until Done. Gives the name under which a former table that is not ours is kept, if this
/// call put one aside. Never exchanges twice, but between two tries whose statements overtake each other
/// before they reach the server. StatementStillRuns (Transient): see above; errors of kind InDoubt say that
/// the answer to a step was lost: call again.
[[nodiscard]] Result<std::optional<std::string>> swap_target(Client& client, const SwapWish& wish);

}  // namespace penstock::clickhouse
