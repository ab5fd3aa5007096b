#include "controller/engine/http_connection.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
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

constexpr std::uint32_t kHeaderLimit = 4U << 20U;  // a statement may be in the URL; ClickHouse takes 1 MiB
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

// A SyncReadStream (Boost.Beast, "Stream Types") over a socket, with a limit on silence, which Asio's own
// blocking sockets do not have.
struct SocketReader {
  int socket = -1;
  milliseconds limit{0};

  template <typename Buffers>
  std::size_t read_some(const Buffers& buffers, error_code& error) const {
    const boost::asio::mutable_buffer buffer = *boost::asio::buffer_sequence_begin(buffers);
    error = {};
    while (buffer.size() > 0) {
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
      if (!wait_for(socket, POLLIN, limit)) {
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
};

std::string RequestHead::header(std::string_view lower_case_name) const {
  const auto found = headers.find(lower_case_name);
  return found == headers.end() ? std::string() : found->second;
}

HttpConnection::HttpConnection(int socket, Timeouts timeouts) : state_(new State{socket, timeouts}) {
  state_->reader.socket = socket;
  state_->buffer.reserve(kReadAtOnce);
}

HttpConnection::~HttpConnection() {
  ::close(state_->socket);
}

int HttpConnection::socket() const {
  return state_->socket;
}

tl::expected<RequestHead, HttpConnection::HeadFailure> HttpConnection::read_head() {
  auto& parser = state_->parser.emplace();
  parser.header_limit(kHeaderLimit);
  parser.body_limit(std::numeric_limits<std::uint64_t>::max());  // none refuses every body in Boost 1.74
  error_code error;
  state_->reader.limit = state_->timeouts.idle;
  http::read_header(state_->reader, state_->buffer, parser, error);
  state_->reader.limit = state_->timeouts.stalled;
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
  for (const auto& field : message)
    head.headers[lower(std::string(field.name_string()))] = std::string(field.value());
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
