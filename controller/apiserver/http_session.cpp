#include "controller/apiserver/http_session.hpp"

#include <fmt/format.h>

#include <atomic>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <optional>

#include "core/log.hpp"

namespace penstock::apiserver {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;

namespace {

constexpr std::chrono::seconds kIdleLimit{300};
constexpr std::chrono::seconds kWriteLimit{60};
constexpr std::chrono::milliseconds kGoodbyeLimit{2000};
/// For the client's own goodbye while the server stops.
constexpr std::chrono::milliseconds kStoppingLimit{200};
constexpr std::size_t kMostHeaders = 64U * 1024U;
constexpr std::size_t kPiece = 4096;
constexpr std::size_t kWatchChunk = 256U * 1024U;
/// How much of a refused body is read and thrown away, so that the client gets to see the refusal.
constexpr std::size_t kMostDrained = 64U << 20U;

/// A field name in a warning comes from the client: nothing of it may end the header line.
std::string warning_header(const std::string& text) {
  std::string safe;
  for (const char c : text) {
    if (c == '"' || c == '\\') safe += '\\';
    safe += c >= 0x20 && c < 0x7f ? c : '?';
  }
  return fmt::format("299 - \"{}\"", safe);
}

}  // namespace

class HttpSession final : public OpenSession, public std::enable_shared_from_this<HttpSession> {
 public:
  HttpSession(asio::ip::tcp::socket socket, const SessionContext& context)
      : context_(context),
        stream_(std::move(socket), context.tls),
        goodbye_timer_(stream_.get_executor()),
        bookmark_timer_(stream_.get_executor()),
        watch_timer_(stream_.get_executor()) {}
  ~HttpSession() override {
    unsubscribe();
    context_.open.remove(this);
  }
  HttpSession(const HttpSession&) = delete;
  HttpSession& operator=(const HttpSession&) = delete;

  void start() {
    context_.open.waits(this);
    lowest().expires_after(context_.limits.head);
    stream_.async_handshake(asio::ssl::stream_base::server, [self = shared_from_this()](error_code error) {
      if (!error) self->wait_for_request();
    });
  }

  [[nodiscard]] auto executor() { return stream_.get_executor(); }

  void make_room() override {
    asio::post(stream_.get_executor(), [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (self && !self->working_) self->close_now();
    });
  }

  void end() override {
    asio::post(stream_.get_executor(), [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (!self) return;
      self->ending_ = true;
      if (self->feed_) {
        self->finish_watch();
      } else if (!self->answering_) {
        self->close_now();
      }
    });
  }

 private:
  beast::tcp_stream& lowest() { return beast::get_lowest_layer(stream_); }

  // --- one request ---

  /// Idle until a request begins; then its head has to come.
  void wait_for_request() {
    if (ending_) return close_now();
    working_ = false;
    context_.open.waits(this);
    if (buffer_.size() > 0) return read_header();
    lowest().expires_after(kIdleLimit);
    stream_.async_read_some(buffer_.prepare(kPiece),
                            [self = shared_from_this()](error_code error, std::size_t size) {
                              self->buffer_.commit(size);
                              if (!error) return self->read_header();
                              if (error == asio::error::eof) self->goodbye();
                            });
  }

  void read_header() {
    if (ending_) return close_now();
    parser_.emplace();
    parser_->header_limit(kMostHeaders);
    parser_->body_limit(kMostBody);
    lowest().expires_after(context_.limits.head);
    http::async_read_header(
        stream_, buffer_, *parser_,
        [self = shared_from_this()](error_code error, std::size_t) { self->on_header(error); });
  }

  void on_header(error_code error) {
    if (error == http::error::body_limit) return refuse(413, request_too_large(kMostBody).value());
    if (error == http::error::header_limit) {
      return refuse(431, {431, "RequestHeaderFieldsTooLarge", "the request's headers are too large"});
    }
    if (error == http::error::end_of_stream) return goodbye();
    if (error) {
      const bool malformed = error.category() == make_error_code(http::error::bad_method).category();
      return malformed ? refuse(400, bad_request("the request is not HTTP").value()) : close_now();
    }
    if (auto admitted = admit(); !admitted) return refuse(admitted.error().code, std::move(admitted.error()));
    working_ = true;
    context_.open.works(this);
    lowest().expires_after(context_.limits.body);
    if (beast::iequals(parser_->get()[http::field::expect], "100-continue")) return write_continue();
    read_body();
  }

