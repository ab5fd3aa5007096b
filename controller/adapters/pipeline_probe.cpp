// The probe of PipelineDataplane: what it is asked with, and what becomes of its answer.

#include "controller/adapters/pipe_job.hpp"
#include "controller/adapters/pipeline_dataplane.hpp"

namespace penstock::adapters {
namespace {
/// How long a pass waits for a probe's answer; the next one goes on waiting.
constexpr std::chrono::milliseconds kProbeWait{500};
}  // namespace

void PipelineDataplane::drop_probe(Run& run) {
  if (!run.probe) return;
  run.probe->abandon();
  reaper_.take(std::move(run.probe));
}

Result<std::unique_ptr<ProbeTask>> PipelineDataplane::start_probe(const Pipe& pipe, Run& run,
                                                                  ProbeBasis basis) {
  ProbeTask::Request request;
  request.job = basis.job;
  const auto truncates = truncates_of(run);
  for (auto& table : request.job.tables)
    if (const auto at = truncates.find(table.source_text); at != truncates.end())
      table.truncated_by = at->second;
  add_streamed(pipe, run, request.job);
  request.system = system_of(pipe);
  if (!run.stream.run) request.system.told = told_of(run, request.job.slot);
  for (const auto& table : job_of(pipe, {}).tables)
    request.all_tables.push_back(table.source);
  request.basis = std::move(basis);
  request.ended = [changed = hooks_.changed, key = runtime::ObjectKey{pipe.ns, pipe.name}] { changed(key); };
  return ProbeTask::start(std::move(request), kAnswerLimit);
}

Result<std::optional<reconcile::ProbeFacts>> PipelineDataplane::probe(
    const Pipe& pipe, const reconcile::Credentials& credentials) {
  const auto run = run_of(pipe.uid);
  auto basis = ProbeBasis::of(job_of(pipe, credentials, JobTables::Streamed), pipe.status);
  if (run->probe && run->probe->basis() != basis) drop_probe(*run);
  if (!run->probe) {
    PENSTOCK_ASSIGN(run->probe, start_probe(pipe, *run, std::move(basis)));
  }
  auto report = run->probe->wait(kProbeWait);
  if (!report) return std::nullopt;
  const auto ended = std::move(run->probe);
  if (!*report) return fail(std::move(report->error()));
  return take_up(*run, pipe, ended->job(), **std::move(report));
}

reconcile::ProbeFacts PipelineDataplane::take_up(Run& run, const Pipe& pipe, const pipeline::PipeJob& job,
                                                 ProbeTask::Report found) {
  auto& report = found.probe;
  for (const auto& table : job.tables) {
    const auto seen = report.tables.find(table.source_text);
    if (seen == report.tables.end()) continue;
    if (!report.end || !seen->second.in_doubt)
      run.looked_to.erase(table.source_text);
    else if (table.stream_has_passed || !run.looked_to.contains(table.source_text))
      run.looked_to[table.source_text] = report.end;
  }
  std::map<std::string, std::string> definitions;
  for (const auto& [source, table] : report.tables)
    definitions[source] = table.definition;
  if (run.stream.run) run.stream.run->learn(definitions);
  if (!job.slot.empty()) {
    hooks_.slot_seen(pipe.uid, report.slot);
    hooks_.slots_seen(pipe.uid, job.source.host + ":" + std::to_string(job.source.port),
                      report.slots_of_pipes);
  }
  run.strangers = std::move(found.strangers);
  run.unseen = std::move(report.unseen);
  reconcile::ProbeFacts out;
  out.timeline = report.system.timeline;
  for (auto& [source, table] : report.tables)
    out.tables[source] = {std::move(table.changes), std::move(table.partition_changes),
                          std::move(table.partitions), std::move(table.definition),
                          std::move(table.differences)};
  std::set<std::string> missing;
  for (auto& fault : report.faults) {
    // For a moment it may be detached, or hidden.
    const bool target = fault.error.reason == "TargetMissing";
    if (target) missing.insert(fault.source);
    if (!target || run.missing_targets.contains(fault.source))
      out.lost.emplace(fault.source, std::move(fault.error));
  }
  run.missing_targets = std::move(missing);
  return out;
}

}  // namespace penstock::adapters
