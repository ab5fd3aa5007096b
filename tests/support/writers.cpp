#include "tests/support/writers.hpp"

#include <utility>

namespace penstock::test {

Writers::~Writers() {
  join();
}

void Writers::start(const PostgresServer& server, const std::string& database, Step step, int steps) {
  ++left_;
  threads_.emplace_back([this, &server, database, step = std::move(step), steps] {
    try {
      auto session = server.session(database);
      for (int at = 0; at < steps && go_on_.load(); ++at)
        step(session);
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!thrown_) thrown_ = std::current_exception();
    }
    --left_;
  });
}

void Writers::join() {
  go_on_.store(false);
  for (auto& thread : threads_)
    thread.join();
  threads_.clear();
  go_on_.store(true);
}

void Writers::stop() {
  join();
  if (auto thrown = std::exchange(thrown_, nullptr)) std::rethrow_exception(thrown);
}

}  // namespace penstock::test
