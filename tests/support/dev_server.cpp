#include "tests/support/dev_server.hpp"

#include <signal.h>
#include <algorithm>

#include <cstdlib>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace penstock::test {
namespace {

constexpr std::chrono::seconds kStartLimit{60};  // sanitizers and a loaded machine
constexpr std::chrono::seconds kKubectlLimit{60};
constexpr std::chrono::milliseconds kBetweenLooks{100};

std::string kubectl_program() {
  const char* program = std::getenv("PENSTOCK_KUBECTL");
  return program != nullptr && *program != '\0' ? program : "kubectl";
}

/// Without the preferences of whoever runs the tests.
std::map<std::string, std::string> plain_environment() {
  return {{"HOME", "/nonexistent"}, {"KUBECTL_KUBERC", "false"}};
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    out.push_back(line);
  return out;
}

}  // namespace

std::string penstock_program() {
  return (std::filesystem::read_symlink("/proc/self/exe").parent_path() / "penstock").string();
}

std::vector<std::string> StateWatch::states() const {
  std::vector<std::string> out;
  const auto text = process_.out();
  for (const auto& line : lines_of(text.substr(0, text.rfind('\n') + 1)))  // a line may be half written
    if (!line.empty() && (out.empty() || out.back() != line)) out.push_back(line);
  return out;
}

bool StateWatch::saw(const std::vector<std::string>& wanted, std::chrono::milliseconds limit) const {
  return eventually([&] { return states() == wanted; }, limit);
}

DevServer::DevServer(DevServerOptions options) : options_(std::move(options)), port_(free_port()) {
  start();
}

void DevServer::start() {
  if (process_) earlier_logs_ += log();
  ProcessOptions process;
  process.arguments = {"dev", "--data-dir", data_dir(), "--api", "127.0.0.1:" + std::to_string(port_)};
  process.arguments.insert(process.arguments.end(), options_.arguments.begin(), options_.arguments.end());
  process_ = std::make_unique<Process>(options_.program.empty() ? penstock_program() : options_.program,
                                       std::move(process));
  if (!process_->wait_for_output("serving the Kubernetes API", kStartLimit))
    throw std::runtime_error("penstock dev does not start: " + log());
}

DevServer::Stopped DevServer::stop(std::chrono::milliseconds limit) {
  const auto begun = std::chrono::steady_clock::now();
  const auto status = process_->stop(limit);
  return {status,
          std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begun)};
}

void DevServer::kill9() {
  process_->kill();
}

std::vector<std::string> DevServer::with_config(const std::vector<std::string>& arguments) const {
  std::vector<std::string> out{"--kubeconfig", kubeconfig(), "--cache-dir", directory_ / "kube-cache"};
  out.insert(out.end(), arguments.begin(), arguments.end());
  return out;
}

Finished DevServer::kubectl(const std::vector<std::string>& arguments, const std::string& input) const {
  if (arguments == last_command_) std::this_thread::sleep_until(last_answer_ + kBetweenLooks);
  ProcessOptions process;
  process.arguments = with_config(arguments);
  process.environment = plain_environment();
  process.input = input;
  auto done = run(kubectl_program(), std::move(process), kKubectlLimit);
  last_command_ = arguments;
  last_answer_ = std::chrono::steady_clock::now();
  return done;
}

std::string DevServer::must_kubectl(const std::vector<std::string>& arguments,
                                    const std::string& input) const {
  const auto done = kubectl(arguments, input);
  if (done.ok()) return done.out;
  std::string words;
  for (const auto& argument : arguments)
    words += " " + argument;
  throw std::runtime_error("kubectl" + words + ": " + done.err + done.out + "\n" + input);
}

void DevServer::patch(const std::string& pipe, const std::string& json) const {
  must_kubectl({"patch", "pipe", pipe, "--type", "merge", "-p", json});
}

std::string DevServer::field(const std::string& pipe, const std::string& path) const {
  return kubectl({"get", "pipe", pipe, "-o", "jsonpath={" + path + "}"}).out;
}

std::string DevServer::condition(const std::string& pipe, const std::string& type) const {
  return field(pipe, ".status.conditions[?(@.type==\"" + type + "\")].status");
}

std::string DevServer::reason(const std::string& pipe, const std::string& type) const {
  return field(pipe, ".status.conditions[?(@.type==\"" + type + "\")].reason");
}

bool DevServer::wait_for_field(const std::string& pipe, const std::string& path, const std::string& wanted,
                               std::chrono::milliseconds limit) const {
  return eventually([&] { return field(pipe, path) == wanted; }, limit);
}

bool DevServer::wait_until_gone(const std::string& pipe, std::chrono::milliseconds limit) const {
  return eventually(
      [&] {
        return kubectl({"get", "pipe", pipe}).err.find("NotFound") != std::string::npos;
      },
      limit);
}

StateWatch DevServer::watch(const std::string& pipe) const {
  ProcessOptions process;
  process.arguments = with_config({"get", "pipes", "--field-selector", "metadata.name=" + pipe, "--watch",
                                   "-o", "jsonpath={.status.state}{\"\\n\"}", "-v=6"});
  process.environment = plain_environment();
  Process kubectl(kubectl_program(), std::move(process));
  // At this verbosity it logs each request when the answer begins: what happens from then on is seen.
  if (!kubectl.wait_for_output("watch=true", kKubectlLimit))
    throw std::runtime_error("kubectl does not watch: " + kubectl.err());
  return StateWatch(std::move(kubectl));
}

std::vector<std::string> DevServer::events(const std::string& pipe, const std::string& type) const {
  // Their names end in the time, in hexadecimal: in the order of bytes, which is not how kubectl sorts names.
  auto lines = lines_of(
      must_kubectl({"get", "events", "--field-selector", "involvedObject.name=" + pipe + ",type=" + type,
                    "-o", "jsonpath={range .items[*]}{.metadata.name} {.reason}{\"\\n\"}{end}"}));
  std::sort(lines.begin(), lines.end());
  for (auto& line : lines)
    line.erase(0, line.find(' ') + 1);
  return lines;
}

std::string DevServer::describe(const std::string& pipe) const {
  const auto object = kubectl({"get", "pipe", pipe, "-o", "yaml"});
  const auto words = kubectl({"describe", "pipe", pipe});
  const auto events = kubectl({"get", "events", "-o", "wide"});
  return object.out + object.err + words.out + words.err + events.out + events.err;
}

}  // namespace penstock::test
