#include "dataplane/pipeline/load_workers.hpp"

#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "core/log.hpp"
#include "core/thread.hpp"

namespace penstock::pipeline {
namespace {

/// Until a thread is asked for again.
constexpr std::chrono::milliseconds kThreadPause{5'000};

/// Workers whose threads are about to end.
class LeftWorkers {
 public:
  void note(std::size_t number) {
    const std::lock_guard lock(mutex_);
    numbers_.push_back(number);
  }
  std::vector<std::size_t> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(numbers_, {});
  }

 private:
  std::mutex mutex_;
  std::vector<std::size_t> numbers_;
};

}  // namespace

Status run_workers(LoadBoard& board, const LoadContext& context) {
  LeftWorkers left;
  std::map<std::size_t, std::jthread> threads;  // last: they end before what they use
  for (std::size_t number = 0; board.admit(); ++number) {
    for (const auto one : left.take())
      threads.erase(one);
    auto worker = start_thread("a worker of a load", [&, number] {
      work_on(board, context);
      left.note(number);
    });
    if (worker) {
      threads.emplace(number, *std::move(worker));
      continue;
    }
    board.dismiss();
    if (board.present() == 0) return fail(std::move(worker).error());
    log::warn("load", "{}: {}", context.job.name, worker.error().text());
    board.pause(kThreadPause);
  }
  return {};
}

}  // namespace penstock::pipeline
