#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "controller/engine/statement_handler.hpp"
#include "core/result.hpp"

namespace penstock::engine {

/// A listening address: HOST:PORT, [HOST]:PORT. Only loopback hosts are taken: the engine's one account has
/// no password.
struct ListenAddress {
  std::string host = "127.0.0.1";  ///< an IPv4 or IPv6 loopback address, without brackets
  int port = 0;                    ///< 0: any free one

  bool operator==(const ListenAddress&) const = default;
  [[nodiscard]] std::string text() const;
  [[nodiscard]] static Result<ListenAddress> parse(const std::string& text);
};

/// ClickHouse's HTTP interface: a thread for each connection, at most 256 of them.
class HttpServer {
 public:
  /// Takes the address; connections are refused until serve().
  [[nodiscard]] static Result<std::unique_ptr<HttpServer>> bind(const ListenAddress& address);
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
