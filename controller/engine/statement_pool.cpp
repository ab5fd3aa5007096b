#include "controller/engine/statement_pool.hpp"

#include <fmt/format.h>

namespace penstock::engine {
namespace {
constexpr std::size_t kFreshSessions = 4;
}

StatementPool::Lease::Lease(Lease&& other) noexcept
    : pool_(std::exchange(other.pool_, nullptr)), connection_(std::move(other.connection_)) {}

StatementPool::Lease::~Lease() {
  if (pool_ == nullptr) return;
  connection_.reset();
  pool_->release();
}

StatementPool::StatementPool(const ChdbApi& api, std::vector<std::string> arguments, std::size_t limit,
                             std::chrono::milliseconds patience, Connection keeper)
    : api_(&api),
      arguments_(std::move(arguments)),
      limit_(limit),
      patience_(patience),
      keeper_(std::move(keeper)) {}

Result<std::unique_ptr<StatementPool>> StatementPool::start(const ChdbApi& api,
                                                            std::vector<std::string> arguments,
                                                            std::size_t limit,
                                                            std::chrono::milliseconds patience) {
  PENSTOCK_ASSIGN(auto keeper, Connection::open(api, arguments));
  return std::unique_ptr<StatementPool>(
      new StatementPool(api, std::move(arguments), limit, patience, std::move(keeper)));
}

EngineResult<StatementPool::Lease> StatementPool::acquire() {
  std::unique_lock lock(mutex_);
  if (!freed_.wait_for(lock, patience_, [this] { return running_ < limit_; })) {
    return refuse(ErrorCode::TooManySimultaneousQueries,
                  fmt::format("Too many simultaneous queries. Maximum: {}; waited {} ms for one to end",
                              limit_, patience_.count()));
  }
  ++running_;
  if (!fresh_.empty()) {
    Connection connection = std::move(fresh_.back());
    fresh_.pop_back();
    return Lease(*this, std::move(connection));
  }
  lock.unlock();
  auto connection = open_extra();
  if (!connection) {
    const std::lock_guard relock(mutex_);
    --running_;
    freed_.notify_one();
    return refuse(ErrorCode::UnknownException, connection.error().text());
  }
  return Lease(*this, *std::move(connection));
}

void StatementPool::release() {
  bool wanted = false;
  {
    const std::lock_guard lock(mutex_);
    --running_;
    wanted = fresh_.size() < kFreshSessions;
    freed_.notify_one();
  }
  if (!wanted) return;
  auto connection = open_extra();
  const std::lock_guard lock(mutex_);
  if (connection && fresh_.size() < kFreshSessions) fresh_.push_back(*std::move(connection));
}

}  // namespace penstock::engine
