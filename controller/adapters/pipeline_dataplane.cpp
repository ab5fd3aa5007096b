#include "controller/adapters/pipeline_dataplane.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

#include "controller/adapters/other_pipes.hpp"
#include "controller/adapters/pipe_job.hpp"
#include "controller/adapters/run_facts.hpp"
#include "dataplane/pipeline/release.hpp"
#include "dataplane/pipeline/setup.hpp"
#include "reconcilers/pipe/tables.hpp"

namespace penstock::adapters {
namespace {
/// How long a pass waits for a slot; the next one goes on waiting.
constexpr std::chrono::seconds kSlotWait{2};
/// How long a pass makes tables; the next one makes those that are left.
constexpr std::chrono::seconds kMakingTime{1};
}  // namespace

template <typename What>
void PipelineDataplane::Running<What>::stop() {
  if (!run || seen_ended) {
    run.reset();
    stopping = false;
    seen_ended = false;
    return;
  }
  stopping = true;
  run->stop(pipeline::StopMode::AfterPartitions);
}

PipelineDataplane::~PipelineDataplane() {
  const std::lock_guard lock(mutex_);
  for (const auto& [uid, run] : runs_) {  // ask all first, so that they end side by side
    if (run->probe) run->probe->abandon();
    if (run->load.run) run->load.run->stop(pipeline::StopMode::Now);
    if (run->stream.run) run->stream.run->stop(pipeline::StopMode::AfterPartitions);
  }
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(3);
  for (const auto& [uid, run] : runs_)
    while (!(run->load.ended() && run->stream.ended()) && std::chrono::steady_clock::now() < deadline)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
}

std::shared_ptr<PipelineDataplane::Run> PipelineDataplane::run_of(const std::string& uid) {
  const std::lock_guard lock(mutex_);
  auto& run = runs_[uid];
  if (!run) run = std::make_shared<Run>();
  return run;
}

std::shared_ptr<PipelineDataplane::Run> PipelineDataplane::take(const std::string& uid) {
  const std::lock_guard lock(mutex_);
  calls_.erase(uid);
  const auto at = runs_.find(uid);
  if (at == runs_.end()) return nullptr;
  auto run = std::move(at->second);
  runs_.erase(at);
  return run;
}

void PipelineDataplane::begin_calls(const std::string& uid) {
  const std::lock_guard lock(mutex_);
  auto& calls = calls_[uid] = {};
  if (stopping_) calls.changed.request_stop();
  if (stopping_) calls.removed.request_stop();
}

void PipelineDataplane::interrupt_all() {
  std::map<std::string, Calls> all;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    all = calls_;
  }
  for (auto& [uid, calls] : all) {
    calls.changed.request_stop();
    calls.removed.request_stop();
  }
}

void PipelineDataplane::interrupt(const std::string& uid, Interruption what) {
  std::optional<Calls> calls;
  {
    const std::lock_guard lock(mutex_);
    if (const auto at = calls_.find(uid); at != calls_.end()) calls = at->second;
  }
  if (!calls) return;
  calls->changed.request_stop();
  if (what == Interruption::Removed) calls->removed.request_stop();
}

pipeline::PipeJob PipelineDataplane::bounded(const Pipe& pipe, pipeline::PipeJob job) {
  const std::lock_guard lock(mutex_);
  const auto& calls = calls_[pipe.uid];
  job.source.limits = job.destination.limits = {kAnswerLimit, {}, calls.changed.get_token()};
  return job;
}

std::map<std::string, std::vector<std::uint32_t>> PipelineDataplane::truncates_of(const Run& run) {
  auto out = run.truncated_before;
  if (!run.stream.run) return out;
  constexpr std::size_t kKept = 64;
  for (const auto& table : run.stream.run->facts().tables) {
    auto& all = out[table.source];
    for (const auto xid : table.truncated_by)
      if (std::find(all.begin(), all.end(), xid) == all.end()) all.push_back(xid);
    if (all.size() > kKept) all.erase(all.begin(), all.end() - kKept);
  }
  return out;
}

