#include "reconcilers/pipe/tables.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "core/listing.hpp"
#include "core/utf8.hpp"

namespace penstock::reconcile {
namespace {

TableStatus* find(PipeStatus& status, const std::string& source) {
  const auto at = std::find_if(status.tables.begin(), status.tables.end(),
                               [&](const TableStatus& table) { return table.source == source; });
  return at == status.tables.end() ? nullptr : &*at;
}

/// By which the excluded columns are known, whatever their names are by now.
std::string definition_of_exclusions(const TableStatus& known) {
  return known.source_definition.empty() ? known.former_definition : known.source_definition;
}

/// As the spec has it now; what was carried out stays so, whatever the spec has fallen back to.
TableStatus declared_again(const TableStatus& known, const TableSpec& spec) {
  TableStatus out = declared(spec);
  out.observed_resync_generation = std::max(out.observed_resync_generation, known.observed_resync_generation);
  out.former_definition = definition_of_exclusions(known);
  // Until it is loaded, what Setup has found stays true.
  out.newly_published = known.newly_published;
  return out;
}

/// The former target serves its readers meanwhile. A Null table holds nothing that could be exchanged.
TableStatus set_back(const TableStatus& known, const TableSpec& spec) {
  TableStatus out = declared_again(known, spec);
  out.message = known.message;
  // Never made: a load may be the target's already, and two tables with one mark cannot be told apart.
  if (known.load_generation == 0) {
    out.staged = known.staged && known.target == out.target;
    return out;
  }
  out.staged = spec.engine != TableEngine::Null;
  // Under another name there may be anything: what is there decides.
  if (known.target == out.target) out.load_generation = known.load_generation + (out.staged ? 1 : 0);
  return out;
}

}  // namespace

std::string own_prefix(const std::string& uid) {
  std::string out = "penstock_" + uid;
  std::replace(out.begin(), out.end(), '-', '_');
  return out;
}

std::string own_name(const std::string& uid, std::int64_t resync_generation) {
  return fmt::format("{}_{}", own_prefix(uid), resync_generation);
}

void name_replication(PipeStatus& status, const Pipe& pipe, std::int64_t generation) {
  auto& replication = status.replication;
  const ReplicationStatus former = replication;
  replication = {};
  replication.owns_slot = former.owns_slot;
  replication.owns_publication = former.owns_publication;
  replication.slot = former.owns_slot ? own_name(pipe.uid, generation) : former.slot;
  replication.publication = former.owns_publication ? own_name(pipe.uid, generation) : former.publication;
}

TableStatus declared(const TableSpec& table) {
  TableStatus out;
  out.source = table.source;
  out.target = target_of(table);
  out.making = true;
  out.observed_resync_generation = table.resync_generation;
  out.settings = settings_of(table);
  return out;
}

PipeStatus with_declared_tables(const Pipe& pipe) {
  PipeStatus out = pipe.status;
  out.tables.clear();
  for (const auto& table : pipe.spec.tables) {
    const auto* known = find_table(pipe.status, table.source);
    if (known && known->load_generation > 0) {
      out.tables.push_back(*known);
      // Which columns stay out may have to be said anew before it can be made.
      if (auto& settings = out.tables.back().settings; settings && known->making)
        settings->excluded_columns = table.excluded_columns;
    } else
      out.tables.push_back(known ? declared_again(*known, table) : declared(table));
  }
  return out;
}

PipeStatus with_tables_to_load(const Pipe& pipe, const std::vector<std::string>& sources) {
  PipeStatus out = pipe.status;
  for (const auto& table : pipe.spec.tables) {
    if (std::find(sources.begin(), sources.end(), table.source) == sources.end()) continue;
    auto* known = find(out, table.source);
    auto entry = known ? set_back(*known, table) : declared(table);
    entry.added_later = true;
    if (known)
      *known = std::move(entry);
    else
      out.tables.push_back(std::move(entry));
  }
  return out;
}

Status check_targets_are_free(const PipeStatus& before, const PipeStatus& after) {
  for (const auto& table : after.tables)
    for (const auto& other : before.tables)
      if (table.target == other.target && table.source != other.source)
        return fail(
            ErrorKind::NeedsUser, "TargetInUse",
            fmt::format("target {} of {} is still that of {}", table.target, table.source, other.source),
            "Raise spec.resyncGeneration to give all tables their new targets at once");
  return {};
}

PipeStatus without_tables(const Pipe& pipe, const std::vector<std::string>& sources) {
  PipeStatus out = pipe.status;
  std::erase_if(out.tables, [&](const TableStatus& table) {
    return std::find(sources.begin(), sources.end(), table.source) != sources.end();
  });
  return out;
}

PipeStatus with_resync_begun(const Pipe& pipe, WallTime now) {
  PipeStatus out = pipe.status;
  const auto generation = pipe.spec.resync_generation;
  out.resync = ResyncStatus{generation, ResyncStep::TakeDown, std::chrono::floor<std::chrono::seconds>(now)};
  if (pipe.spec.mode != Mode::SnapshotOnly) name_replication(out, pipe, generation);
  return out;
}

PipeStatus with_tables_of_resync(const Pipe& pipe) {
  PipeStatus out = pipe.status;
  out.tables.clear();
  for (const auto& table : pipe.spec.tables) {
    const auto* known = find_table(pipe.status, table.source);
    if (!known) {
      out.tables.push_back(declared(table));
    } else if (pipe.spec.mode == Mode::CdcOnly) {
      // Nothing is loaded that could fill a new table: the present one goes on, from the new slot.
      out.tables.push_back(*known);
      out.tables.back().state = TableState::Pending;
      out.tables.back().added_lsn.clear();
      out.tables.back().source_partitions.clear();
      out.tables.back().partition_changes.clear();
      out.tables.back().former_definition = definition_of_exclusions(*known);
      if (auto& settings = out.tables.back().settings) settings->excluded_columns = table.excluded_columns;
      out.tables.back().source_definition.clear();
      out.tables.back().differences.clear();
      out.tables.back().message.clear();
    } else {
      out.tables.push_back(set_back(*known, table));
      out.tables.back().message.clear();
    }
  }
  return out;
}

std::vector<std::string> tables_to_make(const Pipe& pipe) {
  std::vector<std::string> all, making;
  for (const auto& table : pipe.status.tables) {
    all.push_back(table.source);
    if (table.making) making.push_back(table.source);
  }
  return making.empty() || pipe.spec.mode == Mode::CdcOnly ? all : making;
}

PipeStatus with_tables_made(PipeStatus status, const SetupFacts& facts) {
  if (facts.complete) status.source = facts.source;
  for (const auto& made : facts.tables) {
    auto* table = find(status, made.source);
    if (!table) continue;
    table->rows_estimated = made.rows_estimated;
    table->published = made.published;
    table->newly_published = table->newly_published || made.newly_published;
    table->former_definition = made.definition;
    table->source_partitions = made.partitions;
    table->load_generation = made.load_generation;
    table->staged = made.staged;
    table->making = false;
    if (table->added_later && facts.source_lsn) table->added_lsn = facts.source_lsn.text();
  }
  if (status.resync && facts.complete) status.resync->step = ResyncStep::Load;
  return status;
}

bool anew_is_asked_for(const TableStatus& table, const TableSpec& spec) {
  return spec.resync_generation > table.observed_resync_generation ||
         (spec.on_difference == OnDifference::Resync && table.state == TableState::Streaming &&
          !differences_of(table).empty());
}

bool takes_differences(const Pipe& pipe, const TableStatus& table) {
  const bool without_load = pipe.spec.mode == Mode::CdcOnly && table.state == TableState::Pending;
  return without_load || table.state == TableState::CatchingUp || table.state == TableState::Streaming ||
         table.state == TableState::Loading;
}

void add_differences(TableStatus& table, const std::vector<std::string>& differences) {
  for (const auto& text : differences)
    if (const auto one = valid_utf8(text);
        std::find(table.differences.begin(), table.differences.end(), one) == table.differences.end())
      table.differences.push_back(one);
}

std::string differences_of(const TableStatus& table) {
  std::string out = fmt::format("{}", fmt::join(table.differences, "; "));
  if (!out.empty() && !table.partition_changes.empty()) out += "; ";
  return out + table.partition_changes;
}

std::string tables_that_differ(const PipeStatus& status) {
  std::vector<std::string> out;
  for (const auto& table : status.tables)
    if (const auto why = differences_of(table); !why.empty() && !table.making)
      out.push_back(table.source + ": " + why);
  return first_few_of("tables", out, "; ");
}

PipeStatus with_probe(const Pipe& pipe, const ProbeFacts& facts) {
  PipeStatus status = pipe.status;
  if (status.source && facts.timeline != 0) status.source->timeline = facts.timeline;
  for (auto& table : status.tables) {
    if (const auto probed = facts.tables.find(table.source); probed != facts.tables.end()) {
      table.source_changes = probed->second.source_changes;
      // Its load compares with what Setup saw, for rows may be streamed before it begins.
      const bool to_be_loaded = table.state == TableState::Pending && pipe.spec.mode != Mode::CdcOnly;
      if (!to_be_loaded) {
        table.partition_changes = probed->second.partition_changes;
        table.source_partitions = probed->second.source_partitions;
      }
      table.source_definition = probed->second.source_definition;
      add_differences(table, probed->second.differences);
    }
    const auto lost = facts.lost.find(table.source);
    if (lost == facts.lost.end() || table.state != TableState::Streaming) continue;
    table.state = TableState::Failed;
    table.message = lost->second.text();
  }
  return status;
}

PipeStatus with_tables_swapped(const Pipe& pipe, const std::vector<SwapWish>& swapped) {
  PipeStatus out = pipe.status;
  for (const auto& wish : swapped) {
    auto* table = find(out, wish.source);
    if (!table) continue;
    table->staged = false;
    table->added_later = false;  // but the slot may still bring what was before it was added
    table->message.clear();
    table->load.reset();
    table->state = pipe.spec.mode == Mode::SnapshotOnly ? TableState::Completed : TableState::Streaming;
  }
  if (out.resync) {
    out.observed_resync_generation = out.resync->target_generation;
    out.resync.reset();
  }
  return out;
}

std::vector<std::string> abandoned_staging(const PipeStatus& before, const PipeStatus& after) {
  std::vector<std::string> out;
  for (const auto& known : before.tables) {
    const auto* now = find_table(after, known.source);
    // Staged or not: one may have been made, and the process died before that was recorded.
    if (now && now->target != known.target) out.push_back(known.target);
  }
  return out;
}

std::string what_waits_for_a_resync(const Pipe& pipe) {
  std::vector<std::string> out;
  for (const auto& spec : pipe.spec.tables) {
    const auto* table = find_table(pipe.status, spec.source);
    if (!table || !table->settings || table->load_generation == 0) continue;
    const auto wanted = settings_of(spec);
    const auto& present = *table->settings;
    std::vector<std::string> names;
    const auto note = [&](const char* name, bool differs) {
      if (differs) names.push_back(name);
    };
    note("target", table->target != target_of(spec));
    note("excludedColumns", present.excluded_columns != wanted.excluded_columns);
    note("orderBy", present.order_by != wanted.order_by);
    note("partitionBy", present.partition_by != wanted.partition_by);
    note("engine", present.engine != wanted.engine);
    note("columns", present.columns != wanted.columns);
    if (!table->source_changes.empty()) names.push_back(table->source_changes);
    if (!names.empty()) out.push_back(fmt::format("{}: {}", spec.source, fmt::join(names, ", ")));
  }
  return first_few_of("tables", out, "; ");
}

}  // namespace penstock::reconcile
