#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

namespace penstock::test {

/// An alert as Alertmanager has it.
struct Alert {
  std::string name;  ///< label alertname
  std::string severity;
  std::string ns;
  std::string pipe;  ///< label name
  std::string summary;
  std::string description;
  std::string runbook_url;
};

/// Debian's Alertmanager on a free port of 127.0.0.1, alone and telling nobody.
class Alertmanager {
 public:
  /// Throws std::runtime_error with its output when it does not start.
  Alertmanager();

  [[nodiscard]] int port() const { return port_; }
  /// Those that fire, by its API; one that is resolved is not among them.
  [[nodiscard]] std::vector<Alert> firing() const;
  [[nodiscard]] std::optional<Alert> firing(const std::string& alert, const std::string& pipe) const;

 private:
  TempDir directory_{"penstock-alertmanager"};
  int port_ = free_port();
  Process process_;
};

/// Debian's Prometheus on a free port of 127.0.0.1. It scrapes one target, as job "penstock", and evaluates
/// the rules of this repository, each second.
class Prometheus {
 public:
  /// Throws std::runtime_error with its output when it does not start.
  Prometheus(const std::string& rules, int target, const Alertmanager& alerts);

  /// The result of an instant query; throws std::runtime_error with its words when it is refused.
  nlohmann::json query(const std::string& promql) const;
  /// What Prometheus says of its one target: "up", "down" or "unknown", and the last error.
  struct Target {
    std::string health;
    std::string error;
  };
  [[nodiscard]] Target target() const;

 private:
  [[nodiscard]] nlohmann::json get(const std::string& path) const;

  TempDir directory_{"penstock-prometheus"};
  int port_ = free_port();
  Process process_;
};

}  // namespace penstock::test
