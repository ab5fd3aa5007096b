#include "controller/kube/http_transport.hpp"

#include "controller/kube/http_call.hpp"

// after http_call.hpp, which includes cpprestsdk as it must be
#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <iterator>
#include <mutex>
#include <optional>
#include <vector>

namespace penstock::kube {
namespace {

using runtime::SteadyTime;
using web::http::client::http_client;
using web::http::client::http_client_config;

constexpr std::size_t kLargestAnswer = std::size_t{512} << 20;
constexpr std::size_t kLargestError = std::size_t{1} << 20;
constexpr std::chrono::seconds kErrorBodyLimit{10};
// A connection that lay idle for longer may have been closed by the server, which a write cannot tell from a
// lost answer: such a one is not used again.
constexpr std::chrono::seconds kReusedWithin{5};

/// cpprestsdk tells by its texts alone whether anything had been sent.
bool was_sent(std::string_view failure) {
  static constexpr std::array kBefore{"Failed to connect", "Error resolving", "Failed to resolve",
                                      "Error in SSL handshake"};
  return std::none_of(kBefore.begin(), kBefore.end(),
                      [&](const char* text) { return failure.starts_with(text); });
}

/// Retry-After in seconds; its other form, a date, is not used by API servers.
Millis retry_after_of(const std::string& header) {
  int seconds = 0;
  const auto [end, error] = std::from_chars(header.data(), header.data() + header.size(), seconds);
  if (error != std::errc{} || end == header.data() || seconds < 0) return Millis{0};
  return std::min<Millis>(std::chrono::seconds(seconds), std::chrono::minutes(5));
}

}  // namespace

class HttpTransport::Impl {
 public:
  Impl(std::shared_ptr<const KubeConfig> config, runtime::ControllerMetrics& metrics)
      : config_(std::move(config)),
        metrics_(metrics),
        server_(config_->server),
        client_config_(client_config_of(config_, server_)),
        last_token_(config_->token) {
    host_ = server_.host() + (server_.port() > 0 ? ":" + std::to_string(server_.port()) : "");
  }

  /// Sends the request and waits for the head of the answer; `use` then gets the call. A connection is kept
  /// for reuse when its answer was read to the end.
  template <typename Use>
  Result<HttpAnswer> perform(const HttpRequest& request, SteadyTime deadline, const std::stop_token& stop,
                             Use use) {
    if (stop.stop_requested()) return cancelled(request);
    HttpCall call;
    auto client = idle_client();
    try {
      if (!client) client = std::make_unique<http_client>(server_, client_config_);
      PENSTOCK_ASSIGN(const auto message, message_of(request));
      call.start(*client, message);
    } catch (const std::exception& thrown) {
      return fail(ErrorKind::Internal, "RequestNotSent", request.doing + ": " + redacted(thrown.what()));
    }
    auto answer = head_of(call, request, deadline, stop);
    metrics_.request_answered(answer ? std::to_string(answer->status) : "<error>", request.method, host_);
    if (answer) answer = use(call, *std::move(answer));
    // A server may quote what it refused.
    if (answer && answer->status >= 300) answer->body = redacted(std::move(answer->body));
    if (call.body().at_end() && !call.body().failure()) {
      keep_for_reuse(std::move(client));
    } else {
      call.give_up();
    }
    return answer;
  }

  Status read_some(HttpCall& call, std::string& out, const HttpRequest& request, SteadyTime deadline,
                   const std::stop_token& stop) const {
    const auto waited = call.body().read(out, deadline, stop);
    if (waited != ResponseBody::Wait::Ready) return fail(error_of_wait(waited, request));
    // What arrived before the connection broke is used first.
    if (out.empty() && call.body().failure()) return fail(error_of_failure(*call.body().failure(), request));
    return {};
  }

  Result<HttpAnswer> with_body(HttpCall& call, HttpAnswer answer, const HttpRequest& request,
                               SteadyTime deadline, const std::stop_token& stop) const {
    const bool refused = answer.status >= 300;
    while (!call.body().at_end() || call.body().failure()) {
      std::string bytes;
      const auto read = read_some(call, bytes, request, deadline, stop);
      // The status alone says what happened: a lost error text leaves nothing in doubt.
      if (!read && refused && read.error().kind != ErrorKind::Cancelled) return answer;
      if (!read) return fail(read.error());
      answer.body += bytes;
      if (refused && answer.body.size() > kLargestError) return answer;
      if (answer.body.size() > kLargestAnswer) {
        return fail(ErrorKind::BadData, "AnswerTooLarge",
                    request.doing + ": the answer is larger than 512 MiB");
      }
    }
    return answer;
  }

  [[nodiscard]] tl::unexpected<Error> cancelled(const HttpRequest& request) const {
    return fail(ErrorKind::Cancelled, "Cancelled", request.doing + ": stopped");
  }

 private:
  struct IdleClient {
    std::unique_ptr<http_client> client;
    SteadyTime since;
  };

  std::unique_ptr<http_client> idle_client() {
    const std::lock_guard lock(mutex_);
    const auto oldest = runtime::steady_now() - kReusedWithin;
    std::erase_if(idle_, [oldest](const IdleClient& idle) { return idle.since < oldest; });
    if (idle_.empty()) return nullptr;
    auto client = std::move(idle_.back().client);
    idle_.pop_back();
    return client;
  }

  void keep_for_reuse(std::unique_ptr<http_client> client) {
    const std::lock_guard lock(mutex_);
    idle_.push_back({std::move(client), runtime::steady_now()});
  }

