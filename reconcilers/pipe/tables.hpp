#pragma once

// How the status's tables change with the manifest: entries that are declared, set back, taken out. Pure.

#include "reconcilers/pipe/ports.hpp"

namespace penstock::reconcile {

/// "penstock_<uid>", '-' as '_': what the names of our slots and publications begin with.
[[nodiscard]] std::string own_prefix(const std::string& uid);
/// With "_<resync generation>" behind it, so that the slot itself says which generation it belongs to.
[[nodiscard]] std::string own_name(const std::string& uid, std::int64_t resync_generation);

/// Slot and publication under their names of this generation, as far as they are ours, and nothing known of
/// either.
void name_replication(PipeStatus& status, const Pipe& pipe, std::int64_t generation);

/// An entry for a table that the pipe does not know yet, as the spec has it now.
[[nodiscard]] TableStatus declared(const TableSpec& table);
/// With an entry for every table of the spec, in its order; those that were made are kept.
[[nodiscard]] PipeStatus with_declared_tables(const Pipe& pipe);
/// With entries for `sources` as they are when each is loaded from the beginning, with the spec's settings:
/// new ones declared, those that are known set back, into `_resync`; all of them yet to be made.
[[nodiscard]] PipeStatus with_tables_to_load(const Pipe& pipe, const std::vector<std::string>& sources);
/// A target that the spec gives to one table by now may still be another's, which is written to it until it
/// is itself loaded anew under its new name: the two would meet, or one's rows be missing for a while.
/// TargetInUse (NeedsUser).
[[nodiscard]] Status check_targets_are_free(const PipeStatus& before, const PipeStatus& after);
[[nodiscard]] PipeStatus without_tables(const Pipe& pipe, const std::vector<std::string>& sources);

/// The status of a resync to the spec's generation that has just begun. What writes to the tables is not gone
/// yet: they stay as they are.
[[nodiscard]] PipeStatus with_resync_begun(const Pipe& pipe, WallTime now);
/// With entries for all tables of the spec as they are when a resync loads them.
[[nodiscard]] PipeStatus with_tables_of_resync(const Pipe& pipe);
/// Targets whose `_resync` nobody will fill any more: the tables have another target now.
[[nodiscard]] std::vector<std::string> abandoned_staging(const PipeStatus& before, const PipeStatus& after);
/// Those of the status's tables that Setup has yet to make; where there are none, all: what was made may have
/// gone since. Of a pipe that loads nothing, always all: a resync goes on with the tables that there are, and
/// looks at them anew.
[[nodiscard]] std::vector<std::string> tables_to_make(const Pipe& pipe);
/// What set_up() found out about the tables. With those that were not made in time, Setup is not over.
[[nodiscard]] PipeStatus with_tables_made(PipeStatus status, const SetupFacts& facts);
/// What a look at the source found; tables that are lost are set apart.
[[nodiscard]] PipeStatus with_probe(const Pipe& pipe, const ProbeFacts& facts);
/// The tables have taken their targets' places; a resync is over with it.
[[nodiscard]] PipeStatus with_tables_swapped(const Pipe& pipe, const std::vector<SwapWish>& swapped);

/// What waits for a resync: settings of the spec, changes of the source: "public.orders: orderBy, engine";
/// empty: nothing.
[[nodiscard]] std::string what_waits_for_a_resync(const Pipe& pipe);

/// A higher generation was asked for, or its rows may differ and the spec says to reload it then.
[[nodiscard]] bool anew_is_asked_for(const TableStatus& table, const TableSpec& spec);

/// Whether what a stream finds to differ is recorded with the table: a load that has not begun sees for
/// itself.
[[nodiscard]] bool takes_differences(const Pipe& pipe, const TableStatus& table);
/// Takes up those that are not known yet.
void add_differences(TableStatus& table, const std::vector<std::string>& differences);
/// Why rows of this table may differ from the source's, in one text; empty: nothing says so.
[[nodiscard]] std::string differences_of(const TableStatus& table);
/// The same of all: "public.orders: column v was dropped, …"; empty: of none.
[[nodiscard]] std::string tables_that_differ(const PipeStatus& status);

}  // namespace penstock::reconcile
