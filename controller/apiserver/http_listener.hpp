#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "controller/apiserver/tls_identity.hpp"
#include "core/result.hpp"

namespace penstock::apiserver {

class Api;
class Store;

/// What a client may take of the server; tests turn these.
struct RequestLimits {
  std::chrono::milliseconds head{10'000};  ///< a handshake; a request's head from its first byte to its last
  std::chrono::milliseconds body{60'000};  ///< a request's body as a whole
  std::size_t waiting = 256;               ///< connections without a request; watches are not among them
};

struct ListenerOptions {
  std::string host{};
  std::uint16_t port = 0;
  int threads = 4;
  TlsIdentity identity{};
  std::chrono::milliseconds bookmark_interval{};
  std::chrono::milliseconds slow_watcher{};
  RequestLimits limits{};
};

/// The HTTP side: accepts connections and serves each from a pool of threads. Two steps, because the port
/// must be known (for the kubeconfig) before the first request is served.
class HttpListener {
 public:
  /// Binds. Fails with PortInUse or ListenFailed.
  [[nodiscard]] static Result<std::unique_ptr<HttpListener>> bind(const ListenerOptions& options);
  ~HttpListener();
  HttpListener(const HttpListener&) = delete;
  HttpListener& operator=(const HttpListener&) = delete;

  [[nodiscard]] std::uint16_t port() const;
  [[nodiscard]] const std::string& host() const;

  /// Starts the threads. `api` and `store` must live until stop() has returned. `every_minute` is run from
  /// one of the threads.
  [[nodiscard]] Status serve(Api& api, Store& store, std::function<void()> every_minute);
  /// Watches are ended, requests under way are answered, threads joined; no longer than two seconds.
  void stop();

 private:
  class Impl;
  explicit HttpListener(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace penstock::apiserver
