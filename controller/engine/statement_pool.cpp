#include "controller/engine/statement_pool.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace penstock::engine {
namespace {
using std::chrono::milliseconds;

constexpr std::size_t kFreshSessions = 4;
constexpr milliseconds kWaitsTooLong{2'000};
constexpr milliseconds kGlance{100};  // how often it is looked whether one waits too long
}  // namespace

StatementPool::Lease::Lease(Lease&& other) noexcept
    : pool_(std::exchange(other.pool_, nullptr)),
      client_(other.client_),
      connection_(std::move(other.connection_)) {}

StatementPool::Lease::~Lease() {
  if (pool_ == nullptr) return;
  connection_.reset();
  pool_->release(client_);
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

bool StatementPool::has_place() const {
  const auto working = std::count_if(running_.begin(), running_.end(),
                                     [](const PeerWait* client) { return client->lasted() < kWaitsTooLong; });
  return static_cast<std::size_t>(working) < limit_;
}

EngineResult<StatementPool::Lease> StatementPool::acquire(const PeerWait& client) {
  std::unique_lock lock(mutex_);
  const auto deadline = std::chrono::steady_clock::now() + patience_;
  while (!has_place()) {
    const auto now = std::chrono::steady_clock::now();
    if (now >= deadline) {
      return refuse(ErrorCode::TooManySimultaneousQueries,
                    fmt::format("Too many simultaneous queries. Maximum: {}; waited {} ms for one to end",
                                limit_, patience_.count()));
    }
    freed_.wait_until(lock, std::min(deadline, now + kGlance));
  }
  running_.push_back(&client);
  if (!fresh_.empty()) {
    Connection connection = std::move(fresh_.back());
    fresh_.pop_back();
    return Lease(*this, client, std::move(connection));
  }
  lock.unlock();
  auto connection = open_extra();
  if (!connection) {
    const std::lock_guard relock(mutex_);
    running_.erase(std::find(running_.begin(), running_.end(), &client));
    freed_.notify_one();
    return refuse(ErrorCode::UnknownException, connection.error().text());
  }
  return Lease(*this, client, *std::move(connection));
}

void StatementPool::release(const PeerWait* client) {
  bool wanted = false;
  {
    const std::lock_guard lock(mutex_);
    running_.erase(std::find(running_.begin(), running_.end(), client));
    wanted = fresh_.size() < kFreshSessions;
    freed_.notify_one();
  }
  if (!wanted) return;
  auto connection = open_extra();
  const std::lock_guard lock(mutex_);
  if (connection && fresh_.size() < kFreshSessions) fresh_.push_back(*std::move(connection));
}

}  // namespace penstock::engine
