#include "dataplane/pipeline/making.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <numeric>

#include "dataplane/clickhouse/key_text.hpp"
#include "dataplane/pipeline/insert.hpp"

namespace penstock::pipeline {
namespace {

using clickhouse::Standing;

Error not_empty(const PipeJob& pipe, const TableJob& job) {
  const auto name =
      fmt::format("{}.{}", clickhouse::quote(pipe.destination.database), clickhouse::quote(job.target));
  return {ErrorKind::NeedsUser, "TargetNotEmpty",
          fmt::format("target table {} holds rows, and Penstock did not make it: {} is not loaded among them",
                      name, job.source_text),
          fmt::format("Empty it (TRUNCATE TABLE {}), name another target in spec.tables[].target, or set "
                      "spec.takeOver: true, which loads a new table beside it and keeps this one as {}",
                      name, clickhouse::kept_name(pipe.destination.database, job.target, 1, 1))};
}

bool is_of_us(const PipeJob& pipe, const std::optional<clickhouse::Mark>& mark) {
  return mark && mark->pipe_uid == pipe.uid;
}

bool is_a_merge_tree(const clickhouse::TargetTable& table) {
  return clickhouse::plain_engine(table.engine).ends_with("MergeTree");
}

bool is_readable(const TableJob& job, const clickhouse::TargetTable& present) {
  return job.engine != clickhouse::Engine::Null && present.engine != "Null";
}

/// Whether settle() asks for it.
bool rows_matter(const PipeJob& pipe, const TableJob& job, const clickhouse::TargetTable& present) {
  if (!pipe.loads || job.load > 0 || !is_readable(job, present)) return false;
  const auto standing = clickhouse::standing_of(present.mark, pipe.uid, job.target, {});
  return standing == Standing::Ours || (standing == Standing::Unmarked && is_a_merge_tree(present));
}

/// A table that carries nobody's mark is used as it is while it is empty.
void settle_unmarked(const PipeJob& pipe, Making& making, const clickhouse::TargetTable& present,
                     bool holds) {
  // Of views, logs and the like others tell; they cannot be exchanged with a table either.
  if (!is_a_merge_tree(present)) return;
  const bool fits = clickhouse::check_target(making.definition, present).empty();
  if (holds && !pipe.take_over) making.faults.push_back(not_empty(pipe, making.job));
  making.job.staged = pipe.take_over && (holds || !fits);
}

/// Where the load is not settled, the tables that are there tell what becomes of it.
void settle(const PipeJob& pipe, Making& making, const clickhouse::TargetTable& present, Standing standing,
            bool holds) {
  auto& job = making.job;
  const bool of_us = is_of_us(pipe, present.mark);
  job.load = of_us ? present.mark->load : 1;
  // What is there goes on where nothing is loaded that could fill a new table.
  if (!pipe.loads || !is_readable(job, present)) return;
  switch (standing) {
    case Standing::Unmarked:
      return settle_unmarked(pipe, making, present, holds);
    case Standing::Ours:
      job.staged = holds || !clickhouse::check_target(making.definition, present).empty();
      break;
    case Standing::GivenBack:
    case Standing::Forsaken:
      job.staged = true;
      break;
    case Standing::Others:
      return;
  }
  if (job.staged && of_us) ++job.load;
}

/// One of before the status was lost may hold rows that the source has no more.
void count_past_a_former_staging(const PipeJob& pipe, TableJob& job,
                                 const std::optional<clickhouse::TargetTable>& former) {
  if (former && is_of_us(pipe, former->mark)) job.load = std::max(job.load, former->mark->load + 1);
}

/// A target that was this pipe's already and is another's by now is not taken back: two that take over would
/// take it from one another for ever. One whose `_resync` is ours is about to be taken.
clickhouse::TakeOver rights_to(const PipeJob& pipe, const TableJob& job,
                               const std::optional<clickhouse::TargetTable>& beside) {
  auto out = take_over_of(pipe);
  out.allowed = out.allowed && (job.load == 0 || (beside && is_of_us(pipe, beside->mark)));
  return out;
}

/// Who has the staging table is about to have the target. Else its name must be free where it is needed, or
/// ours.
void look_at_staging(const PipeJob& pipe, Making& making, const clickhouse::TargetTable& beside,
                     bool target_is_absent) {
  const auto& target = making.job.target;
  const auto take_over = take_over_of(pipe);
  const bool is_needed = making.job.staged || !target_is_absent;
  if (!is_needed && clickhouse::standing_of(beside.mark, pipe.uid, target, take_over) != Standing::Others)
    return;
  if (auto fault = clickhouse::staging_fault(beside, pipe.uid, target, take_over))
    making.faults.push_back(*std::move(fault));
}

bool is_to_be_loaded(const PipeJob& pipe, const TableJob& job) {
  return pipe.loads && job.engine != clickhouse::Engine::Null;
}

Status make_beside(const PipeJob& pipe, const Making& making, clickhouse::Client& client) {
  const auto take_over = take_over_of(pipe);
  const auto& job = making.job;
  // It goes into the table that has this name, whichever that is by then.
  PENSTOCK_TRY(no_insert_runs(client, job.written(), Rows::Streamed));
  PENSTOCK_TRY(clickhouse::make_staging(client, making.definition, take_over));
  PENSTOCK_ASSIGN(const auto present, clickhouse::read_mark(client, job.target));
  const bool others =
      present && clickhouse::standing_of(present->mark, pipe.uid, job.target, take_over) == Standing::Others;
  if (!others) return {};
  PENSTOCK_TRY(clickhouse::drop_staging(client, pipe.uid, job.target));
  return fail(clickhouse::not_ours(*present, job.target, take_over));
}

/// Settled by one look at many. One that was absent is made by a CREATE that one pipe alone can do.
bool is_plain(const PipeJob& pipe, const Making& making, const TargetsLook& look) {
  const auto present = clickhouse::target_of(look.tables, making.job.target);
  return !making.job.staged && (!present || clickhouse::standing_of(present->mark, pipe.uid,
                                                                    making.job.target, {}) == Standing::Ours);
}

Status claim(const PipeJob& pipe, const Making& making, const TargetsLook& look, clickhouse::Client& client) {
  const bool just_made = !look.tables.contains(making.job.target);
  return clickhouse::claim_target(client, making.definition, take_over_of(pipe),
                                  is_to_be_loaded(pipe, making.job), just_made);
}

Status make_one(const PipeJob& pipe, const Making& making, const TargetsLook& look,
                clickhouse::Client& client) {
  if (making.job.staged) return make_beside(pipe, making, client);
  if (!is_plain(pipe, making, look)) return claim(pipe, making, look, client);
  if (look.tables.contains(making.job.target)) return {};
  PENSTOCK_ASSIGN(const bool created, clickhouse::create_new_target(client, making.definition));
  return created ? Status{} : claim(pipe, making, look, client);
}

/// Whose they are, now that they are there: another may have claimed one before it was made. Those of which
/// there is more to say are gone through one by one.
Status confirm_plain(const PipeJob& pipe, const std::vector<const Making*>& makings, const TargetsLook& look,
                     clickhouse::Client& client) {
  std::vector<std::string> names;
  for (const auto* making : makings)
    for (const auto& name : {making->job.target, clickhouse::staging_name(making->job.target)})
      names.push_back(name);
  PENSTOCK_ASSIGN(const auto now, clickhouse::read_targets(client, names));
  for (const auto* making : makings) {
    const auto& target = making->job.target;
    const auto present = clickhouse::target_of(now, target);
    const bool ours =
        present && clickhouse::standing_of(present->mark, pipe.uid, target, {}) == Standing::Ours;
    if (ours && !now.contains(clickhouse::staging_name(target))) continue;
    PENSTOCK_TRY(claim(pipe, *making, look, client));
  }
  return {};
}

}  // namespace

clickhouse::TakeOver take_over_of(const PipeJob& job) {
  return {job.take_over, job.others};
}

Result<TargetsLook> look_at_targets(const PipeJob& pipe, clickhouse::Client& client) {
  TargetsLook out;
  std::vector<std::string> names, unsettled;
  for (const auto& table : pipe.tables)
    for (const auto& name : {table.target, clickhouse::staging_name(table.target)})
      names.push_back(name);
  PENSTOCK_ASSIGN(out.tables, clickhouse::read_targets(client, names));
  for (const auto& table : pipe.tables) {
    const auto present = clickhouse::target_of(out.tables, table.target);
    if (present && rows_matter(pipe, table, *present)) unsettled.push_back(table.target);
  }
  PENSTOCK_ASSIGN(out.filled, clickhouse::tables_with_rows(client, unsettled));
  return out;
}

Status settle_target(const PipeJob& pipe, Making& making, const TargetsLook& look,
                     clickhouse::Client& client) {
  auto& job = making.job;
  const auto present = clickhouse::target_of(look.tables, job.target);
  const auto beside = clickhouse::target_of(look.tables, clickhouse::staging_name(job.target));
  const auto rights = rights_to(pipe, job, beside);
  const auto standing =
      clickhouse::standing_of(present ? present->mark : std::nullopt, pipe.uid, job.target, rights);
  if (job.load == 0) {
    job.load = 1;
    if (present) settle(pipe, making, *present, standing, look.filled.contains(job.target));
    if (job.staged) count_past_a_former_staging(pipe, job, beside);
  }
  if (standing == Standing::Others) {
    making.faults.push_back(clickhouse::not_ours(*present, job.target, rights));
    return {};
  }
  if (present && job.staged && present->mark) {
    PENSTOCK_ASSIGN(making.lost, clickhouse::read_additions(client, making.definition, *present));
  }
  if (present && !job.staged) {
    auto faults = clickhouse::check_target(making.definition, *present);
    std::move(faults.begin(), faults.end(), std::back_inserter(making.faults));
  }
  if (beside && (job.staged || standing != Standing::Ours))
    look_at_staging(pipe, making, *beside, standing == Standing::Unmarked && !present);
  return {};
}

Result<std::vector<bool>> make_tables(const PipeJob& pipe, const std::vector<Making>& makings,
                                      const TargetsLook& look, std::chrono::steady_clock::time_point until,
                                      clickhouse::Client& client) {
  std::vector<std::size_t> in_order(makings.size());
  std::iota(in_order.begin(), in_order.end(), std::size_t{0});
  std::sort(in_order.begin(), in_order.end(),
            [&](auto a, auto b) { return makings[a].job.target < makings[b].job.target; });
  std::vector<bool> made(makings.size(), false);
  std::vector<const Making*> plain;
  Status done;
  for (const auto at : in_order) {
    const bool late = at != in_order.front() && std::chrono::steady_clock::now() >= until;
    if (late) break;
    done = make_one(pipe, makings[at], look, client);
    if (!done) break;
    made[at] = true;
    if (is_plain(pipe, makings[at], look)) plain.push_back(&makings[at]);
  }
  // Also where another is not ours: nothing is to stay that stands in a claim's way.
  PENSTOCK_TRY(confirm_plain(pipe, plain, look, client));
  if (!done) return fail(done.error());
  return made;
}

}  // namespace penstock::pipeline
