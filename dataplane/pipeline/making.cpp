#include "dataplane/pipeline/making.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

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

/// A table that carries nobody's mark is used as it is while it is empty.
Status settle_unmarked(const PipeJob& pipe, Making& making, const clickhouse::TargetTable& present,
                       clickhouse::Client& client) {
  // Of views, logs and the like others tell; they cannot be exchanged with a table either.
  if (!clickhouse::plain_engine(present.engine).ends_with("MergeTree")) return {};
  PENSTOCK_ASSIGN(const bool holds, clickhouse::holds_rows(client, making.job.target));
  const bool fits = clickhouse::check_target(making.definition, present).empty();
  if (holds && !pipe.take_over) making.faults.push_back(not_empty(pipe, making.job));
  making.job.staged = pipe.take_over && (holds || !fits);
  return {};
}

/// Where the load is not settled, the tables that are there tell what becomes of it.
Status settle(const PipeJob& pipe, Making& making, const clickhouse::TargetTable& present, Standing standing,
              clickhouse::Client& client) {
  auto& job = making.job;
  const bool of_us = is_of_us(pipe, present.mark);
  const bool readable = job.engine != clickhouse::Engine::Null && present.engine != "Null";
  job.load = of_us ? present.mark->load : 1;
  // What is there goes on where nothing is loaded that could fill a new table.
  if (!pipe.loads || !readable) return {};
  switch (standing) {
    case Standing::Unmarked:
      return settle_unmarked(pipe, making, present, client);
    case Standing::Ours: {
      PENSTOCK_ASSIGN(const bool holds, clickhouse::holds_rows(client, job.target));
      job.staged = holds || !clickhouse::check_target(making.definition, present).empty();
      break;
    }
    case Standing::GivenBack:
    case Standing::Forsaken:
      job.staged = true;
      break;
    case Standing::Others:
      return {};
  }
  if (job.staged && of_us) ++job.load;
  return {};
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

Status make_one(const PipeJob& pipe, const Making& making, clickhouse::Client& client) {
  const auto take_over = take_over_of(pipe);
  const auto& job = making.job;
  if (!job.staged) {
    const bool to_be_loaded = pipe.loads && job.engine != clickhouse::Engine::Null;
    return clickhouse::claim_target(client, making.definition, take_over, to_be_loaded);
  }
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

}  // namespace

clickhouse::TakeOver take_over_of(const PipeJob& job) {
  return {job.take_over, job.others};
}

Status settle_target(const PipeJob& pipe, Making& making, clickhouse::Client& client) {
  auto& job = making.job;
  PENSTOCK_ASSIGN(const auto present, clickhouse::read_target(client, job.target));
  PENSTOCK_ASSIGN(const auto beside, clickhouse::read_mark(client, clickhouse::staging_name(job.target)));
  const auto rights = rights_to(pipe, job, beside);
  const auto standing =
      clickhouse::standing_of(present ? present->mark : std::nullopt, pipe.uid, job.target, rights);
  if (job.load == 0) {
    job.load = 1;
    if (present) PENSTOCK_TRY(settle(pipe, making, *present, standing, client));
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

Status make_tables(const PipeJob& pipe, const std::vector<Making>& makings, clickhouse::Client& client) {
  std::vector<const Making*> in_order;
  in_order.reserve(makings.size());
  for (const auto& making : makings)
    in_order.push_back(&making);
  std::sort(in_order.begin(), in_order.end(),
            [](const auto* a, const auto* b) { return a->job.target < b->job.target; });
  for (const auto* making : in_order)
    PENSTOCK_TRY(make_one(pipe, *making, client));
  return {};
}

}  // namespace penstock::pipeline
