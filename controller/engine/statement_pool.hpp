#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

#include "controller/engine/chdb_connection.hpp"
#include "controller/engine/peer_wait.hpp"

namespace penstock::engine {

/// How many statements run at once, and fresh engine sessions to run them in. One that has waited for its
/// client for two seconds is not counted: slow clients hold nobody up. All methods from any thread.
class StatementPool {
 public:
  /// The right to run one statement, in a session that nobody used before. Gives both back when destroyed;
  /// must not outlive the pool.
  class Lease {
   public:
    Lease(StatementPool& pool, const PeerWait& client, Connection connection)
        : pool_(&pool), client_(&client), connection_(std::move(connection)) {}
    ~Lease();
    Lease(Lease&& other) noexcept;
    Lease& operator=(Lease&&) = delete;

    [[nodiscard]] Connection& connection() { return *connection_; }

   private:
    StatementPool* pool_;
    const PeerWait* client_;
    std::optional<Connection> connection_;
  };

  /// Starts the engine: `arguments` is its command line. `limit` statements at once; a request beyond waits
  /// up to `patience`.
  [[nodiscard]] static Result<std::unique_ptr<StatementPool>> start(const ChdbApi& api,
                                                                    std::vector<std::string> arguments,
                                                                    std::size_t limit,
                                                                    std::chrono::milliseconds patience);

  /// Error 202 (TOO_MANY_SIMULTANEOUS_QUERIES) when no place became free in time. `client` must outlive the
  /// lease.
  [[nodiscard]] EngineResult<Lease> acquire(const PeerWait& client);

  /// A session beside the limit, for housekeeping (KILL QUERY).
  [[nodiscard]] Result<Connection> open_extra() const { return Connection::open(*api_, arguments_); }

 private:
  StatementPool(const ChdbApi& api, std::vector<std::string> arguments, std::size_t limit,
                std::chrono::milliseconds patience, Connection keeper);
  void release(const PeerWait* client);
  [[nodiscard]] bool has_place() const;

  const ChdbApi* api_;
  std::vector<std::string> arguments_;
  std::size_t limit_;
  std::chrono::milliseconds patience_;
  Connection keeper_;  // the engine stops when its last session is closed

  std::mutex mutex_;
  std::condition_variable freed_;
  std::vector<const PeerWait*> running_;  // the clients of those that run
  std::vector<Connection> fresh_;
};

}  // namespace penstock::engine
