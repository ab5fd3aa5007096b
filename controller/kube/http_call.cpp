#include "controller/kube/http_call.hpp"

#include <cpprest/producerconsumerstream.h>
#include <netinet/tcp.h>
#include <pplx/threadpool.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <exception>
#include <mutex>
#include <utility>

namespace penstock::kube {
namespace {

namespace asio = boost::asio;
using web::http::client::http_client_config;

constexpr std::size_t kThreads = 4;  // cpprestsdk would start 40; nothing of ours blocks them

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
  using IdleSeconds = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPIDLE>;
  using IntervalSeconds = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_KEEPINTVL>;
  boost::system::error_code ignored;
  socket.open(address.is_v6() ? asio::ip::tcp::v6() : asio::ip::tcp::v4(), ignored);
  socket.set_option(asio::socket_base::keep_alive(true), ignored);
  socket.set_option(IdleSeconds(30), ignored);
  socket.set_option(IntervalSeconds(15), ignored);
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

}  // namespace

void start_http_threads() {
  static std::once_flag once;
  std::call_once(once, [] {
    try {
      crossplat::threadpool::initialize_with_threads(kThreads);
    } catch (const std::exception&) {
      // Somebody else has started them: any number will do.
    }
  });
}

Status check_tls(const KubeConfig& config) {
  try {
    asio::ssl::context context(asio::ssl::context::tls_client);
    set_up_tls(context, config);
    return {};
  } catch (const std::exception& thrown) {
    return fail(ErrorKind::NeedsUser, "InvalidKubeconfig",
                std::string("a certificate or key of the kubeconfig cannot be used: ") + thrown.what(),
                "Correct the kubeconfig.");
  }
}

http_client_config client_config_of(const std::shared_ptr<const KubeConfig>& config, const web::uri& server) {
  http_client_config client;
  client.set_timeout(std::chrono::hours(24 * 7));  // ours are the deadlines; this one would end idle watches
  client.set_max_redirects(0);                     // the token would follow them
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

void set_body(web::http::http_request& message, const std::string& body, const std::string& content_type) {
  // A stream that cannot be rewound: cpprestsdk sends a request again by itself when a reused connection
  // turns out to be closed, which must not happen to a write.
  concurrency::streams::producer_consumer_buffer<std::uint8_t> bytes(std::max<std::size_t>(body.size(), 1));
  bytes.putn_nocopy(reinterpret_cast<const std::uint8_t*>(body.data()), body.size()).get();
  bytes.close(std::ios_base::out).get();
  message.set_body(bytes.create_istream(), body.size(), content_type);
}

void HttpCall::start(web::http::client::http_client& client, const web::http::http_request& message) {
  using web::http::http_response;
  auto request = message;  // a handle, not a copy of the request
  request.set_response_stream(
      concurrency::streams::ostream(concurrency::streams::streambuf<std::uint8_t>(body_)));
  // Every task's exception must be taken, or cpprestsdk ends the process.
  const auto on_end = [shared = body_](const pplx::task<http_response>& complete) {
    try {
      complete.get();
      shared->ended(std::nullopt);
    } catch (...) {
      shared->ended(what_of(std::current_exception()));
    }
  };
  client.request(request, cancel_.get_token())
      .then([shared = body_, on_end](const pplx::task<http_response>& head) {
        try {
          const auto response = head.get();
          const auto retry_after = response.headers().find("Retry-After");
          shared->headers_arrived(response.status_code(),
                                  retry_after == response.headers().end() ? "" : retry_after->second);
          response.content_ready().then(on_end);
        } catch (...) {
          shared->ended(what_of(std::current_exception()));
        }
      });
}

void HttpCall::give_up() {
  body_->abandon();
  cancel_.cancel();
}

}  // namespace penstock::kube
