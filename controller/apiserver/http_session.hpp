#pragma once

// One TLS connection: requests in turn, or a watch until it ends. Includes Boost.Asio: for http_listener.cpp
// and http_session.cpp alone.

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <chrono>

#include "controller/apiserver/api.hpp"
#include "controller/apiserver/http_listener.hpp"
#include "controller/apiserver/open_sessions.hpp"

namespace penstock::apiserver {

/// What all sessions share; outlives them.
struct SessionContext {
  Api& api;
  Store& store;
  boost::asio::ssl::context& tls;
  OpenSessions& open;
  std::chrono::milliseconds bookmark_interval;
  std::chrono::milliseconds slow_watcher;
  RequestLimits limits;
};

/// Serves the connection on the socket's executor, which must be a strand; owns itself until it is over.
void serve_connection(boost::asio::ip::tcp::socket socket, const SessionContext& context);

}  // namespace penstock::apiserver
