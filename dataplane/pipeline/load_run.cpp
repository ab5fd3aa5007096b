#include "dataplane/pipeline/load_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>

#include "core/log.hpp"
#include "core/thread.hpp"
#include "dataplane/pipeline/fit_target.hpp"
#include "dataplane/pipeline/insert.hpp"
#include "dataplane/pipeline/load_snapshot.hpp"
#include "dataplane/pipeline/load_worker.hpp"
#include "dataplane/pipeline/load_workers.hpp"
#include "dataplane/pipeline/same_table.hpp"
#include "dataplane/pipeline/source_partitions.hpp"
#include "dataplane/pipeline/worker_shares.hpp"

namespace penstock::pipeline {
namespace {

constexpr std::chrono::milliseconds kLookEvery{500};
/// For inserts of a former run; longer ones are the matter of their table.
constexpr std::chrono::seconds kFormerInsertPatience{10};
constexpr std::chrono::milliseconds kFormerInsertLook{500};

const TableLoad* resume_of(const LoadRequest& request, const std::string& source) {
  const auto at = std::find_if(request.resume.begin(), request.resume.end(),
                               [&](const TableLoad& t) { return t.source == source; });
  return at == request.resume.end() ? nullptr : &*at;
}

/// Goes on from what a former run left, if its partitions still mean the same rows.
TableWork work_of(const LoadRequest& request, BoundTable table) {
  TableWork out;
  const TableLoad* before = resume_of(request, table.job.source_text);
  const bool one_snapshot = table.binding.append_only || !request.job.streams;
  out.layout = LoadLayout::of(table.source,
                              {request.job.rows_per_partition, kPartBytes, request.job.workers_per_table});
  out.partitions = partitions_text(with_taken_columns(table.job, table.source));
  out.definition = table.known.text();
  out.finished = out.layout.partitions() == 0;  // partitioned, without partitions yet
  out.table = std::move(table);
  if (!before || before->layout.empty()) {
    // The slot's own snapshot is older than anything that is streamed, but not than the catalog as it is now.
    if (!one_snapshot) out.error = what_changed_since_setup(out.table, !request.slot);
    return out;
  }
  if (before->finished) {
    out.partitions = out.table.job.partitions;
    out.finished = true;
    out.rows = before->rows;
    if (auto layout = LoadLayout::parse(before->layout)) out.layout = *layout;
    if (auto done = IndexSet::parse(before->done)) out.done = *done;
    out.snapshot = before->snapshot;
    return out;
  }
  auto layout = LoadLayout::parse(before->layout);
  auto done = IndexSet::parse(before->done);
  if (one_snapshot || !layout || !done) return out;
  if (!layout->fits(out.table.source)) {
    out.error = table_changed(out.table.job, "it was rewritten, emptied or replaced");
    return out;
  }
  out.layout = *layout;
  if (!out.table.job.partitions.empty()) out.partitions = out.table.job.partitions;
  out.done = *done;
  out.rows = before->rows;
  out.snapshot = before->snapshot;
  out.finished = out.done.size() == out.layout.partitions();
  return out;
}

/// Of a table that was added to the publication later, the stream brings what began after that: its snapshot
/// must see all that is older.
bool comes_late(const TableWork& work) {
  return !work.finished && work.table.job.added_later;
}

LateComers late_comers(const std::vector<TableWork>& works) {
  LateComers out;
  for (const auto& work : works) {
    if (!comes_late(work)) continue;
    out.any = true;
    if (work.table.job.newly_published && !work.error) out.newly_published.push_back(work.table.source.name);
  }
  return out;
}

bool keeps_log(const TableWork& work) {
  return !work.finished && work.table.binding.append_only;
}

bool keeps_logs(const std::vector<TableWork>& works) {
  return std::any_of(works.begin(), works.end(), keeps_log);
}

void set_logs_apart(std::vector<TableWork>& works, const Error& why, std::vector<TableFault>& faults) {
  for (const auto& work : works)
    if (keeps_log(work))
      faults.push_back(
          {work.table.job.source_text,
           {ErrorKind::BadData, why.reason,
            fmt::format("the snapshot of {} cannot be taken: {}", work.table.job.source_text, why.message),
            why.cure}});
  std::erase_if(works, keeps_log);
}

void leave_out(std::vector<TableWork>& works, const TableName& table, const Error& why,
               std::vector<TableFault>& faults) {
  const auto is_it = [&](const TableWork& work) { return work.table.source.name == table; };
  for (const auto& work : works)
    if (is_it(work)) faults.push_back({work.table.job.source_text, why});
  std::erase_if(works, is_it);
}

/// A table that the user made is not ours to empty: a load that was begun before must not write its rows
/// twice.
Status insist_on_empty(const PipeJob& job, clickhouse::Client& client, const TableWork& work) {
  const auto& table = work.table.job;
  PENSTOCK_ASSIGN(const auto rows,
                  client.select({"SELECT 1 FROM " + clickhouse::quote(table.written()) + " LIMIT 1", {}}));
  if (rows.empty()) return {};
  return fail(
      ErrorKind::NeedsUser, "TargetNotEmpty",
      fmt::format("the load of {} was interrupted and has to begin anew, and {}.{}, which Penstock did "
                  "not make, holds rows of it",
                  table.source_text, job.destination.database, table.written()),
      fmt::format("Empty it: TRUNCATE TABLE {}.{}", clickhouse::quote(job.destination.database),
                  clickhouse::quote(table.written())));
}

/// A table that the user made was empty at Setup. Rows of a load that was cut off before it was recorded have
/// its version; others came from somebody else since.
Status insist_on_no_rows_of_others(const PipeJob& job, clickhouse::Client& client, const TableWork& work,
                                   Lsn version) {
  const auto& table = work.table.job;
  if (!version) return {};
  PENSTOCK_ASSIGN(const auto rows, client.select({fmt::format("SELECT 1 FROM {} WHERE {} != {} LIMIT 1",
                                                              clickhouse::quote(table.written()),
                                                              clickhouse::kVersionColumn, version.value),
                                                  {}}));
  if (rows.empty()) return {};
  const auto name =
      fmt::format("{}.{}", clickhouse::quote(job.destination.database), clickhouse::quote(table.written()));
  return fail(ErrorKind::NeedsUser, "TargetNotEmpty",
              fmt::format("{}, the target of {}, was empty at Setup and holds rows of somebody else now",
                          name, table.source_text),
              fmt::format("Empty it: TRUNCATE TABLE {}", name));
}

/// A table that must come from one snapshot begins empty: what a former run wrote is taken out first.
Status empty_what_begins_anew(const PipeJob& job, clickhouse::Client& client, const TableWork& work,
                              bool begun, Lsn version) {
  const bool one_snapshot = work.table.binding.append_only || !job.streams;
  if (work.finished || !work.table.binding.readable || (begun && !one_snapshot)) return {};
  // What a former run has sent must not come behind.
  if (one_snapshot)
    for (const auto rows : {Rows::Loaded, Rows::Streamed})
      PENSTOCK_TRY(no_insert_runs(client, work.table.job.written(), rows));
  PENSTOCK_ASSIGN(const auto target, clickhouse::read_target(client, work.table.job.written()));
  if (!target) return {};
  const bool ours = target->mark && target->mark->pipe_uid == job.uid && !target->mark->adopted;
  if (ours && one_snapshot)
    return clickhouse::truncate_target(client, job.destination.database, work.table.job.written());
  if (!ours && !begun) return insist_on_no_rows_of_others(job, client, work, version);
  return !ours && begun && work.table.binding.append_only ? insist_on_empty(job, client, work) : Status{};
}

}  // namespace

struct LoadRun::Impl {
  explicit Impl(LoadRequest wanted) : request(std::move(wanted)) {
    request.job.source.limits = request.job.destination.limits = ending.limits();
  }