  [[nodiscard]] Reply<void> admit() const {
    const auto header = [&](const char* name) {
      const auto value = parser_->get()[name];
      return std::string_view(value.data(), value.size());
    };
    return context_.api.admit(
        {.host = header("Host"), .origin = header("Origin"), .fetch_site = header("Sec-Fetch-Site")},
        header("Authorization"), !parser_->is_done());
  }

  void write_continue() {
    auto response = std::make_shared<http::response<http::empty_body>>(http::status::continue_, 11);
    http::async_write(stream_, *response,
                      [self = shared_from_this(), response](error_code error, std::size_t) {
                        if (!error) self->read_body();
                      });
  }

  void read_body() {
    http::async_read(stream_, buffer_, *parser_, [self = shared_from_this()](error_code error, std::size_t) {
      if (error == http::error::body_limit) return self->refuse(413, request_too_large(kMostBody).value());
      if (!error) self->answer();
    });
  }

  void answer() {
    const auto& message = parser_->get();
    keep_alive_ = message.keep_alive();
    const std::string method(message.method_string());
    const std::string_view target(message.target().data(), message.target().size());
    auto request = request_of(method, target);
    if (!request) return write_response(error_response(request.error()));
    const auto header = [&](http::field field) { return std::string(message[field]); };
    request->accept = header(http::field::accept);
    request->content_type = header(http::field::content_type);
    request->authorization = header(http::field::authorization);
    request->body = std::move(parser_->get().body());
    auto outcome = context_.api.handle(*request);
    if (auto* started = std::get_if<WatchStart>(&outcome)) {
      log::debug("apiserver", "{} {} (watch)", method, request->path);
      return start_watch(std::move(*started));
    }
    auto& response = std::get<Response>(outcome);
    log::debug("apiserver", "{} {} {}", method, request->path, response.status);
    if (method == "HEAD") response.body.clear();
    write_response(std::move(response));
  }

  void write_response(Response response) {
    response_.emplace(static_cast<http::status>(response.status), 11);
    response_->set(http::field::content_type, response.content_type);
    response_->set(http::field::cache_control, "no-cache, private");
    for (const auto& warning : response.warnings) {
      response_->insert(http::field::warning, warning_header(warning));
    }
    response_->keep_alive(keep_alive_ && !ending_);
    response_->body() = std::move(response.body);
    response_->prepare_payload();
    answering_ = true;
    lowest().expires_after(kWriteLimit);
    http::async_write(stream_, *response_, [self = shared_from_this()](error_code error, std::size_t) {
      self->answering_ = false;
      if (error) return;
      if (self->refused_) return self->drain();
      if (!self->keep_alive_ || self->ending_) return self->goodbye();
      self->response_.reset();
      self->wait_for_request();
    });
  }

  /// Answers without having read the body, then ends the connection.
  void refuse(int status, ApiError error) {
    error.code = status;
    keep_alive_ = false;
    refused_ = true;
    write_response(error_response(error));
  }

  void drain() {
    if (drained_ == 0) lowest().expires_after(kGoodbyeLimit);
    stream_.async_read_some(buffer_.prepare(64U * 1024U),
                            [self = shared_from_this()](error_code error, std::size_t got) {
                              self->drained_ += got;
                              if (error || self->drained_ > kMostDrained) return self->close_now();
                              self->drain();
                            });
  }

  /// Says goodbye in TLS and waits for the client's, with a timer of its own: after a watch the stream's
  /// timers belong to the read that waits for the client's hanging up.
  void goodbye() {
    goodbye_timer_.expires_after(ending_ ? kStoppingLimit : kGoodbyeLimit);
    goodbye_timer_.async_wait([weak = weak_from_this()](error_code error) {
      const auto self = weak.lock();
      if (self && !error) self->close_now();
    });
    stream_.async_shutdown([self = shared_from_this()](error_code) { self->close_now(); });
  }

  void close_now() { lowest().close(); }

  // --- a watch ---

  void start_watch(WatchStart started) {
    feed_ = std::move(started.feed);
    watch_header_.emplace(http::status::ok, 11);
    watch_header_->set(http::field::content_type, started.content_type);
    watch_header_->set(http::field::cache_control, "no-cache, private");
    watch_header_->chunked(true);
    watch_header_->keep_alive(false);
    serializer_.emplace(*watch_header_);
    lowest().expires_after(context_.slow_watcher);
    writing_ = true;
    http::async_write_header(
        stream_, *serializer_,
        [self = shared_from_this(), timeout = started.timeout](error_code error, std::size_t) {
          self->writing_ = false;
          if (!error) self->run_watch(timeout);
        });
  }