  Result<web::http::http_request> message_of(const HttpRequest& request) {
    web::http::http_request message(request.method);
    message.set_request_uri(web::uri(request.target));
    message.headers().add("Accept", "application/json");
    message.headers().add("User-Agent", "penstock");
    PENSTOCK_ASSIGN(const auto token, current_token());
    if (!token.empty()) message.headers().add("Authorization", "Bearer " + token.reveal());
    if (!request.body.empty()) set_body(message, request.body, request.content_type);
    return message;
  }

  /// The kubelet replaces a token file well before its token expires; while that is being done, the last one
  /// that was read still serves.
  Result<Secret> current_token() {
    const std::lock_guard lock(mutex_);
    if (config_->token_file.empty()) return last_token_;
    std::ifstream file(config_->token_file, std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(file), {}};
    std::erase_if(text, [](char c) { return c == '\n' || c == '\r' || c == ' '; });
    if (!text.empty()) last_token_ = Secret(std::move(text));
    if (!last_token_.empty()) return last_token_;
    return fail(ErrorKind::NeedsUser, "TokenMissing",
                "the token file " + config_->token_file.string() + " is empty or cannot be read");
  }

  std::string redacted(std::string text) {
    const std::lock_guard lock(mutex_);
    return redact(std::move(text), last_token_);
  }

  Result<HttpAnswer> head_of(HttpCall& call, const HttpRequest& request, SteadyTime deadline,
                             const std::stop_token& stop) const {
    const auto waited = call.body().wait_for_headers(deadline, stop);
    if (waited != ResponseBody::Wait::Ready) return fail(error_of_wait(waited, request));
    const int status = call.body().status();
    if (status == 0) return fail(error_of_failure(call.body().failure().value_or(""), request));
    return HttpAnswer{status, retry_after_of(call.body().retry_after()), {}};
  }

  [[nodiscard]] Error error_of_wait(ResponseBody::Wait waited, const HttpRequest& request) const {
    if (waited == ResponseBody::Wait::Stopped) return cancelled(request).value();
    return {request.writes() ? ErrorKind::InDoubt : ErrorKind::Transient, "Timeout",
            request.doing + ": " + host_ + " did not answer in time", ""};
  }

  [[nodiscard]] Error error_of_failure(const std::string& failure, const HttpRequest& request) const {
    if (failure.starts_with("Error in SSL handshake")) {
      return {ErrorKind::Transient, "ApiServerUnreachable", request.doing + ": no TLS connection to " + host_,
              "If this persists, check the certificate-authority and the server name in the kubeconfig."};
    }
    if (!was_sent(failure)) {
      return {ErrorKind::Transient, "ApiServerUnreachable", request.doing + ": cannot connect to " + host_,
              "If this persists, check the server's address in the kubeconfig."};
    }
    return {request.writes() ? ErrorKind::InDoubt : ErrorKind::Transient, "ConnectionLost",
            request.doing + ": the connection to " + host_ + " broke before the answer was complete", ""};
  }

  const std::shared_ptr<const KubeConfig> config_;
  runtime::ControllerMetrics& metrics_;
  const web::uri server_;
  const http_client_config client_config_;
  std::string host_;

  std::mutex mutex_;
  Secret last_token_;
  std::vector<IdleClient> idle_;
};

HttpTransport::HttpTransport(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpTransport::~HttpTransport() = default;

Result<std::unique_ptr<HttpTransport>> HttpTransport::make(KubeConfig config,
                                                           runtime::ControllerMetrics& metrics) {
  const auto& token = config.token.reveal();
  if (std::any_of(token.begin(), token.end(), [](char c) { return c <= ' ' || c == 127; })) {
    return fail(ErrorKind::NeedsUser, "InvalidKubeconfig", "the token holds spaces or control characters",
                "Correct the kubeconfig.");
  }
  if (!web::uri::validate(config.server)) {
    return fail(ErrorKind::NeedsUser, "InvalidKubeconfig", "the server's address is not a URL",
                "Correct the kubeconfig.");
  }
  PENSTOCK_TRY(check_tls(config));
  start_http_threads();
  auto shared = std::make_shared<const KubeConfig>(std::move(config));
  return std::unique_ptr<HttpTransport>(
      new HttpTransport(std::make_unique<Impl>(std::move(shared), metrics)));
}

Result<HttpAnswer> HttpTransport::exchange(const HttpRequest& request, Millis limit,
                                           const std::stop_token& stop) {
  const auto deadline = runtime::steady_now() + limit;
  return impl_->perform(request, deadline, stop, [&](HttpCall& call, HttpAnswer answer) {
    return impl_->with_body(call, std::move(answer), request, deadline, stop);
  });
}

Result<HttpAnswer> HttpTransport::stream(const HttpRequest& request,
                                         const std::function<Status(std::string_view)>& on_bytes,
                                         Millis limit, Millis silence, const std::stop_token& stop) {
  const auto deadline = runtime::steady_now() + limit;
  const auto next_deadline = [&] { return std::min(deadline, runtime::steady_now() + silence); };
  return impl_->perform(request, next_deadline(), stop,
                        [&](HttpCall& call, HttpAnswer answer) -> Result<HttpAnswer> {
                          if (answer.status != 200) {
                            return impl_->with_body(call, std::move(answer), request,
                                                    runtime::steady_now() + kErrorBodyLimit, stop);
                          }
                          while (!call.body().at_end() || call.body().failure()) {
                            std::string bytes;
                            PENSTOCK_TRY(impl_->read_some(call, bytes, request, next_deadline(), stop));
                            PENSTOCK_TRY(on_bytes(bytes));
                          }
                          return answer;
                        });
}

}  // namespace penstock::kube
