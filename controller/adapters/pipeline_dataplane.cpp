#include "controller/adapters/pipeline_dataplane.hpp"

#include <chrono>
#include <thread>

#include "controller/adapters/pipe_job.hpp"
#include "controller/adapters/run_facts.hpp"
#include "dataplane/pipeline/setup.hpp"
#include "dataplane/postgres/catalog.hpp"

namespace penstock::adapters {
namespace {
/// How long a pass waits for a slot; the next one goes on waiting.
constexpr std::chrono::seconds kSlotWait{2};
}  // namespace

bool PipelineDataplane::Run::ended() const {
  if (load) return load->facts().run.ended;
  if (stream) return stream->facts().run.ended;
  return true;
}

PipelineDataplane::~PipelineDataplane() {
  const std::lock_guard lock(mutex_);
  for (const auto& [uid, run] : runs_) {  // ask all first, so that they end side by side
    if (run->load) run->load->stop(pipeline::StopMode::Now);
    if (run->stream) run->stream->stop(pipeline::StopMode::AfterPartitions);
  }
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(3);
  for (const auto& [uid, run] : runs_)
    while (!run->ended() && std::chrono::steady_clock::now() < deadline)
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
  const auto at = runs_.find(uid);
  if (at == runs_.end()) return nullptr;
  auto run = std::move(at->second);
  runs_.erase(at);
  return run;
}

reconcile::RunFacts PipelineDataplane::observe(const Pipe& pipe) {
  const auto run = run_of(pipe.uid);
  reconcile::RunFacts out;
  if (run->load) out = facts_of(run->load->facts());
  if (run->stream) out = facts_of(run->stream->facts(), run->streamed_before);
  out.fingerprint = run->fingerprint;
  out.stopping = run->stopping;
  return out;
}

std::string PipelineDataplane::fingerprint(const Pipe& pipe, const reconcile::Credentials& credentials) {
  return fingerprint_of(job_of(pipe, credentials));
}

Result<reconcile::SetupFacts> PipelineDataplane::set_up(const Pipe& pipe,
                                                        const reconcile::Credentials& credentials) {
  PENSTOCK_ASSIGN(const auto report, pipeline::set_up(job_of(pipe, credentials)));
  reconcile::SetupFacts out;
  out.source = {report.system.identifier, report.system.timeline, report.system.database};
  for (const auto& table : report.tables)
    out.tables.push_back({table.source, table.target, table.rows_estimated});
  return out;
}

Status PipelineDataplane::ensure_publication(const Pipe& pipe, const reconcile::Credentials& credentials) {
  const auto job = job_of(pipe, credentials);
  std::vector<TableName> tables;
  for (const auto& table : job.tables)
    tables.push_back(table.source);
  return postgres::ensure_publication(job.source, job.publication, tables);
}

Result<Lsn> PipelineDataplane::create_slot(const Pipe& pipe, const reconcile::Credentials& credentials) {
  const auto job = job_of(pipe, credentials);
  const auto run = run_of(pipe.uid);
  run->slot.reset();
  if (run->slot_maker && run->slot_maker->endpoint() != job.source) run->slot_maker.reset();
  if (!run->slot_maker) {
    PENSTOCK_TRY(postgres::drop_slot(job.source, job.slot));
    run->slot_maker = std::make_unique<SlotMaker>(job.source, job.slot);
  }
  auto made = run->slot_maker->wait(kSlotWait);
  if (!made) return fail(run->slot_maker->waiting_for());
  run->slot_maker.reset();
  if (!*made) return fail(std::move(made->error()));
  run->slot = *std::move(*made);
  return run->slot->restart_lsn;
}

Status PipelineDataplane::start_load(const Pipe& pipe, const reconcile::Credentials& credentials) {
  const auto run = run_of(pipe.uid);
  pipeline::LoadRequest request;
  request.job = job_of(pipe, credentials);
  request.system = system_of(pipe);
  request.resume = resume_of(pipe.status);
  if (const auto lsn = Lsn::parse(pipe.status.replication.start_lsn)) request.version = *lsn;
  // The snapshot belongs to the slot that the status tells of: one made by an attempt that was not recorded
  // is gone.
  if (run->slot && run->slot->restart_lsn == request.version) request.slot = std::move(run->slot);
  run->slot.reset();
  request.changed = [changed = changed_, key = runtime::ObjectKey{pipe.ns, pipe.name}] { changed(key); };
  run->stream.reset();
  run->load.reset();
  run->stopping = false;
  run->fingerprint = fingerprint_of(request.job);
  run->load = std::make_unique<pipeline::LoadRun>(std::move(request));
  return {};
}

Status PipelineDataplane::start_stream(const Pipe& pipe, const reconcile::Credentials& credentials) {
  const auto run = run_of(pipe.uid);
  pipeline::StreamRequest request;
  request.job = job_of(pipe, credentials);
  request.system = system_of(pipe);
  request.changed = [changed = changed_, key = runtime::ObjectKey{pipe.ns, pipe.name}] { changed(key); };
  run->slot.reset();
  run->load.reset();
  run->stream.reset();
  run->stopping = false;
  run->streamed_before.clear();
  for (const auto& table : pipe.status.tables)
    run->streamed_before[table.source] = table.rows_streamed;
  run->fingerprint = fingerprint_of(request.job);
  run->stream = std::make_unique<pipeline::StreamRun>(std::move(request));
  return {};
}

void PipelineDataplane::stop(const Pipe& pipe) {
  const auto run = run_of(pipe.uid);
  if (run->ended()) {
    run->load.reset();
    run->stream.reset();
    run->stopping = false;
    return;
  }
  run->stopping = true;
  if (run->load) run->load->stop(pipeline::StopMode::AfterPartitions);
  if (run->stream) run->stream->stop(pipeline::StopMode::AfterPartitions);
}

Status PipelineDataplane::release(const Pipe& pipe, const reconcile::Credentials& credentials,
                                  const reconcile::ReleaseWish& wish) {
  take(pipe.uid);
  return pipeline::release(job_of(pipe, credentials), {wish.slot, wish.publication, wish.targets});
}

void PipelineDataplane::forget(const std::string& uid) {
  take(uid);
}

}  // namespace penstock::adapters
