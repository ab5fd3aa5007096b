#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "controller/adapters/metrics/metrics.hpp"
#include "core/result.hpp"

namespace penstock::adapters {

/// What a client may take; tests turn these.
struct MetricsServerLimits {
  std::chrono::milliseconds header{10'000};  ///< from the first byte of a request to the end of its head
  std::size_t connections = 64;              ///< past it the one that has been idle for longest is closed
};

/// Answers GET /metrics, plain HTTP, on a thread of its own. A client that is slow or silent holds up nobody.
/// Requests of web pages are refused (foreign_page_fault): what is told here has the names of pipes and
/// tables in it.
class MetricsServer {
 public:
  /// `host` is an address of this machine, or a name that has one; port 0 takes any free one. Fails with
  /// PortInUse or ListenFailed. `metrics` outlives the server.
  [[nodiscard]] static Result<std::unique_ptr<MetricsServer>> start(const Metrics& metrics,
                                                                    const std::string& host,
                                                                    std::uint16_t port,
                                                                    const MetricsServerLimits& limits = {});
  ~MetricsServer();  ///< drops the connections that are open; a scrape under way is finished first

  [[nodiscard]] std::uint16_t port() const;  ///< the one that it really has
  [[nodiscard]] std::string url() const;     ///< "http://127.0.0.1:9464/metrics"

 private:
  class Impl;
  explicit MetricsServer(std::unique_ptr<Impl> impl);
  const std::unique_ptr<Impl> impl_;
};

}  // namespace penstock::adapters