  Status prepare(LoadContext& context, LoadSnapshot& snapshot) {
    PENSTOCK_TRY(check_same_system(request.job, request.system));
    clickhouse::Client client(request.job.destination);
    PENSTOCK_ASSIGN(auto bound, bind_fitting(request.job, client));
    std::vector<TableWork> works;
    for (auto& table : bound.tables) {
      auto work = work_of(request, std::move(table));
      auto emptied = make_room(client, work);
      const bool busy = !emptied && emptied.error().reason == "StatementStillRuns";
      if (busy) bound.faults.push_back({work.table.job.source_text, emptied.error()});
      if (busy) continue;
      PENSTOCK_TRY(emptied);
      works.push_back(std::move(work));
    }
    PENSTOCK_ASSIGN(const auto never_sent, snapshot.never_sent(late_comers(works)));
    for (const auto& [table, why] : never_sent)
      leave_out(works, table, why, bound.faults);
    const bool exact = request.job.streams && keeps_logs(works);
    auto taken = snapshot.take(exact, late_comers(works), context);
    if (!taken && (!exact || !is_of_logs(taken.error()))) return taken;
    if (!taken) set_logs_apart(works, taken.error(), bound.faults);
    const auto late = late_comers(works);
    set_board(std::move(works), bound);  // which tells what was set apart
    if (!taken) PENSTOCK_TRY(snapshot.take(false, late, context));
    if (!context.version.commit) context.version.commit = snapshot.before();
    return {};
  }

  /// Of a table that begins anew. An insert of before, whose answer was lost, is waited for.
  Status make_room(clickhouse::Client& client, const TableWork& work) {
    const auto* before = resume_of(request, work.table.job.source_text);
    const bool begun = before && !before->layout.empty();
    const auto give_up = std::chrono::steady_clock::now() + kFormerInsertPatience;
    while (true) {
      auto done = empty_what_begins_anew(request.job, client, work, begun, request.version);
      const bool busy = !done && done.error().reason == "StatementStillRuns";
      if (!busy) return done;
      if (std::chrono::steady_clock::now() >= give_up) {
        // One that its user made is not replaced by ours for that.
        PENSTOCK_ASSIGN(const auto target, clickhouse::read_target(client, work.table.job.written()));
        if (target && target->mark && !target->mark->adopted) return done;
      }
      report_wait(done.error());
      wait_unless(flags, kFormerInsertLook);
      if (flags.any()) return fail(ErrorKind::Cancelled, "Stopped", "stopped before it was done");
    }
  }