std::map<std::string, std::map<std::uint32_t, pipeline::PartChange>> PipelineDataplane::parts_of(
    const Run& run) {
  auto out = run.parts_before;
  if (!run.stream.run) return out;
  for (const auto& table : run.stream.run->facts().tables)
    for (const auto& [oid, change] : table.parts) {
      auto& known = out[table.source].try_emplace(oid, change).first->second;
      known.last = std::max(known.last, change.last);
    }
  return out;
}

std::optional<Lsn> PipelineDataplane::told_of(const Run& run, const std::string& slot) {
  return run.told && run.told->first == slot ? std::optional(run.told->second) : std::nullopt;
}

void PipelineDataplane::keep_findings(Run& run) {
  run.truncated_before = truncates_of(run);
  run.parts_before = parts_of(run);
  if (!run.stream.run) return;
  // A run that ended before it confirmed anything does not take back what an earlier one did.
  const auto confirmed = run.stream.run->facts().confirmed;
  if (confirmed) run.told = {run.slot_read, std::max(confirmed, told_of(run, run.slot_read).value_or(Lsn{}))};
}

void PipelineDataplane::add_streamed(const Pipe& pipe, const Run& run, pipeline::PipeJob& job) {
  const auto parts = parts_of(run);
  const auto start = Lsn::parse(pipe.status.replication.start_lsn).value_or(Lsn{});
  for (auto& table : job.tables) {
    const auto* known = find_table(pipe.status, table.source_text);
    const auto added = Lsn::parse(known ? known->added_lsn : "").value_or(Lsn{});
    if (const auto at = parts.find(table.source_text); at != parts.end())
      for (const auto& [oid, change] : at->second)
        if (const auto since = std::max(start, added); change.last > since)
          table.streamed_parts.emplace(oid, change.commit > since ? change.xid : 0);
  }
  for (auto& table : job.tables)
    table.stream_has_passed = false;
  if (!run.stream.run) return;
  const auto facts = run.stream.run->facts();
  for (const auto& streamed : facts.tables)
    for (auto& table : job.tables) {
      if (table.source_text != streamed.source || table.load != streamed.load) continue;
      table.streamed_definition = streamed.definition;
      table.streamed_types = streamed.types;
      const auto looked = run.looked_to.find(table.source_text);
      table.stream_has_passed =
          looked != run.looked_to.end() && std::max(facts.confirmed, streamed.written) >= looked->second;
    }
}

reconcile::Runs PipelineDataplane::observe(const Pipe& pipe) {
  const auto run = run_of(pipe.uid);
  const auto& replication = pipe.status.replication;
  if (const auto ended_at = Lsn::parse(replication.ended_lsn);
      !run->told && !run->stream.run && ended_at && *ended_at)
    run->told = {replication.slot, *ended_at};
  reconcile::Runs out;
  if (run->load.run) out.load = facts_of(run->load.run->facts());
  if (run->stream.run) out.stream = facts_of(run->stream.run->facts(), run->streamed_before);
  run->load.seen_ended = out.load.ended;
  run->stream.seen_ended = out.stream.ended;
  out.load.fingerprint = run->load.fingerprint;
  out.load.stopping = run->load.stopping;
  out.stream.fingerprint = run->stream.fingerprint;
  out.stream.stopping = run->stream.stopping;
  out.slot_in_hand = run->slot_maker || run->slot;
  out.probing = run->probe && !run->probe->ended();
  out.strangers = run->strangers;
  out.unseen = run->unseen;
  hooks_.runs_seen(pipe.uid, out);
  return out;
}

void PipelineDataplane::tune(const Pipe& pipe) {
  const auto run = run_of(pipe.uid);
  if (!run->load.run && !run->stream.run) return;
  const auto job = job_of(pipe, {}, std::vector<std::string>{});
  if (run->load.run) run->load.run->tune(job);
  if (!run->stream.run) return;
  run->stream.run->tune(job);
  std::map<std::string, std::vector<std::string>> recorded;
  for (const auto& table : pipe.status.tables) {
    if (reconcile::takes_differences(pipe, table)) recorded[table.source] = table.differences;
    // Of one that waits for its load they are recorded when that has begun.
    if (!table.making && table.state == TableState::Pending) recorded.try_emplace(table.source);
  }
  run->stream.run->recorded(recorded);
}

