#pragma once

// One TLS connection: requests in turn, or a watch until it ends. Includes Boost.Asio: for http_listener.cpp
// and http_session.cpp alone.

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <chrono>
#include <memory>
#include <mutex>
#include <set>

#include "controller/apiserver/api.hpp"

namespace penstock::apiserver {

class HttpSession;

/// The sessions that are open, to end them all at a stop. Thread-safe.
class OpenSessions {
 public:
  void add(HttpSession* session);
  void remove(HttpSession* session);
  void end_all();

 private:
  std::mutex mutex_;
  std::set<HttpSession*> sessions_;
};

/// What all sessions share; outlives them.
struct SessionContext {
  Api& api;
  Store& store;
  boost::asio::ssl::context& tls;
  OpenSessions& open;
  std::chrono::milliseconds bookmark_interval;
  std::chrono::milliseconds slow_watcher;
};

/// Serves the connection on the socket's executor, which must be a strand; owns itself until it is over.
void serve_connection(boost::asio::ip::tcp::socket socket, const SessionContext& context);

}  // namespace penstock::apiserver
