#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace penstock::apiserver {

struct HttpRequest {
  std::string method = "GET";
  std::string target = "/";
  std::string body{};
  std::map<std::string, std::string> headers{};
};

struct HttpResponse {
  int status = 0;
  std::map<std::string, std::string> headers{};  ///< names in lower case
  std::string body{};
};

/// One TLS connection to 127.0.0.1 that trusts one certificate. Every call throws std::runtime_error when the
/// connection fails or nothing comes for ten seconds.
class HttpsClient {
 public:
  HttpsClient(std::uint16_t port, const std::string& certificate_pem, std::string token);
  ~HttpsClient();
  HttpsClient(HttpsClient&&) noexcept;

  /// The connection is kept: the next request goes over the same.
  HttpResponse send(const HttpRequest& request);
  HttpResponse get(const std::string& target) { return send({.target = target}); }

  /// Sends bytes as they are.
  void send_raw(const std::string& bytes);
  /// Reads one response.
  HttpResponse read();

  /// Sends a GET and reads the head of its endless answer; its status.
  int start_watch(const std::string& target);
  /// The next line of the watch; nothing when the server ended it (properly, by a last chunk) or `limit` is
  /// over.
  std::optional<std::string> next_line(std::chrono::milliseconds limit = std::chrono::seconds(10));
  /// True when next_line() answered nothing because the server ended the watch.
  [[nodiscard]] bool watch_ended() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace penstock::apiserver