reconcile::Fingerprints PipelineDataplane::fingerprint(const Pipe& pipe,
                                                       const reconcile::Credentials& credentials) {
  const auto job = job_of(pipe, credentials, JobTables::Streamed);
  return {load_fingerprint(job), stream_fingerprint(job)};
}

pipeline::PipeJob PipelineDataplane::job_among_others(const Pipe& pipe,
                                                      const reconcile::Credentials& credentials,
                                                      const std::vector<std::string>& sources) const {
  auto out = job_of(pipe, credentials, sources);
  add_others(pipe, hooks_.pipes(), out);
  return out;
}

Result<reconcile::SetupFacts> PipelineDataplane::set_up(const Pipe& pipe,
                                                        const reconcile::Credentials& credentials,
                                                        const reconcile::SetupWish& wish) {
  drop_probe(*run_of(pipe.uid));
  PENSTOCK_ASSIGN(const auto report,
                  pipeline::set_up(bounded(pipe, job_among_others(pipe, credentials, wish.tables)), wish.make,
                                   kMakingTime));
  return facts_of(report);
}

Status PipelineDataplane::ensure_publication(const Pipe& pipe, const reconcile::Credentials& credentials) {
  const auto job = bounded(pipe, job_of(pipe, credentials));
  std::vector<TableName> tables;
  for (const auto& table : job.tables)
    tables.push_back(table.source);
  return postgres::ensure_publication(job.source, job.publication, tables);
}

Result<Lsn> PipelineDataplane::create_slot(const Pipe& pipe, const reconcile::Credentials& credentials) {
  const auto job = job_of(pipe, credentials);
  const auto run = run_of(pipe.uid);
  drop_probe(*run);
  run->slot.reset();
  run->told.reset();
  if (run->slot_maker && run->slot_maker->endpoint() != job.source) reaper_.take(std::move(run->slot_maker));
  if (!run->slot_maker) {
    PENSTOCK_TRY(postgres::drop_slot(bounded(pipe, job).source, job.slot));
    run->slot_maker = std::make_unique<SlotMaker>(
        job.source, job.slot, job.failover_slot ? postgres::SlotKind::Failover : postgres::SlotKind::Lasting);
  }
  auto made = run->slot_maker->wait(kSlotWait);
  if (!made) return fail(run->slot_maker->waiting_for());
  run->slot_maker.reset();
  if (!*made) return fail(std::move(made->error()));
  run->slot = *std::move(*made);
  return run->slot->consistent_point;
}

Status PipelineDataplane::start_load(const Pipe& pipe, const reconcile::Credentials& credentials) {
  const auto run = run_of(pipe.uid);
  drop_probe(*run);
  pipeline::LoadRequest request;
  request.job = job_of(pipe, credentials, JobTables::ToLoad);
  add_streamed(pipe, *run, request.job);
  request.system = system_of(pipe);
  request.resume = resume_of(pipe.status);
  if (const auto lsn = Lsn::parse(pipe.status.replication.start_lsn)) request.version = *lsn;
  // The snapshot belongs to the slot that the status tells of: one made by an attempt that was not recorded
  // is gone. Nor is it one for tables that were added since.
  const bool late = std::any_of(request.job.tables.begin(), request.job.tables.end(),
                                [](const auto& table) { return table.added_later; });
  if (!late && run->slot && run->slot->consistent_point == request.version)
    request.slot = std::move(run->slot);
  run->slot.reset();
  request.changed = [changed = hooks_.changed, key = runtime::ObjectKey{pipe.ns, pipe.name}] {
    changed(key);
  };
  const auto fingerprint = load_fingerprint(request.job);
  run->load = {};
  run->load = {std::make_unique<pipeline::LoadRun>(std::move(request)), fingerprint, false, false};
  return {};
}

