#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "controller/engine/peer_wait.hpp"
#include "controller/engine/request_options.hpp"

namespace penstock::engine {

struct RequestHead {
  std::string method;
  std::string target;
  HeaderFields headers;
  bool keep_alive = true;
  bool http_1_0 = false;  ///< no chunked answers for it

  [[nodiscard]] std::string header(std::string_view lower_case_name) const;
};

/// The server's end of one HTTP/1.1 connection: blocking, one thread at a time, no allocation per byte. Owns
/// the socket. Silence ends it: `idle` between requests, `stalled` within one, both ways; so does a client
/// that is not silent, but slow: `head` for a request's head, `statement` for what comes before its statement
/// begins, and for what is read on after it.
class HttpConnection {
 public:
  struct Timeouts {
    std::chrono::milliseconds idle;
    std::chrono::milliseconds stalled;
    std::chrono::milliseconds head;
    std::chrono::milliseconds statement;
  };
  enum class HeadFailure { Closed, Malformed, TooLarge };

  HttpConnection(int socket, Timeouts timeouts);
  ~HttpConnection();
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  /// The next request's head. Closed: the peer went, was silent for too long, or broke off.
  [[nodiscard]] tl::expected<RequestHead, HeadFailure> read_head();

  /// The next bytes of its body, chunks already taken apart: fills `into` unless the body ends. Zero at the
  /// end, nothing when the connection broke before. Asks a client that waits for "100 Continue" to go on.
  [[nodiscard]] tl::expected<std::size_t, std::string> read_body(char* into, std::size_t size);
  [[nodiscard]] bool body_finished() const;
  /// True when the head says that there is a body and nothing of it was asked for yet: "100 Continue" is
  /// unsent.
  [[nodiscard]] bool client_is_waiting() const;

  /// Sends it all; false when the peer is gone or takes nothing for too long.
  [[nodiscard]] bool write(std::string_view first, std::string_view second = {}, std::string_view third = {});

  [[nodiscard]] int socket() const;

  /// A statement's work begins and ends: meanwhile only `stalled` counts.
  void statement_begins();
  void statement_ends();
  /// Any thread. It lasts from one statement to the next, and within one while read_body and write wait.
  [[nodiscard]] const PeerWait& peer_wait() const;
  /// Any thread: true between statement_begins() and statement_ends().
  [[nodiscard]] bool runs_statement() const;

  /// Ends the connection so that a client still sending reads our answer first: sends the end, then reads and
  /// drops what comes, at most `limit` long.
  void linger(std::chrono::milliseconds limit);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace penstock::engine
