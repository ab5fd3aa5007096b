#pragma once

#include <chrono>
#include <memory>

#include "controller/engine/http_connection.hpp"
#include "controller/engine/listen_address.hpp"
#include "controller/engine/statement_handler.hpp"
#include "core/result.hpp"

namespace penstock::engine {

/// How many connections an HttpServer has, and how long it waits for slow clients.
struct HttpServerOptions {
  std::size_t connections = 256;
  /// `idle` is above the 30 s that answers announce, so that it is the client who closes.
  HttpConnection::Timeouts timeouts{.idle = std::chrono::seconds(35),
                                    .stalled = std::chrono::seconds(300),
                                    .head = std::chrono::seconds(10),
                                    .statement = std::chrono::seconds(300)};
};

/// ClickHouse's HTTP interface: a thread for each connection. When there are too many, a new one takes the
/// place of the one that has waited for its client the longest; one that runs a statement only if that is
/// more than 5 s.
class HttpServer {
 public:
  /// Takes the address; connections are refused until serve().
  [[nodiscard]] static Result<std::unique_ptr<HttpServer>> bind(const ListenAddress& address,
                                                                HttpServerOptions options = {});
  ~HttpServer();

  /// The address with the port that it really has.
  [[nodiscard]] ListenAddress address() const;

  /// Answers requests in threads of its own until stop(). `handler` must outlive that.
  [[nodiscard]] Status serve(StatementHandler& handler);

  /// Takes no more requests, lets those that run finish for `grace`, then stops their statements and closes
  /// their connections. Returns when no thread is left.
  void stop(std::chrono::milliseconds grace);

 private:
  struct State;
  explicit HttpServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace penstock::engine
