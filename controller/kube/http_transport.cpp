#include "controller/kube/http_transport.hpp"

#include "controller/kube/response_body.hpp"

// after response_body.hpp, which sets what cpprestsdk needs
#include <cpprest/http_client.h>
#include <cpprest/producerconsumerstream.h>
#include <netinet/tcp.h>
#include <pplx/threadpool.h>

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

namespace asio = boost::asio;
using runtime::SteadyTime;
using web::http::client::http_client;
using web::http::client::http_client_config;

constexpr std::size_t kThreads = 4;  // for cpprestsdk, which would start 40; nothing of ours blocks them
constexpr std::size_t kLargestAnswer = std::size_t{512} << 20;
constexpr std::size_t kLargestError = std::size_t{1} << 20;
constexpr std::chrono::seconds kErrorBodyLimit{10};
// A connection that lay idle for longer may have been closed by the server, which a write cannot tell from a
// lost answer: such a one is not used again.
constexpr std::chrono::seconds kReusedWithin{5};

tl::unexpected<Error> unusable(std::string_view what) {
  return fail(ErrorKind::NeedsUser, "InvalidKubeconfig", std::string(what), "Correct the kubeconfig.");
}

void start_threads_once() {
  static std::once_flag once;
  std::call_once(once, [] {
    try {
      crossplat::threadpool::initialize_with_threads(kThreads);
    } catch (const std::exception&) {
      // Somebody else has started them: any number will do.
    }
  });
}

/// Trusts the kubeconfig's authorities alone when it names some, and presents the client certificate.
void set_up_tls(asio::ssl::context& context, const KubeConfig& config) {
  SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
  // Without it OpenSSL asks the terminal for the passphrase of an encrypted key.
  context.set_password_callback(
      [](std::size_t, asio::ssl::context::password_purpose) { return std::string{}; });
  if (!config.ca_pem.empty()) {
    SSL_CTX_set_cert_store(context.native_handle(), X509_STORE_new());
    context.add_certificate_authority(asio::buffer(config.ca_pem));
  }
  if (!config.client_certificate_pem.empty()) {
    context.use_certificate_chain(asio::buffer(config.client_certificate_pem));
    context.use_private_key(asio::buffer(config.client_key_pem.reveal()), asio::ssl::context::pem);
  }
}

/// TCP keep-alive must be set before the connection is made, for which the socket must be open, for which the
/// address family must be known: so it is on when the server's host is an address, as it is in a cluster. For
/// names the silence limit of a watch finds dead connections.
void keep_alive(asio::ip::tcp::socket& socket, const asio::ip::address& address) {
  if (socket.is_open()) return;
  boost::system::error_code ignored;
  socket.open(address.is_v6() ? asio::ip::tcp::v6() : asio::ip::tcp::v4(), ignored);
  socket.set_option(asio::socket_base::keep_alive(true), ignored);
  using Seconds = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPIDLE>;
  using Interval = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPINTVL>;
  socket.set_option(Seconds(30), ignored);
  socket.set_option(Interval(15), ignored);
}

http_client_config make_client_config(const std::shared_ptr<const KubeConfig>& config,
                                      const web::uri& server) {
  http_client_config client;
  client.set_timeout(std::chrono::hours(24 * 7));  // ours are the deadlines; this one would end idle watches
  client.set_max_redirects(0);
  client.set_validate_certificates(!config->skip_tls_verify);
  client.set_ssl_context_callback([config](asio::ssl::context& context) { set_up_tls(context, *config); });
  boost::system::error_code not_an_address;
  const auto address = asio::ip::make_address(server.host(), not_an_address);
  if (not_an_address) return client;
  client.set_tlsext_sni_enabled(false);  // RFC 6066, section 3: names only
  const bool tls = server.scheme() == "https";
  client.set_nativehandle_options([address, tls](web::http::client::native_handle handle) {
    using Socket = asio::ip::tcp::socket;
    auto& socket =
        tls ? static_cast<asio::ssl::stream<Socket&>*>(handle)->next_layer() : *static_cast<Socket*>(handle);
    keep_alive(socket, address);
  });
  return client;
}

std::string what_of(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& exception) {
    return exception.what();
  } catch (...) {
    return "unknown failure";
  }
}

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

/// A stream that cannot be rewound: cpprestsdk sends a request again by itself when a reused connection turns
/// out to be closed, which must not happen to a write.
void set_body(web::http::http_request& message, const HttpRequest& request) {
  concurrency::streams::producer_consumer_buffer<std::uint8_t> bytes(
      std::max<std::size_t>(request.body.size(), 1));
  bytes.putn_nocopy(reinterpret_cast<const std::uint8_t*>(request.body.data()), request.body.size()).get();
  bytes.close(std::ios_base::out).get();
  message.set_body(bytes.create_istream(), request.body.size(), request.content_type);
}

/// One request under way. Whatever happens to the call, cpprestsdk's threads only touch the shared body.
struct Call {
  std::shared_ptr<ResponseBody> body = std::make_shared<ResponseBody>();
  pplx::cancellation_token_source cancel;

