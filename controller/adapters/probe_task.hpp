#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "core/result.hpp"
#include "crds/pipe.hpp"
#include "dataplane/pipeline/probe.hpp"

namespace penstock::adapters {

/// What a probe is asked about, of what the reconciler decides on: its answer holds while this is the same.
/// What the stream finds meanwhile is no part of it, for a probe says how things were when it began.
struct ProbeBasis {
  pipeline::PipeJob job;  ///< as the Pipe tells it
  /// By table, what of its life the answer is recorded by.
  struct Table {
    std::string source;
    std::optional<TableState> state;
    bool making = false;
    bool operator==(const Table&) const = default;
  };
  std::vector<Table> tables;
  bool operator==(const ProbeBasis&) const = default;

  [[nodiscard]] static ProbeBasis of(pipeline::PipeJob job, const PipeStatus& status);
};

/// One probe of source and targets, on a thread of its own: one of many tables takes long, and no pass waits
/// for it. One caller at a time.
class ProbeTask {
 public:
  struct Request {
    ProbeBasis basis;
    pipeline::PipeJob job;  ///< with what the stream has found; the limits of its endpoints are the task's
    pipeline::SourceSystem system;
    std::vector<TableName> all_tables;  ///< of the Pipe, set apart or not
    std::function<void()> ended;        ///< called on the task's thread
  };
  struct Report {
    pipeline::ProbeReport probe;
    std::vector<std::string> strangers;  ///< tables in our own publication that are none of the Pipe's
  };

  /// Fails (Transient) where no thread can be had.
  static Result<std::unique_ptr<ProbeTask>> start(Request request, std::chrono::milliseconds answer_limit);
  ~ProbeTask();
  ProbeTask(const ProbeTask&) = delete;
  ProbeTask& operator=(const ProbeTask&) = delete;

  [[nodiscard]] const ProbeBasis& basis() const { return request_.basis; }
  [[nodiscard]] const pipeline::PipeJob& job() const { return request_.job; }
  /// Nobody wants the answer any more: the thread ends soon.
  void abandon() { stop_.request_stop(); }
  [[nodiscard]] bool ended() const;
  /// The answer, at most once; nullopt: not there after `limit`.
  [[nodiscard]] std::optional<Result<Report>> wait(std::chrono::milliseconds limit);

 private:
  explicit ProbeTask(Request request) : request_(std::move(request)) {}
  [[nodiscard]] Result<Report> run() const;

  Request request_;
  std::stop_source stop_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool ended_ = false;
  std::optional<Result<Report>> report_;
  std::jthread thread_;
};

}  // namespace penstock::adapters
