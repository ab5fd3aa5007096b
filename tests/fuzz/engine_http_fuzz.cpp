#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "controller/engine/accounts.hpp"
#include "controller/engine/http_connection.hpp"
#include "controller/engine/request_body.hpp"
#include "controller/engine/request_options.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace penstock::engine {
namespace {

constexpr std::size_t kMostBytes = 100'000;  // fits a socket's buffer: nobody else reads it
constexpr std::size_t kMostInflated = 64U << 20U;

// Reads a body to its end; false when it broke off.
bool read_body(HttpConnection& connection, const RequestHead& head) {
  auto body = RequestBody::open(connection, head);
  if (!body) return false;
  std::size_t total = 0;
  while (true) {
    const auto piece = body->read();
    if (!piece) return false;
    if (piece->empty()) return true;
    total += piece->size();
    if (total > kMostInflated) return false;
  }
}

void read_options(const RequestHead& head) {
  const auto options = parse_request(head.target, head.headers);
  if (!options) FUZZ_REQUIRE(options.error().code != 0 && !options.error().text.empty());
  const auto who = parse_credentials(head.target, head.headers);
  if (who && who->user != "default") FUZZ_REQUIRE(!authenticate(*who));
  (void)path_of(head.target);
}

}  // namespace

// The bytes of one connection, as many requests as they hold.
PENSTOCK_FUZZ(engine_http, bytes) {
  if (bytes.size() > kMostBytes) return;
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) != 0) std::abort();
  FUZZ_REQUIRE(::send(ends[0], bytes.data(), bytes.size(), MSG_DONTWAIT) ==
               static_cast<ssize_t>(bytes.size()));
  ::shutdown(ends[0], SHUT_WR);
  {
    constexpr std::chrono::milliseconds kPatience{50};
    HttpConnection connection(ends[1], {kPatience, kPatience, kPatience, kPatience});
    for (std::size_t requests = 0;; ++requests) {
      FUZZ_REQUIRE(requests <= bytes.size());
      const auto head = connection.read_head();
      if (!head) break;
      FUZZ_REQUIRE(!head->method.empty());
      read_options(*head);
      if (!read_body(connection, *head)) break;
      FUZZ_REQUIRE(connection.body_finished());
      if (!head->keep_alive) break;
    }
  }
  ::close(ends[0]);
}

}  // namespace penstock::engine