  void run_watch(std::chrono::seconds timeout) {
    if (ending_) return finish_watch();
    // The client says nothing during a watch; what this read ends with is its going away.
    lowest().expires_never();
    stream_.async_read_some(asio::buffer(&hangup_, 1), [self = shared_from_this()](error_code, std::size_t) {
      self->over_ = true;
      self->stop_timers();
      self->close_now();
    });
    watch_timer_.expires_after(timeout);
    watch_timer_.async_wait([weak = weak_from_this()](error_code error) {
      const auto self = weak.lock();
      if (self && !error) self->finish_watch();
    });
    wait_for_bookmark();
    subscription_ = context_.store.subscribe(feed_->options().rendering.type->qualified(),
                                             [weak = weak_from_this(), executor = stream_.get_executor()] {
                                               asio::post(executor, [weak] {
                                                 if (const auto self = weak.lock()) self->pump();
                                               });
                                             });
    pump();
  }

  void wait_for_bookmark() {
    if (!feed_->options().bookmarks) return;
    bookmark_timer_.expires_after(context_.bookmark_interval);
    bookmark_timer_.async_wait([weak = weak_from_this()](error_code error) {
      const auto self = weak.lock();
      if (!self || error || self->over_) return;
      self->bookmark_due_ = true;
      self->pump();
      self->wait_for_bookmark();
    });
  }

  /// Sends what is new. One write at a time: what comes meanwhile waits in the store's history.
  void pump() {
    if (writing_ || over_) return;
    chunk_ = feed_->pull(kWatchChunk);
    if (chunk_.empty() && bookmark_due_) {
      chunk_ = feed_->bookmark();
      bookmark_due_ = false;
    }
    if (chunk_.empty()) return feed_->ended() ? finish_watch() : void();
    writing_ = true;
    lowest().expires_after(context_.slow_watcher);
    asio::async_write(stream_, http::make_chunk(asio::buffer(chunk_)),
                      [self = shared_from_this()](error_code error, std::size_t) {
                        self->writing_ = false;
                        if (error) return self->abandon_watch();
                        self->lowest().expires_never();
                        if (self->finishing_) return self->finish_watch();
                        self->pump();
                      });
  }

  void finish_watch() {
    finishing_ = true;
    if (writing_ || over_) return;
    over_ = true;
    stop_timers();
    lowest().expires_after(ending_ ? kStoppingLimit : kGoodbyeLimit);
    asio::async_write(stream_, http::make_chunk_last(),
                      [self = shared_from_this()](error_code error, std::size_t) {
                        return error ? self->close_now() : self->goodbye();
                      });
  }

  void abandon_watch() {
    over_ = true;
    stop_timers();
    close_now();
  }

  void stop_timers() {
    unsubscribe();
    bookmark_timer_.cancel();
    watch_timer_.cancel();
  }

  void unsubscribe() {
    if (subscription_ != 0) context_.store.unsubscribe(std::exchange(subscription_, 0));
  }

  const SessionContext& context_;
  beast::ssl_stream<beast::tcp_stream> stream_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  std::optional<http::response<http::string_body>> response_;
  bool keep_alive_ = true;
  bool working_ = false;  ///< on a request whose head has passed
  bool answering_ = false;
  bool refused_ = false;
  bool ending_ = false;
  std::size_t drained_ = 0;
  asio::steady_timer goodbye_timer_;

  std::shared_ptr<WatchFeed> feed_;
  std::optional<http::response<http::empty_body>> watch_header_;
  std::optional<http::response_serializer<http::empty_body>> serializer_;
  asio::steady_timer bookmark_timer_;
  asio::steady_timer watch_timer_;
  std::uint64_t subscription_ = 0;
  std::string chunk_;
  char hangup_ = 0;
  bool writing_ = false;
  bool bookmark_due_ = false;
  bool finishing_ = false;
  bool over_ = false;
};

void serve_connection(asio::ip::tcp::socket socket, const SessionContext& context) {
  const auto session = std::make_shared<HttpSession>(std::move(socket), context);
  context.open.add(session.get());
  asio::dispatch(session->executor(), [session] { session->start(); });
}

}  // namespace penstock::apiserver
