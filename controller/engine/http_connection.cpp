#include "controller/engine/http_connection.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/buffer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <cctype>
#include <cerrno>
#include <limits>
#include <optional>

namespace penstock::engine {
namespace {

namespace http = boost::beast::http;
using boost::beast::error_code;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

// A statement may be in the URL, of which ClickHouse takes 1 MiB; and every connection may hold as much.
constexpr std::uint32_t kHeaderLimit = (1U << 20U) + (128U << 10U);
constexpr std::size_t kFieldLimit = 256;
// Beast reads as much as its buffer has room for, 64 KiB at most: a body by half kilobytes, were it to grow
// with the heads.
constexpr std::size_t kReadAtOnce = 64U << 10U;
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

// False when nothing happened in time.
bool wait_for(int socket, short events, milliseconds limit) {
  pollfd descriptor{socket, events, 0};
  while (true) {
    const int ready = ::poll(&descriptor, 1, static_cast<int>(limit.count()));
    if (ready >= 0 || errno != EINTR) return ready > 0;
  }
}

// A SyncReadStream (Boost.Beast, "Stream Types") over a socket, with a limit on silence and a deadline, which
// Asio's own blocking sockets do not have.
struct SocketReader {
  int socket = -1;
  milliseconds limit{0};
  Clock::time_point deadline = Clock::time_point::max();

  [[nodiscard]] bool wait() const {
    if (deadline == Clock::time_point::max()) return wait_for(socket, POLLIN, limit);
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - Clock::now());
    return left.count() > 0 && wait_for(socket, POLLIN, std::min(limit, left));
  }

  template <typename Buffers>
  std::size_t read_some(const Buffers& buffers, error_code& error) const {
    const boost::asio::mutable_buffer buffer = *boost::asio::buffer_sequence_begin(buffers);
    error = {};
    while (buffer.size() > 0) {
      if (Clock::now() > deadline) {
        error = boost::asio::error::timed_out;
        return 0;
      }
      const auto count = ::recv(socket, buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (count > 0) return static_cast<std::size_t>(count);
      if (count == 0) {
        error = boost::asio::error::eof;
        return 0;
      }
      if (errno == EINTR) continue;
      if (errno != EAGAIN && errno != EWOULDBLOCK) {
        error.assign(errno, boost::system::system_category());
        return 0;
      }
      if (!wait()) {
        error = boost::asio::error::timed_out;
        return 0;
      }
    }
    return 0;
  }

  template <typename Buffers>
  std::size_t read_some(const Buffers& buffers) const {
    error_code error;
    const std::size_t count = read_some(buffers, error);
    if (error) throw boost::system::system_error(error);
    return count;
  }
};

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return result;
}

}  // namespace

struct HttpConnection::State {
  int socket;
  Timeouts timeouts;
  SocketReader reader{};
  boost::beast::flat_buffer buffer{};
  std::optional<http::request_parser<http::buffer_body>> parser{};
  bool continue_expected = false;
  PeerWait peer_wait{};
  std::atomic<bool> runs_statement{false};

  // Within a statement the client is waited for while this lives.
  class Wait {
   public:
    explicit Wait(State& state) : wait_(state.runs_statement ? &state.peer_wait : nullptr) {
      if (wait_ != nullptr) wait_->begin();
    }
    ~Wait() {
      if (wait_ != nullptr) wait_->end();
    }
    Wait(const Wait&) = delete;
    Wait& operator=(const Wait&) = delete;

   private:
    PeerWait* wait_;
  };
};

std::string RequestHead::header(std::string_view lower_case_name) const {
  const auto found = headers.find(lower_case_name);
  return found == headers.end() ? std::string() : found->second;
}

HttpConnection::HttpConnection(int socket, Timeouts timeouts) : state_(new State{socket, timeouts}) {
  state_->reader.socket = socket;
  state_->buffer.reserve(kReadAtOnce);
  state_->peer_wait.begin();
}

HttpConnection::~HttpConnection() {
  ::close(state_->socket);
}

int HttpConnection::socket() const {
  return state_->socket;
}

void HttpConnection::statement_begins() {
  state_->runs_statement = true;
  state_->peer_wait.end();
  state_->reader.deadline = Clock::time_point::max();
}

void HttpConnection::statement_ends() {
  state_->runs_statement = false;
  state_->peer_wait.begin();
  state_->reader.deadline = Clock::now() + state_->timeouts.statement;
}

const PeerWait& HttpConnection::peer_wait() const {
  return state_->peer_wait;
}

bool HttpConnection::runs_statement() const {
  return state_->runs_statement;
}

