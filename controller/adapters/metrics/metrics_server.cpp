#include "controller/adapters/metrics/metrics_server.hpp"

#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <list>
#include <thread>
#include <utility>

#include "core/browser_guard.hpp"
#include "core/log.hpp"
#include "core/thread.hpp"

namespace penstock::adapters {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

/// Longer than any scrape interval, so that Prometheus keeps its connection.
constexpr std::chrono::seconds kIdleLimit{120};
constexpr std::chrono::seconds kWriteLimit{30};
constexpr std::chrono::milliseconds kAcceptPause{100};
constexpr std::size_t kMostHeaders = 16U * 1024U;
constexpr std::size_t kPiece = 4096;
constexpr const char* kTextFormat = "text/plain; version=0.0.4; charset=utf-8";

using Request = http::request<http::empty_body>;
using Response = http::response<http::string_body>;

/// What all connections share; outlives them.
struct Serving {
  const Metrics& metrics;
  MetricsServerLimits limits;
  bool loopback = false;
  std::string name{};  ///< of the address that it listens on
};

std::string_view fault_of(const Request& request, const Serving& serving) {
  const auto header = [&](const char* name) {
    const auto value = request[name];
    return std::string_view(value.data(), value.size());
  };
  return foreign_page_fault(
      {.host = header("Host"), .origin = header("Origin"), .fetch_site = header("Sec-Fetch-Site")},
      serving.loopback, serving.name);
}

Response response_to(const Request& request, const Serving& serving) {
  const auto path = request.target().substr(0, request.target().find('?'));
  const bool reads = request.method() == http::verb::get || request.method() == http::verb::head;
  Response out(http::status::ok, request.version());
  out.keep_alive(request.keep_alive());
  out.set(http::field::content_type, "text/plain; charset=utf-8");
  if (const auto fault = fault_of(request, serving); !fault.empty()) {
    out.result(http::status::forbidden);
    out.body() = fmt::format("{}\n", fault);
  } else if (path != "/metrics") {
    out.result(http::status::not_found);
    out.body() = "Metrics are at /metrics\n";
  } else if (!reads) {
    out.result(http::status::method_not_allowed);
    out.set(http::field::allow, "GET, HEAD");
  } else {
    out.set(http::field::content_type, kTextFormat);
    out.body() = serving.metrics.text();
  }
  out.prepare_payload();
  if (request.method() == http::verb::head) out.body().clear();
  return out;
}

class Session;
/// The connections that are open, the one that has been without a whole request for the longest time first.
using Connections = std::list<Session*>;

/// One connection: requests in turn. Owns itself until it is over.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(tcp::socket socket, const Serving& serving, Connections& open)
      : stream_(std::move(socket)), serving_(serving), open_(open), place_(open.insert(open.end(), this)) {}
  ~Session() { leave(); }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Idle until a request begins; then its head has to come.
  void wait() {
    if (buffer_.size() > 0) return read();
    stream_.expires_after(kIdleLimit);
    stream_.async_read_some(buffer_.prepare(kPiece),
                            [self = shared_from_this()](error_code error, std::size_t size) {
                              self->buffer_.commit(size);
                              if (!error) self->read();
                            });
  }

  /// Makes room for others.
  void close() {
    leave();
    stream_.close();
  }

 private:
  void leave() {
    if (place_ != open_.end()) open_.erase(std::exchange(place_, open_.end()));
  }

  void read() {
    parser_.emplace();
    parser_->header_limit(kMostHeaders);
    stream_.expires_after(serving_.limits.header);
    http::async_read(stream_, buffer_, *parser_, [self = shared_from_this()](error_code error, std::size_t) {
      if (!error) self->answer();
    });
  }

  void answer() {
    if (place_ != open_.end()) open_.splice(open_.end(), open_, place_);
    response_ = response_to(parser_->get(), serving_);
    stream_.expires_after(kWriteLimit);
    http::async_write(stream_, response_, [self = shared_from_this()](error_code error, std::size_t) {
      if (error) return;
      if (self->response_.keep_alive()) return self->wait();
      self->stream_.socket().shutdown(tcp::socket::shutdown_send, error);
    });
  }

  beast::tcp_stream stream_;
  const Serving& serving_;
  Connections& open_;
  Connections::iterator place_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::empty_body>> parser_;
  Response response_;
};

}  // namespace

class MetricsServer::Impl {
 public:
  Impl(const Metrics& metrics, const MetricsServerLimits& limits) : serving_{metrics, limits} {}
  ~Impl() {
    io_.stop();
    if (thread_.joinable()) thread_.join();
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  Status listen(const std::string& host, std::uint16_t port) {
    error_code error;
    tcp::resolver resolver(io_);
    const auto found = resolver.resolve(host, std::to_string(port), tcp::resolver::passive, error);
    if (!error) {
      const auto endpoint = found.begin()->endpoint();
      acceptor_.open(endpoint.protocol(), error);
      if (!error) acceptor_.set_option(asio::socket_base::reuse_address(true), error);
      if (!error) acceptor_.bind(endpoint, error);
      if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    }
    if (!error) {
      serving_.loopback = acceptor_.local_endpoint().address().is_loopback();
      serving_.name = host;
      return {};
    }
    const bool taken = error == asio::error::address_in_use;
    return fail(ErrorKind::NeedsUser, taken ? "PortInUse" : "ListenFailed",
                fmt::format("cannot serve metrics on {}:{}: {}", host, port,
                            taken ? "the port is in use" : error.message()),
                taken ? "Stop what listens there, or choose another address with --metrics"
                      : "Choose another address with --metrics");
  }

  Status serve() {
    accept();
    PENSTOCK_ASSIGN(thread_, start_thread("serving metrics", [this] { io_.run(); }));
    return {};
  }

  [[nodiscard]] tcp::endpoint endpoint() const { return acceptor_.local_endpoint(); }

 private:
  void accept() {
    acceptor_.async_accept([this](error_code error, tcp::socket socket) {
      if (error) return pause(error);
      if (open_.size() >= serving_.limits.connections) open_.front()->close();
      std::make_shared<Session>(std::move(socket), serving_, open_)->wait();
      accept();
    });
  }

  /// Out of file descriptors, say: there is nothing to do but to wait for some.
  void pause(error_code why) {
    log::warn("metrics", "cannot accept a connection: {}", why.message());
    pause_.expires_after(kAcceptPause);
    pause_.async_wait([this](error_code cancelled) {
      if (!cancelled) accept();
    });
  }

  Serving serving_;
  Connections open_;  // before io_: sessions that it still holds take themselves out of it
  asio::io_context io_{1};
  tcp::acceptor acceptor_{io_};
  asio::steady_timer pause_{io_};
  std::jthread thread_;
};

MetricsServer::MetricsServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
MetricsServer::~MetricsServer() = default;

Result<std::unique_ptr<MetricsServer>> MetricsServer::start(const Metrics& metrics, const std::string& host,
                                                            std::uint16_t port,
                                                            const MetricsServerLimits& limits) {
  auto impl = std::make_unique<Impl>(metrics, limits);
  PENSTOCK_TRY(impl->listen(host, port));
  PENSTOCK_TRY(impl->serve());
  return std::unique_ptr<MetricsServer>(new MetricsServer(std::move(impl)));
}

std::uint16_t MetricsServer::port() const {
  return impl_->endpoint().port();
}

std::string MetricsServer::url() const {
  const auto address = impl_->endpoint().address();
  const auto text = address.is_v6() ? fmt::format("[{}]", address.to_string()) : address.to_string();
  return fmt::format("http://{}:{}/metrics", text, port());
}

}  // namespace penstock::adapters