Status PipelineDataplane::start_stream(const Pipe& pipe, const reconcile::Credentials& credentials) {
  if (const auto& source = pipe.status.source; source && !pipe.status.replication.owns_slot)
    PENSTOCK_TRY(pipeline::check_slot_readers(job_among_others(pipe, credentials, {}),
                                              source->system_identifier, source->database));
  const auto run = run_of(pipe.uid);
  drop_probe(*run);
  pipeline::StreamRequest request;
  request.job = job_of(pipe, credentials, JobTables::Streamed);
  request.system = system_of(pipe);
  request.patience = patience_;
  request.changed = [changed = hooks_.changed, key = runtime::ObjectKey{pipe.ns, pipe.name}] {
    changed(key);
  };
  run->streamed_before.clear();
  for (const auto& table : pipe.status.tables) {
    run->streamed_before[table.source] = table.rows_streamed;
    const auto snapshot = table.load ? Lsn::parse(table.load->snapshot_lsn) : Result<Lsn>(Lsn{});
    if (snapshot && *snapshot) request.loaded_up_to[table.source] = RowVersion{*snapshot, {}};
    const auto added = table.added_lsn.empty() ? Result<Lsn>(Lsn{}) : Lsn::parse(table.added_lsn);
    if (added && *added) request.added_at[table.source] = *added;
  }
  const auto fingerprint = stream_fingerprint(request.job);
  keep_findings(*run);
  request.system.told = told_of(*run, request.job.slot);
  run->slot_read = request.job.slot;
  run->stream = {};
  run->stream = {std::make_unique<pipeline::StreamRun>(std::move(request)), fingerprint, false, false};
  return {};
}

void PipelineDataplane::stop_load(const Pipe& pipe) {
  const auto run = run_of(pipe.uid);
  drop_probe(*run);
  reaper_.take(std::move(run->slot_maker));
  run->slot.reset();
  run->load.stop();
}

void PipelineDataplane::stop_stream(const Pipe& pipe) {
  const auto run = run_of(pipe.uid);
  drop_probe(*run);
  keep_findings(*run);
  run->stream.stop();
}

Status PipelineDataplane::take_down_former(const Pipe& pipe, const reconcile::Credentials& credentials) {
  const auto run = run_of(pipe.uid);
  drop_probe(*run);
  run->parts_before.clear();
  run->told.reset();
  reaper_.take(std::move(run->slot_maker));
  const auto& replication = pipe.status.replication;
  return pipeline::release(bounded(pipe, job_of(pipe, credentials)),
                           {.prefix = reconcile::own_prefix(pipe.uid),
                            .slot = replication.owns_slot,
                            .publication = replication.owns_publication,
                            .except = replication.slot});
}

Result<reconcile::SwapFacts> PipelineDataplane::swap(const Pipe& pipe,
                                                     const reconcile::Credentials& credentials,
                                                     const std::vector<reconcile::SwapWish>& tables) {
  std::vector<std::string> sources;
  for (const auto& table : tables)
    sources.push_back(table.source);
  auto job = bounded(pipe, job_among_others(pipe, credentials, sources));
  drop_probe(*run_of(pipe.uid));
  {
    // It is to end before what the spec asks for now.
    const std::lock_guard lock(mutex_);
    const auto& calls = calls_[pipe.uid];
    job.source.limits =
        job.destination.limits = {kAnswerLimit, calls.changed.get_token(), calls.removed.get_token()};
  }
  PENSTOCK_ASSIGN(auto kept, pipeline::swap_tables(job));
  return reconcile::SwapFacts{std::move(kept)};
}

Status PipelineDataplane::release(const Pipe& pipe, const reconcile::Credentials& credentials,
                                  const reconcile::ReleaseWish& wish) {
  return pipeline::release(bounded(pipe, job_of(pipe, credentials)),
                           {.prefix = reconcile::own_prefix(pipe.uid),
                            .slot = wish.slot,
                            .publication = wish.publication,
                            .targets = wish.targets,
                            .give_back = wish.give_back,
                            .staging = wish.staging,
                            .no_source = wish.no_source,
                            .no_destination = wish.no_destination});
}

void PipelineDataplane::forget(const std::string& uid) {
  interrupt(uid, Interruption::Removed);
  auto run = take(uid);
  if (!run) return;
  if (run->probe) run->probe->abandon();
  if (run->load.run) run->load.run->stop(pipeline::StopMode::Now);
  if (run->stream.run) run->stream.run->stop(pipeline::StopMode::Now);
  reaper_.take(std::move(run));
}

}  // namespace penstock::adapters