tl::expected<RequestHead, HttpConnection::HeadFailure> HttpConnection::read_head() {
  state_->peer_wait.begin();
  auto& parser = state_->parser.emplace();
  parser.header_limit(kHeaderLimit);
  parser.body_limit(std::numeric_limits<std::uint64_t>::max());  // none refuses every body in Boost 1.74
  error_code error;
  if (state_->buffer.size() == 0 && !wait_for(state_->socket, POLLIN, state_->timeouts.idle))
    return tl::unexpected(HeadFailure::Closed);
  state_->reader.limit = state_->timeouts.stalled;
  state_->reader.deadline = Clock::now() + state_->timeouts.head;
  http::read_header(state_->reader, state_->buffer, parser, error);
  state_->reader.deadline = Clock::now() + state_->timeouts.statement;
  if (error == http::error::header_limit) return tl::unexpected(HeadFailure::TooLarge);
  if (error.category() == http::make_error_code(http::error::end_of_stream).category() &&
      error != http::error::end_of_stream && error != http::error::partial_message) {
    return tl::unexpected(HeadFailure::Malformed);
  }
  if (error) return tl::unexpected(HeadFailure::Closed);

  const auto& message = parser.get();
  RequestHead head;
  head.method = std::string(message.method_string());
  head.target = std::string(message.target());
  std::size_t fields = 0;
  for (const auto& field : message) {
    if (++fields > kFieldLimit) return tl::unexpected(HeadFailure::TooLarge);
    auto& value = head.headers[lower(std::string(field.name_string()))];
    if (!value.empty()) value += ", ";
    value += std::string(field.value());
  }
  head.keep_alive = message.keep_alive();
  head.http_1_0 = message.version() < 11;
  state_->continue_expected = !head.http_1_0 && lower(head.header("expect")) == "100-continue";
  return head;
}

tl::expected<std::size_t, std::string> HttpConnection::read_body(char* into, std::size_t size) {
  auto& parser = *state_->parser;
  if (parser.is_done()) return 0;
  if (std::exchange(state_->continue_expected, false) && !write(kContinue)) {
    return tl::unexpected<std::string>("the connection was closed");
  }
  const State::Wait wait(*state_);
  auto& body = parser.get().body();
  body.data = into;
  body.size = size;
  body.more = true;
  error_code error;
  while (!parser.is_done() && body.size > 0) {
    http::read_some(state_->reader, state_->buffer, parser, error);
    if (error == http::error::need_buffer) error = {};
    if (error) return tl::unexpected(error.message());
  }
  return size - body.size;
}

bool HttpConnection::body_finished() const {
  return state_->parser && state_->parser->is_done();
}

bool HttpConnection::client_is_waiting() const {
  return state_->continue_expected && !body_finished();
}

bool HttpConnection::write(std::string_view first, std::string_view second, std::string_view third) {
  const State::Wait wait(*state_);
  std::array<std::string_view, 3> pieces{first, second, third};
  std::size_t index = 0;
  while (true) {
    while (index < pieces.size() && pieces[index].empty())
      ++index;
    if (index == pieces.size()) return true;
    std::array<iovec, 3> vectors{};
    std::size_t count = 0;
    for (std::size_t i = index; i < pieces.size(); ++i) {
      if (!pieces[i].empty()) vectors[count++] = {const_cast<char*>(pieces[i].data()), pieces[i].size()};
    }
    msghdr message{};
    message.msg_iov = vectors.data();
    message.msg_iovlen = count;
    const auto sent = ::sendmsg(state_->socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) {
      if (errno == EINTR) continue;
      const bool full = errno == EAGAIN || errno == EWOULDBLOCK;
      if (!full || !wait_for(state_->socket, POLLOUT, state_->timeouts.stalled)) return false;
      continue;
    }
    auto left = static_cast<std::size_t>(sent);
    for (std::size_t i = index; i < pieces.size() && left > 0; ++i) {
      const std::size_t taken = std::min(left, pieces[i].size());
      pieces[i].remove_prefix(taken);
      left -= taken;
    }
  }
}

void HttpConnection::linger(milliseconds limit) {
  ::shutdown(state_->socket, SHUT_WR);
  const auto deadline = std::chrono::steady_clock::now() + limit;
  std::array<char, 65536> dropped{};
  while (true) {
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0 || !wait_for(state_->socket, POLLIN, left)) return;
    const auto count = ::recv(state_->socket, dropped.data(), dropped.size(), MSG_DONTWAIT);
    if (count == 0 || (count < 0 && errno != EINTR && errno != EAGAIN)) return;
  }
}

}  // namespace penstock::engine
