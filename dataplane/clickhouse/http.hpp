#pragma once

// HTTP/1.1 POSTs over one kept-alive connection, without any knowledge of ClickHouse but its exception
// header. What matters here is to know, when no answer comes, whether the request can have been carried out.

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "core/call_limits.hpp"

namespace penstock::clickhouse {

/// Puts the next pieces of a body into its argument, valid until the next call; leaves it empty at the body's
/// end. False: the request is to be given up.
using BodySource = std::function<bool(std::vector<std::string_view>& pieces)>;

struct HttpRequest {
  std::string url;
  std::vector<std::string> headers;
  std::span<const std::string_view> body;  ///< sent one after the other, with a Content-Length, never joined
  /// Asked for what follows `body`. The length is not known then (RFC 9112, section 7.1, "Chunked Transfer
  /// Coding"), and nothing is sent twice.
  BodySource more{};
  bool repeatable = false;                   ///< may be sent twice
  std::chrono::milliseconds total_limit{0};  ///< 0: none
  std::chrono::seconds silence_limit{0};     ///< no byte in either direction for so long; 0: none
  /// Asked when no byte has gone either way for `look_after`: does the server work on the request? When it
  /// does not, the connection passes nothing any more. Empty: not asked.
  std::function<bool()> at_work{};
  std::chrono::milliseconds look_after{0};
  CallLimits limits{};                   ///< of these, `hurry` and `stop`
  std::size_t answer_limit = 64U << 20;  ///< of an answer with a status below 300
};

struct HttpAnswer {
  int status = 0;
  int exception_code = 0;  ///< X-ClickHouse-Exception-Code, 0 when absent
  std::string server;      ///< X-ClickHouse-Server-Display-Name, empty when absent
  std::string body;        ///< of an answer with another status, the first 64 KiB
};

struct HttpFault {
  enum class Kind {
    Unreachable,  ///< no connection: not resolved, refused, not answered within 10 s
    TlsRefused,   ///< the certificate is not trusted, or the two do not speak TLS with each other
    TimedOut,     ///< total_limit, silence_limit, or not at_work
    Lost,         ///< the connection broke
    NotHttp,      ///< something else than HTTP came
    TooLarge,     ///< the answer is above answer_limit
    Cancelled,    ///< by the request's limits, or by the body's source
    Defect        ///< a request that cannot be made
  };
  Kind kind = Kind::Defect;
  std::string text;
  bool sent = false;  ///< a part of the body at least left: it may have been carried out
};

/// One thread at a time. Redirects are not followed, cookies not kept, nothing is read from
/// files.
class HttpConnection {
 public:
  /// `ca_pem`: trust these certificates and no others; empty: the system's. `ignore_proxies`: of the
  /// environment.
  HttpConnection(const std::string& ca_pem, bool ignore_proxies);
  ~HttpConnection();
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  [[nodiscard]] tl::expected<HttpAnswer, HttpFault> post(const HttpRequest& request);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace penstock::clickhouse