  void set_board(std::vector<TableWork> works, const BoundTables& bound) {
    const std::lock_guard lock(mutex);
    board = std::make_unique<LoadBoard>(std::move(works), faults_of(bound), request.job.parallel_tables,
                                        request.job.workers_per_table);
    if (tuned) board->set_limits(tuned->parallel_tables, tuned->workers_per_table);
    if (stopping) board->stop();
  }

  std::vector<TableLoad> faults_of(const BoundTables& bound) const {
    std::vector<TableLoad> out;
    for (const auto& fault : bound.faults) {
      TableLoad one;
      one.source = fault.source;
      one.error = fault.error;
      for (const auto& table : request.job.tables)
        if (table.source_text == fault.source) one.load = table.load;
      out.push_back(std::move(one));
    }
    return out;
  }

  Status run() {
    const auto workers = std::min(kMostWorkers, static_cast<std::size_t>(request.job.parallel_tables) *
                                                    static_cast<std::size_t>(request.job.workers_per_table));
    postgres::PresentCatalog present(request.job.source);
    LockWatch watch(present);
    const auto attempt = std::chrono::system_clock::now().time_since_epoch().count();
    LoadContext context{request.job,
                        "",
                        {},
                        {request.version, {}},
                        {},
                        fmt::format("{:x}", attempt),
                        kBlocksBytes / workers,
                        flags,
                        present,
                        watch};
    LoadSnapshot snapshot(request.job, std::move(request.slot), stop_waiting.get_token(),
                          [this](const std::optional<Error>& why) { report_wait(why); });
    PENSTOCK_TRY(prepare(context, snapshot));
    WorkerShares::Share share(WorkerShares::all());
    board->set_share(share.of(board->wanted()));
    PENSTOCK_ASSIGN(const auto watchman, start_thread("the watch over a load's locks", [&](const auto& stop) {
                      keep_watch(watch, share, stop);
                    }));
    PENSTOCK_TRY(run_workers(*board, context));
    if (auto failed = board->error()) return fail(*failed);
    return {};
  }

  void keep_watch(LockWatch& watch, WorkerShares::Share& share, const std::stop_token& stop) const {
    std::mutex alone;
    std::condition_variable_any never;
    std::unique_lock lock(alone);
    while (!never.wait_for(lock, stop, kLookEvery, [&] { return stop.stop_requested(); })) {
      watch.look();
      board->set_share(share.of(board->wanted()));
    }
  }

  void report_wait(const std::optional<Error>& why) {
    const std::lock_guard lock(mutex);
    waiting = why;
  }

  void main() {
    auto done = run();
    {
      const std::lock_guard lock(mutex);
      if (!done && done.error().kind != ErrorKind::Cancelled) {
        log::debug("load", "{}: {}", request.job.name, done.error().text());
        error = done.error();
      }
      ended = true;
    }
    if (request.changed) request.changed();
  }

  LoadRequest request;
  Ending ending;
  StopFlags flags;
  mutable std::mutex mutex;
  std::unique_ptr<LoadBoard> board;  // guarded until set, then lives as long as this
  std::stop_source stop_waiting;
  std::optional<Error> waiting;
  std::optional<PipeJob> tuned;
  bool stopping = false;
  bool ended = false;
  std::optional<Error> error;
  std::jthread thread;
};

LoadRun::LoadRun(LoadRequest request) : impl_(std::make_unique<Impl>(std::move(request))) {
  auto thread = start_thread("a load", [impl = impl_.get()] { impl->main(); });
  if (thread) {
    impl_->thread = *std::move(thread);
  } else {
    impl_->error = std::move(thread).error();
    impl_->ended = true;
  }
}

LoadRun::~LoadRun() {
  stop(StopMode::Now);
  impl_->thread = {};
}

void LoadRun::stop(StopMode mode) {
  impl_->ending.begin(mode);
  impl_->flags.soon.store(true);
  if (mode == StopMode::Now) impl_->flags.now.store(true);
  const std::lock_guard lock(impl_->mutex);
  impl_->stopping = true;
  impl_->stop_waiting.request_stop();
  if (impl_->board) impl_->board->stop();
}

void LoadRun::tune(const PipeJob& job) {
  const std::lock_guard lock(impl_->mutex);
  if (impl_->board)
    impl_->board->set_limits(job.parallel_tables, job.workers_per_table);
  else
    impl_->tuned = job;
}

LoadFacts LoadRun::facts() const {
  const std::lock_guard lock(impl_->mutex);
  LoadFacts out;
  out.run.ended = impl_->ended;
  out.run.error = impl_->error;
  if (impl_->board) {
    out.tables = impl_->board->progress();
    out.run.retrying = impl_->board->retrying();
    if (!out.run.retrying) out.run.retrying = impl_->waiting;
  } else {
    out.run.retrying = impl_->waiting;
  }
  return out;
}

}  // namespace penstock::pipeline
