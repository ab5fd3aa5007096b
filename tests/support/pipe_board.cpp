#include "tests/support/pipe_board.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace penstock::test {
namespace {

constexpr std::chrono::milliseconds kBetweenLooks{400};

}  // namespace

PipeBoard::PipeBoard(DevServer& dev) : dev_(dev), thread_([this] { work(); }) {}

PipeBoard::~PipeBoard() {
  {
    const std::lock_guard guard(lock_);
    stopped_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

std::string PipeBoard::apply(const std::string& yaml) {
  return hand_in({yaml});
}

void PipeBoard::remove(const std::string& pipe) {
  (void)hand_in({"", pipe});
}

std::string PipeBoard::hand_in(Request wanted) {
  const auto request = std::make_shared<Request>(std::move(wanted));
  std::unique_lock guard(lock_);
  waiting_.push_back(request);
  changed_.notify_all();
  changed_.wait(guard, [&] { return request->done || stopped_; });
  return request->done ? request->error : "the board is gone";
}

nlohmann::json PipeBoard::pipe(const std::string& name) const {
  const std::lock_guard guard(lock_);
  const auto at = pipes_.find(name);
  return at == pipes_.end() ? nlohmann::json() : at->second;
}

bool PipeBoard::wait(const std::string& name, const std::function<bool(const nlohmann::json&)>& condition,
                     std::chrono::milliseconds limit) const {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  std::unique_lock guard(lock_);
  const auto first = asked_ + 1;
  const auto holds = [&] {
    const auto at = pipes_.find(name);
    return answered_ >= first && at != pipes_.end() && condition(at->second);
  };
  return changed_.wait_until(guard, deadline, holds);
}

bool PipeBoard::wait_until_gone(const std::string& pipe, std::chrono::milliseconds limit) const {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  std::unique_lock guard(lock_);
  const auto first = asked_ + 1;
  return changed_.wait_until(guard, deadline, [&] { return answered_ >= first && !pipes_.contains(pipe); });
}

void PipeBoard::work() {
  std::unique_lock guard(lock_);
  while (!stopped_) {
    const auto batch = std::exchange(waiting_, {});
    guard.unlock();
    if (!batch.empty()) apply_all(batch);
    const auto begun = std::chrono::steady_clock::now();
    look();
    const auto took =
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begun);
    guard.lock();
    changed_.notify_all();
    changed_.wait_for(guard, std::max(kBetweenLooks, took * 2), [this] { return stopped_; });
  }
  for (const auto& request : waiting_)
    request->done = true, request->error = "the board is gone";
  changed_.notify_all();
}

void PipeBoard::apply_all(const std::deque<std::shared_ptr<Request>>& batch) {
  std::string all;
  std::vector<std::string> deletion{"delete", "pipe", "--ignore-not-found", "--wait=false"};
  for (const auto& request : batch) {
    if (!request->yaml.empty()) all += request->yaml + "\n---\n";
    if (!request->pipe.empty()) deletion.push_back(request->pipe);
  }
  if (deletion.size() > 4) (void)dev_.kubectl(deletion);
  const bool together = all.empty() || dev_.kubectl({"apply", "-f", "-"}, all).ok();
  for (const auto& request : batch) {
    std::string error;
    if (!together && !request->yaml.empty()) {
      const auto alone = dev_.kubectl({"apply", "-f", "-"}, request->yaml);
      if (!alone.ok()) error = alone.err + alone.out + "kubectl did not take it";
    }
    const std::lock_guard guard(lock_);
    request->error = error;
    request->done = true;
    changed_.notify_all();
  }
}

void PipeBoard::look() {
  std::uint64_t number = 0;
  {
    const std::lock_guard guard(lock_);
    number = ++asked_;
  }
  const auto answer = dev_.kubectl({"get", "pipes", "-o", "json"});
  std::map<std::string, nlohmann::json> pipes;
  const auto list = nlohmann::json::parse(answer.out, nullptr, false);
  if (!answer.ok() || list.is_discarded()) return;  // asked again
  for (const auto& item : list.value("items", nlohmann::json::array()))
    pipes[item["metadata"]["name"].get<std::string>()] = item;
  const std::lock_guard guard(lock_);
  pipes_ = std::move(pipes);
  answered_ = number;
}

}  // namespace penstock::test
