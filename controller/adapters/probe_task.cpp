#include "controller/adapters/probe_task.hpp"

#include <utility>

#include "core/thread.hpp"
#include "dataplane/pipeline/reach.hpp"
#include "dataplane/postgres/catalog.hpp"

namespace penstock::adapters {

ProbeBasis ProbeBasis::of(pipeline::PipeJob job, const PipeStatus& status) {
  ProbeBasis out{std::move(job), {}};
  for (const auto& table : status.tables)
    out.tables.push_back({table.source, table.state, table.making});
  return out;
}

Result<std::unique_ptr<ProbeTask>> ProbeTask::start(Request request, std::chrono::milliseconds answer_limit) {
  std::unique_ptr<ProbeTask> out(new ProbeTask(std::move(request)));
  const CallLimits limits{answer_limit, {}, out->stop_.get_token()};
  out->request_.job.source.limits = out->request_.job.destination.limits = limits;
  PENSTOCK_ASSIGN(out->thread_, start_thread("a probe", [task = out.get()] {
                    auto report = task->run();
                    {
                      const std::lock_guard lock(task->mutex_);
                      task->report_ = std::move(report);
                      task->ended_ = true;
                      task->changed_.notify_all();
                    }
                    if (!task->stop_.stop_requested()) task->request_.ended();
                  }));
  return out;
}

ProbeTask::~ProbeTask() {
  abandon();
  if (thread_.joinable()) thread_.join();
}

Result<ProbeTask::Report> ProbeTask::run() const {
  Report out;
  const auto& job = request_.job;
  if (job.slot.empty()) {
    PENSTOCK_ASSIGN(out.probe.system, pipeline::reach(job, request_.system));
    return out;
  }
  PENSTOCK_ASSIGN(out.probe, pipeline::probe(job, request_.system));
  if (out.probe.unlisted.empty()) return out;
  // Where that cannot be told now, the next probe tells.
  const auto strangers = postgres::strangers_to(job.source, request_.all_tables, out.probe.unlisted);
  for (const auto& name : strangers.value_or(std::vector<TableName>{}))
    out.strangers.push_back(name.text());
  return out;
}

bool ProbeTask::ended() const {
  const std::lock_guard lock(mutex_);
  return ended_;
}

std::optional<Result<ProbeTask::Report>> ProbeTask::wait(std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, limit, [this] { return report_.has_value(); });
  return std::exchange(report_, std::nullopt);
}

}  // namespace penstock::adapters
