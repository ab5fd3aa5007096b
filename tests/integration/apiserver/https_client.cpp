#include "tests/integration/apiserver/https_client.hpp"

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>

namespace penstock::apiserver {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;

namespace {
constexpr std::chrono::seconds kLimit{10};
}

struct HttpsClient::State {
  explicit State(std::string bearer) : token(std::move(bearer)) {}

  /// Runs one asynchronous operation with a limit; throws on an error.
  template <typename Start>
  error_code run(Start start, std::chrono::milliseconds limit = kLimit) {
    error_code result = asio::error::would_block;
    beast::get_lowest_layer(stream).expires_after(limit);
    start([&result](error_code error, auto&&...) { result = error; });
    io.restart();
    io.run();
    return result;
  }
  template <typename Start>
  void must(const char* what, Start start) {
    const auto error = run(start);
    if (error) throw std::runtime_error(std::string(what) + ": " + error.message());
  }

  asio::io_context io;
  asio::ssl::context tls{asio::ssl::context::tls_client};
  beast::ssl_stream<beast::tcp_stream> stream{io, tls};
  beast::flat_buffer buffer;
  std::string token;
  std::optional<http::response_parser<http::buffer_body>> watch;
  std::string lines;
  bool ended = false;
};

HttpsClient::HttpsClient(std::uint16_t port, const std::string& certificate_pem, std::string token)
    : state_(std::make_unique<State>(std::move(token))) {
  auto& s = *state_;
  s.tls.add_certificate_authority(asio::buffer(certificate_pem));
  s.stream = beast::ssl_stream<beast::tcp_stream>(s.io, s.tls);
  s.stream.set_verify_mode(asio::ssl::verify_peer);
  s.stream.set_verify_callback(asio::ssl::host_name_verification("127.0.0.1"));
  s.must("connect", [&](auto done) {
    beast::get_lowest_layer(s.stream).async_connect({asio::ip::make_address("127.0.0.1"), port}, done);
  });
  s.must("handshake", [&](auto done) { s.stream.async_handshake(asio::ssl::stream_base::client, done); });
}

HttpsClient::~HttpsClient() = default;
HttpsClient::HttpsClient(HttpsClient&&) noexcept = default;

HttpResponse HttpsClient::send(const HttpRequest& request) {
  auto& s = *state_;
  http::request<http::string_body> message;
  message.method_string(request.method);
  message.target(request.target);
  message.version(11);
  message.set(http::field::host, "127.0.0.1");
  if (!s.token.empty()) message.set(http::field::authorization, "Bearer " + s.token);
  if (!request.body.empty()) message.set(http::field::content_type, "application/json");
  for (const auto& [name, value] : request.headers) {
    message.set(name, value);
  }
  message.body() = request.body;
  message.prepare_payload();
  s.must("write", [&](auto done) { http::async_write(s.stream, message, done); });
  return read();
}

void HttpsClient::send_raw(const std::string& bytes) {
  auto& s = *state_;
  s.must("write", [&](auto done) { asio::async_write(s.stream, asio::buffer(bytes), done); });
}

HttpResponse HttpsClient::read() {
  auto& s = *state_;
  http::response_parser<http::string_body> parser;
  parser.body_limit(64U << 20U);
  s.must("read", [&](auto done) { http::async_read(s.stream, s.buffer, parser, done); });
  HttpResponse response{static_cast<int>(parser.get().result_int()), {}, parser.get().body()};
  for (const auto& field : parser.get()) {
    std::string name(field.name_string());
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    response.headers[name] = std::string(field.value());
  }
  return response;
}

int HttpsClient::start_watch(const std::string& target) {
  auto& s = *state_;
  send_raw("GET " + target + " HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer " + s.token + "\r\n\r\n");
  s.watch.emplace();
  s.watch->body_limit(boost::none);
  s.must("read", [&](auto done) { http::async_read_header(s.stream, s.buffer, *s.watch, done); });
  return static_cast<int>(s.watch->get().result_int());
}

std::optional<std::string> HttpsClient::next_line(std::chrono::milliseconds limit) {
  auto& s = *state_;
  while (true) {
    const auto end = s.lines.find('\n');
    if (end != std::string::npos) {
      auto line = s.lines.substr(0, end);
      s.lines.erase(0, end + 1);
      return line;
    }
    if (s.watch->is_done()) {
      s.ended = true;
      return std::nullopt;
    }
    char piece[8192];
    s.watch->get().body().data = piece;
    s.watch->get().body().size = sizeof piece;
    const auto error =
        s.run([&](auto done) { http::async_read_some(s.stream, s.buffer, *s.watch, done); }, limit);
    if (error && error != http::error::need_buffer) return std::nullopt;
    s.lines.append(piece, sizeof piece - s.watch->get().body().size);
  }
}

bool HttpsClient::watch_ended() const {
  return state_->ended;
}

}  // namespace penstock::apiserver
