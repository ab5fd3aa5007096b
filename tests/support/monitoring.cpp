#include "tests/support/monitoring.hpp"

#include <fmt/format.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "tests/support/raw_http.hpp"

namespace penstock::test {
namespace {

using nlohmann::json;

constexpr std::chrono::seconds kStartLimit{60};

std::string write_file(const std::string& path, const std::string& text) {
  std::ofstream(path) << text;
  return path;
}

Process start(const std::string& program, std::vector<std::string> arguments) {
  ProcessOptions options;
  options.arguments = std::move(arguments);
  return {program, std::move(options)};
}

void wait_until_ready(Process& process, const std::string& program, int port) {
  const bool ready = eventually(
      [&] { return !process.running() || http(port, "GET", "/-/ready").status == 200; }, kStartLimit);
  if (!ready || !process.running())
    throw std::runtime_error(program + " does not start (scripts/deps.sh installs it): " + process.err());
}

std::string text_of(const json& object, const char* name) {
  return object.value(name, std::string{});
}

}  // namespace

Alertmanager::Alertmanager()
    : process_(
          start("prometheus-alertmanager",
                {"--config.file=" + write_file(directory_ / "alertmanager.yaml",
                                               "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"),
                 "--storage.path=" + (directory_ / "data"),
                 "--cluster.listen-address=", fmt::format("--web.listen-address=127.0.0.1:{}", port_)})) {
  wait_until_ready(process_, "prometheus-alertmanager", port_);
}

std::vector<Alert> Alertmanager::firing() const {
  const auto reply = http(port_, "GET", "/api/v2/alerts?active=true");
  if (reply.status != 200) throw std::runtime_error("Alertmanager: " + reply.body);
  std::vector<Alert> out;
  const auto alerts = json::parse(reply.body);
  for (const auto& one : alerts) {
    const auto& labels = one.at("labels");
    const auto& told = one.at("annotations");
    out.push_back({text_of(labels, "alertname"), text_of(labels, "severity"), text_of(labels, "namespace"),
                   text_of(labels, "name"), text_of(told, "summary"), text_of(told, "description"),
                   text_of(told, "runbook_url")});
  }
  return out;
}

std::optional<Alert> Alertmanager::firing(const std::string& alert, const std::string& pipe) const {
  const auto all = firing();
  for (const auto& one : all)
    if (one.name == alert && one.pipe == pipe) return one;
  return std::nullopt;
}

Prometheus::Prometheus(const std::string& rules, int target, const Alertmanager& alerts)
    : process_(start("prometheus",
                     {"--config.file=" +
                          write_file(directory_ / "prometheus.yaml",
                                     fmt::format("global: {{scrape_interval: 1s, evaluation_interval: 1s}}\n"
                                                 "rule_files: ['{}']\n"
                                                 "alerting: {{alertmanagers: [{{static_configs: [{{targets: "
                                                 "['127.0.0.1:{}']}}]}}]}}\n"
                                                 "scrape_configs:\n"
                                                 "  - {{job_name: penstock, honor_labels: true, "
                                                 "static_configs: [{{targets: ['127.0.0.1:{}']}}]}}\n",
                                                 rules, alerts.port(), target)),
                      "--storage.tsdb.path=" + (directory_ / "data"),
                      fmt::format("--web.listen-address=127.0.0.1:{}", port_)})) {
  wait_until_ready(process_, "prometheus", port_);
}

json Prometheus::get(const std::string& path) const {
  const auto reply = http(port_, "GET", path);
  const auto answer = json::parse(reply.body, nullptr, false);
  if (reply.status != 200 || !answer.is_object())
    throw std::runtime_error("Prometheus on " + path + ": " + reply.body);
  return answer.at("data");
}

json Prometheus::query(const std::string& promql) const {
  return get("/api/v1/query?query=" + url_encode(promql)).at("result");
}

Prometheus::Target Prometheus::target() const {
  const auto targets = get("/api/v1/targets").at("activeTargets");
  if (targets.size() != 1) return {"unknown", "there is no target"};
  return {targets[0].at("health"), targets[0].at("lastError")};
}

}  // namespace penstock::test
