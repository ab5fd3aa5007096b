#include "controller/engine/http_server.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <list>
#include <mutex>
#include <thread>

#include "controller/engine/request_guard.hpp"
#include "core/log.hpp"
#include "core/thread.hpp"

namespace penstock::engine {
namespace {

using std::chrono::milliseconds;

constexpr int kBacklog = 256;
constexpr milliseconds kPatienceWithinStatement{5'000};
constexpr milliseconds kPatienceForRoom{1'000};

Result<int> open_socket(const ListenAddress& address) {
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(static_cast<std::uint16_t>(address.port));
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(static_cast<std::uint16_t>(address.port));
  const bool is_v4 = ::inet_pton(AF_INET, address.host.c_str(), &v4.sin_addr) == 1;
  if (!is_v4) v6.sin6_addr = in6addr_loopback;
  const auto* generic =
      is_v4 ? reinterpret_cast<const sockaddr*>(&v4) : reinterpret_cast<const sockaddr*>(&v6);
  const socklen_t size = is_v4 ? sizeof v4 : sizeof v6;

  const int descriptor = ::socket(generic->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (::bind(descriptor, generic, size) != 0) {
    const int reason = errno;
    ::close(descriptor);
    return fail(ErrorKind::NeedsUser, "AddressNotAvailable",
                fmt::format("cannot listen on {}: {}", address.text(), std::strerror(reason)),
                "Stop what uses that port, or choose another");
  }
  return descriptor;
}

}  // namespace

struct HttpServer::State {
  // One client: its thread, and what stop() needs to wake it.
  struct Client {
    int socket = -1;
    const HttpConnection* connection = nullptr;  // while its thread has one
    bool busy = false;
    bool shut = false;
    bool ended = false;
    std::jthread thread{};
  };

  explicit State(HttpServerOptions wanted) : options(wanted) {}

  HttpServerOptions options;
  int listener = -1;
  int port = 0;
  StatementHandler* handler = nullptr;
  std::jthread acceptor{};
  std::atomic<bool> stopping{false};

  std::mutex mutex{};
  std::condition_variable changed{};
  std::list<Client> clients{};

  ~State() {
    if (listener >= 0) ::close(listener);
  }

  void accept_clients();
  void take_in(int socket);
  bool make_room();
  void reap(std::unique_lock<std::mutex>& lock, bool all);
  void serve_client(Client& client);
  bool answer(HttpConnection& connection, const RequestHead& head) const;
  bool begin(Client& client);
  void end(Client& client);
};

void HttpServer::State::accept_clients() {
  while (!stopping) {
    const int socket = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) {
      // Out of descriptors or memory for the moment; shutdown(listener) ends the wait for good.
      if (!stopping && errno != EINTR) std::this_thread::sleep_for(milliseconds(20));
      continue;
    }
    const int yes = 1;
    ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    take_in(socket);
  }
}

void HttpServer::State::take_in(int socket) {
  std::unique_lock lock(mutex);
  // A connection that was shut takes a moment to end.
  const bool room = changed.wait_for(lock, kPatienceForRoom, [this] { return stopping || make_room(); });
  reap(lock, false);
  Client& client = clients.emplace_back();
  client.socket = socket;
  if (room && !stopping) {
    auto thread = start_thread("a client of the engine", [this, &client] { serve_client(client); });
    if (thread) {
      client.thread = *std::move(thread);
      return;
    }
    log::warn("engine", "{}", thread.error().message);
  }
  clients.pop_back();
  HttpConnection refused(socket, options.timeouts);
  (void)send_plain(refused, RequestHead{}, 503, "Too many connections\n", false);
}

// Shuts the connection that has waited for its client the longest when there are too many. False while there
// are twice as many with those that were shut and have not ended, or when none can be shut.
bool HttpServer::State::make_room() {
  std::size_t open = 0;
  std::size_t living = 0;
  Client* longest = nullptr;
  milliseconds wait{-1};
  for (auto& client : clients) {
    living += client.ended ? 0 : 1;
    if (client.shut || client.ended) continue;
    ++open;
    if (client.connection == nullptr) continue;
    const auto waited = client.connection->peer_wait().lasted();
    const bool spared = client.connection->runs_statement() && waited < kPatienceWithinStatement;
    if (spared || waited <= wait) continue;
    longest = &client;
    wait = waited;
  }
  if (open < options.connections) return true;
  if (longest == nullptr || living >= 2 * options.connections) return false;
  longest->shut = true;
  ::shutdown(longest->socket, SHUT_RDWR);
  return true;
}

// Joins the threads that have ended; with `all`, waits for every one.
void HttpServer::State::reap(std::unique_lock<std::mutex>& lock, bool all) {
  if (all) {
    changed.wait(lock, [this] {
      for (const auto& client : clients) {
        if (!client.ended) return false;
      }
      return true;
    });
  }
  for (auto client = clients.begin(); client != clients.end();) {
    if (!client->ended) {
      ++client;
      continue;
    }
    client->thread.join();
    client = clients.erase(client);
  }
}

bool HttpServer::State::begin(Client& client) {
  const std::lock_guard lock(mutex);
  client.busy = !stopping;
  return client.busy;
}

void HttpServer::State::end(Client& client) {
  const std::lock_guard lock(mutex);
  client.busy = false;
  changed.notify_all();
}

void HttpServer::State::serve_client(Client& client) {
  {
    HttpConnection connection(client.socket, options.timeouts);
    {
      const std::lock_guard lock(mutex);
      client.connection = &connection;
      changed.notify_all();
    }
    while (!stopping) {
      const auto head = connection.read_head();
      if (!head) {
        const bool too_large = head.error() == HttpConnection::HeadFailure::TooLarge;
        if (head.error() == HttpConnection::HeadFailure::Closed) break;
        RequestHead unknown;
        (void)send_plain(connection, unknown, too_large ? 413 : 400,
                         too_large ? "The request's head is too large\n" : "This is not an HTTP request\n",
                         false);
        connection.linger(milliseconds(1000));
        break;
      }
      if (!begin(client)) break;
      const bool again = answer(connection, *head);
      end(client);
      if (!again) break;
    }
    // The socket is closed below; stop() must not touch its number, which may be somebody else's by then.
    const std::lock_guard lock(mutex);
    client.socket = -1;
    client.connection = nullptr;
  }
  const std::lock_guard lock(mutex);
  client.ended = true;
  changed.notify_all();
}

bool HttpServer::State::answer(HttpConnection& connection, const RequestHead& head) const {
  const auto plain = [&](int status, std::string_view body) {
    // What is left of a body must not be taken for the next request.
    const bool read = connection.body_finished();
    const bool sent = send_plain(connection, head, status, body, head.keep_alive && read);
    if (!read) connection.linger(milliseconds(1000));
    return sent && head.keep_alive && read;
  };
  if (const auto refusal = refuse_web_page(head.headers, port)) return plain(refusal->status, refusal->text);
  const bool reads = head.method == "GET" || head.method == "HEAD";
  if (!reads && head.method != "POST") return plain(405, "Use GET, HEAD or POST\n");
  const std::string path = path_of(head.target);
  if (path == "/ping") return plain(200, "Ok.\n");
  if (path == "/replicas_status") return plain(200, "Ok.\n");
  if (path != "/") {
    return plain(404, fmt::format("There is no handle {}\nUse / or /ping for health checks.\n", path));
  }
  if (reads && head.target.find('?') == std::string::npos) return plain(200, "Ok.\n");
  return handler->handle(connection, head);
}

HttpServer::HttpServer(std::unique_ptr<State> state) : state_(std::move(state)) {}
HttpServer::~HttpServer() {
  stop(milliseconds(0));
}

Result<std::unique_ptr<HttpServer>> HttpServer::bind(const ListenAddress& address,
                                                     HttpServerOptions options) {
  auto state = std::make_unique<State>(options);
  PENSTOCK_ASSIGN(state->listener, open_socket(address));
  std::unique_ptr<HttpServer> server(new HttpServer(std::move(state)));
  server->state_->port = server->address().port;
  return server;
}

ListenAddress HttpServer::address() const {
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  ::getsockname(state_->listener, reinterpret_cast<sockaddr*>(&bound), &size);
  std::array<char, INET6_ADDRSTRLEN> host{};
  ListenAddress address;
  if (bound.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(bound);
    address.host = ::inet_ntop(AF_INET, &v4.sin_addr, host.data(), host.size());
    address.port = ntohs(v4.sin_port);
  } else {
    address.host = "::1";
    address.port = ntohs(reinterpret_cast<const sockaddr_in6&>(bound).sin6_port);
  }
  return address;
}

Status HttpServer::serve(StatementHandler& handler) {
  state_->handler = &handler;
  if (::listen(state_->listener, kBacklog) != 0) {
    return fail(ErrorKind::NeedsUser, "AddressNotAvailable",
                fmt::format("cannot listen on {}: {}", address().text(), std::strerror(errno)),
                "Stop what uses that port, or choose another");
  }
  PENSTOCK_ASSIGN(state_->acceptor,
                  start_thread("the engine's port", [state = state_.get()] { state->accept_clients(); }));
  return {};
}

void HttpServer::stop(milliseconds grace) {
  if (!state_->acceptor.joinable()) return;
  state_->stopping = true;
  ::shutdown(state_->listener, SHUT_RDWR);
  state_->acceptor.join();

  std::unique_lock lock(state_->mutex);
  const auto shut = [this](bool busy_too) {
    for (const auto& client : state_->clients) {
      if (client.socket >= 0 && (busy_too || !client.busy)) ::shutdown(client.socket, SHUT_RDWR);
    }
  };
  shut(false);
  const bool idle = state_->changed.wait_for(lock, grace, [this] {
    for (const auto& client : state_->clients) {
      if (client.busy) return false;
    }
    return true;
  });
  if (!idle) {
    lock.unlock();
    log::warn("engine", "stopping with statements still running: they are cancelled");
    state_->handler->kill_all();
    lock.lock();
  }
  shut(true);
  state_->reap(lock, true);
}

}  // namespace penstock::engine