  void start(http_client& client, web::http::http_request message) {
    message.set_response_stream(
        concurrency::streams::ostream(concurrency::streams::streambuf<std::uint8_t>(body)));
    client.request(std::move(message), cancel.get_token())
        .then([shared = body](pplx::task<web::http::http_response> done) {
          try {
            auto response = done.get();
            const auto retry_after = response.headers().find("Retry-After");
            shared->headers_arrived(response.status_code(),
                                    retry_after == response.headers().end() ? "" : retry_after->second);
            response.content_ready().then([shared](const pplx::task<web::http::http_response>& complete) {
              try {
                complete.get();
                shared->ended(std::nullopt);
              } catch (...) {
                shared->ended(what_of(std::current_exception()));
              }
            });
          } catch (...) {
            shared->ended(what_of(std::current_exception()));
          }
        });
  }

  void give_up() {
    body->abandon();
    cancel.cancel();
  }
};

}  // namespace

class HttpTransport::Impl {
 public:
  Impl(std::shared_ptr<const KubeConfig> config, runtime::ControllerMetrics& metrics)
      : config_(std::move(config)),
        metrics_(metrics),
        server_(config_->server),
        client_config_(make_client_config(config_, server_)),
        last_token_(config_->token) {
    host_ = server_.host() + (server_.port() > 0 ? ":" + std::to_string(server_.port()) : "");
  }

  /// Sends the request and waits for the head of the answer; `use` then gets the call. A connection is kept
  /// for reuse when its answer was read to the end.
  template <typename Use>
  Result<HttpAnswer> perform(const HttpRequest& request, SteadyTime deadline, const std::stop_token& stop,
                             Use use) {
    if (stop.stop_requested()) return cancelled(request);
    Call call;
    auto client = idle_client();
    try {
      if (!client) client = std::make_unique<http_client>(server_, client_config_);
      PENSTOCK_ASSIGN(auto message, message_of(request));
      call.start(*client, std::move(message));
    } catch (const std::exception& thrown) {
      return fail(ErrorKind::Internal, "RequestNotSent", request.doing + ": " + redacted(thrown.what()));
    }
    auto answer = head_of(call, request, deadline, stop);
    metrics_.request_answered(answer ? std::to_string(answer->status) : "<error>", request.method, host_);
    if (answer) answer = use(call, *std::move(answer));
    // A server may quote what it refused.
    if (answer && answer->status >= 300) answer->body = redacted(std::move(answer->body));
    if (call.body->at_end() && !call.body->failure()) {
      keep_for_reuse(std::move(client));
    } else {
      call.give_up();
    }
    return answer;
  }

  Status read_some(Call& call, std::string& out, const HttpRequest& request, SteadyTime deadline,
                   const std::stop_token& stop) const {
    const auto waited = call.body->read(out, deadline, stop);
    if (waited != ResponseBody::Wait::Ready) return fail(error_of_wait(waited, request));
    // What arrived before the connection broke is used first.
    if (out.empty() && call.body->failure()) return fail(error_of_failure(*call.body->failure(), request));
    return {};
  }

  Result<HttpAnswer> with_body(Call& call, HttpAnswer answer, const HttpRequest& request, SteadyTime deadline,
                               const std::stop_token& stop) const {
    const bool refused = answer.status >= 300;
    while (!call.body->at_end() || call.body->failure()) {
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
    if (!request.body.empty()) set_body(message, request);
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

  Result<HttpAnswer> head_of(Call& call, const HttpRequest& request, SteadyTime deadline,
                             const std::stop_token& stop) const {
    const auto waited = call.body->wait_for_headers(deadline, stop);
    if (waited != ResponseBody::Wait::Ready) return fail(error_of_wait(waited, request));
    const int status = call.body->status();
    if (status == 0) return fail(error_of_failure(call.body->failure().value_or(""), request));
    return HttpAnswer{status, retry_after_of(call.body->retry_after()), {}};
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
    return unusable("the token holds spaces or control characters");
  }
  start_threads_once();
  const auto shared = std::make_shared<const KubeConfig>(std::move(config));
  try {
    if (!web::uri::validate(shared->server)) return unusable("the server's address is not a URL");
    asio::ssl::context context(asio::ssl::context::tls_client);
    set_up_tls(context, *shared);
  } catch (const std::exception& thrown) {
    return unusable(std::string("a certificate or key cannot be read: ") + thrown.what());
  }
  return std::unique_ptr<HttpTransport>(new HttpTransport(std::make_unique<Impl>(shared, metrics)));
}

Result<HttpAnswer> HttpTransport::exchange(const HttpRequest& request, Millis limit,
                                           const std::stop_token& stop) {
  const auto deadline = runtime::steady_now() + limit;
  return impl_->perform(request, deadline, stop, [&](Call& call, HttpAnswer answer) {
    return impl_->with_body(call, std::move(answer), request, deadline, stop);
  });
}

Result<HttpAnswer> HttpTransport::stream(const HttpRequest& request,
                                         const std::function<Status(std::string_view)>& on_bytes,
                                         Millis limit, Millis silence, const std::stop_token& stop) {
  const auto deadline = runtime::steady_now() + limit;
  const auto next_deadline = [&] { return std::min(deadline, runtime::steady_now() + silence); };
  return impl_->perform(request, next_deadline(), stop,
                        [&](Call& call, HttpAnswer answer) -> Result<HttpAnswer> {
                          if (answer.status != 200) {
                            return impl_->with_body(call, std::move(answer), request,
                                                    runtime::steady_now() + kErrorBodyLimit, stop);
                          }
                          while (!call.body->at_end() || call.body->failure()) {
                            std::string bytes;
                            PENSTOCK_TRY(impl_->read_some(call, bytes, request, next_deadline(), stop));
                            PENSTOCK_TRY(on_bytes(bytes));
                          }
                          return answer;
                        });
}

}  // namespace penstock::kube
