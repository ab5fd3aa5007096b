#include "controller/apiserver/http_listener.hpp"

#include <fmt/format.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <condition_variable>
#include <optional>
#include <thread>

#include "controller/apiserver/http_session.hpp"
#include "core/log.hpp"
#include "core/thread.hpp"

namespace penstock::apiserver {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr std::chrono::seconds kStopLimit{2};
constexpr std::chrono::milliseconds kAcceptPause{100};

Result<asio::ip::address> loopback_address(const std::string& host) {
  error_code error;
  const auto address = asio::ip::make_address(host == "localhost" ? "127.0.0.1" : host, error);
  if (!error && address.is_loopback()) return address;
  return fail(ErrorKind::NeedsUser, "ListenFailed",
              fmt::format("cannot serve the API on {}: {}", host,
                          error ? "it is not an IP address" : "it is not a loopback address"),
              "Use 127.0.0.1 or ::1: the embedded API is for this machine alone");
}

}  // namespace

class HttpListener::Impl {
 public:
  explicit Impl(const ListenerOptions& options)
      : options_(options), tls_(asio::ssl::context::tls_server), open_(options.limits.waiting) {}

  Status bind() {
    PENSTOCK_ASSIGN(const auto address, loopback_address(options_.host));
    error_code error;
    use_identity(error);
    if (error)
      return fail(ErrorKind::Internal, "CertificateFailed",
                  "the TLS certificate cannot be used: " + error.message());
    const tcp::endpoint endpoint(address, options_.port);
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(asio::socket_base::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error == asio::error::address_in_use) {
      return fail(
          ErrorKind::NeedsUser, "PortInUse",
          fmt::format("cannot serve the API on {}:{}: the port is in use", options_.host, options_.port),
          "Stop what listens there, or choose another address with --api");
    }
    if (error) {
      return fail(
          ErrorKind::NeedsUser, "ListenFailed",
          fmt::format("cannot serve the API on {}:{}: {}", options_.host, options_.port, error.message()),
          "Choose another address with --api");
    }
    port_ = acceptor_.local_endpoint().port();
    host_ = address.is_v6() ? fmt::format("[{}]", address.to_string()) : address.to_string();
    return {};
  }

  Status serve(Api& api, Store& store, std::function<void()> every_minute) {
    context_.emplace(SessionContext{api, store, tls_, open_, options_.bookmark_interval,
                                    options_.slow_watcher, options_.limits});
    every_minute_ = std::move(every_minute);
    accept();
    wait_a_minute();
    for (int i = 0; i < std::max(1, options_.threads); ++i) {
      auto thread = start_thread("serving the API", [this] { run_thread(); });
      if (!thread && threads_.empty()) return fail(std::move(thread).error());
      if (!thread) break;  // those that there are serve all
      threads_.push_back(*std::move(thread));
    }
    return {};
  }

  void stop() {
    if (stopped_) return;
    stopped_ = true;
    asio::post(acceptor_strand_, [this] {
      error_code ignored;
      acceptor_.close(ignored);
      housekeeping_.cancel();
      pause_.cancel();
      open_.end_all();
    });
    wait_for_threads();
    io_.stop();
    for (auto& thread : threads_) {
      thread.join();
    }
  }

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] const std::string& host() const { return host_; }

 private:
  void use_identity(error_code& error) {
    tls_.set_options(asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1, error);
    if (!error) tls_.use_certificate_chain(asio::buffer(options_.identity.certificate_pem), error);
    if (!error) {
      tls_.use_private_key(asio::buffer(options_.identity.key_pem.reveal()), asio::ssl::context::pem, error);
    }
  }

  void accept() {
    acceptor_.async_accept(asio::make_strand(io_), [this](error_code error, tcp::socket socket) {
      if (error == asio::error::operation_aborted || !acceptor_.is_open()) return;
      if (error) {
        // Out of file descriptors, say: there is nothing to do but to wait for some.
        log::warn("apiserver", "cannot accept a connection: {}", error.message());
        pause_.expires_after(kAcceptPause);
        pause_.async_wait([this](error_code cancelled) {
          if (!cancelled) accept();
        });
        return;
      }
      error_code ignored;
      socket.set_option(tcp::no_delay(true), ignored);
      serve_connection(std::move(socket), *context_);
      accept();
    });
  }

  void wait_a_minute() {
    housekeeping_.expires_after(std::chrono::minutes(1));
    housekeeping_.async_wait([this](error_code cancelled) {
      if (cancelled) return;
      every_minute_();
      wait_a_minute();
    });
  }

  void run_thread() {
    io_.run();
    const std::lock_guard lock(mutex_);
    ++ended_;
    thread_ended_.notify_all();
  }

  /// Threads end by themselves once no connection is left.
  void wait_for_threads() {
    std::unique_lock lock(mutex_);
    thread_ended_.wait_for(lock, kStopLimit, [this] { return ended_ == threads_.size(); });
  }

  ListenerOptions options_;
  asio::ssl::context tls_;
  OpenSessions open_;
  std::optional<SessionContext> context_;
  std::function<void()> every_minute_;
  // After all that sessions refer to: what is left of them goes with the io_context.
  asio::io_context io_;
  asio::strand<asio::io_context::executor_type> acceptor_strand_{asio::make_strand(io_)};
  tcp::acceptor acceptor_{acceptor_strand_};
  asio::steady_timer pause_{acceptor_strand_};
  asio::steady_timer housekeeping_{acceptor_strand_};
  std::uint16_t port_ = 0;
  std::string host_;
  std::vector<std::jthread> threads_;
  bool stopped_ = false;
  std::mutex mutex_;
  std::condition_variable thread_ended_;
  std::size_t ended_ = 0;
};

Result<std::unique_ptr<HttpListener>> HttpListener::bind(const ListenerOptions& options) {
  auto impl = std::make_unique<Impl>(options);
  PENSTOCK_TRY(impl->bind());
  return std::unique_ptr<HttpListener>(new HttpListener(std::move(impl)));
}

HttpListener::HttpListener(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

HttpListener::~HttpListener() {
  stop();
}

std::uint16_t HttpListener::port() const {
  return impl_->port();
}

const std::string& HttpListener::host() const {
  return impl_->host();
}

Status HttpListener::serve(Api& api, Store& store, std::function<void()> every_minute) {
  return impl_->serve(api, store, std::move(every_minute));
}

void HttpListener::stop() {
  impl_->stop();
}

}  // namespace penstock::apiserver
