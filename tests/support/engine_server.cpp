#include "tests/support/engine_server.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <utility>

#include "tests/support/raw_http.hpp"
#include "tests/support/sanitizer.hpp"

namespace penstock::test {
namespace {

constexpr std::chrono::seconds kStartLimit{60};  // sanitizers and a loaded machine

// In a mount namespace of the process's own, so that nothing is left mounted whatever ends it.
constexpr const char* kOnADisk =
    R"(mount -t tmpfs -o "size=$1" tmpfs "$0" && program=$2 && shift 2 && exec "$program" "$@")";

}  // namespace

std::string why_no_disk() {
  const TempDir directory("penstock-disk");
  ProcessOptions trial;
  trial.arguments = {"--mount", "--propagation", "private", "mount", "-t", "tmpfs", "tmpfs", directory / ""};
  try {
    const auto done = run("unshare", std::move(trial));
    return done.ok() ? "" : "a disk of its own cannot be mounted: " + done.out + done.err;
  } catch (const std::exception& error) {
    return std::string("a disk of its own cannot be mounted: ") + error.what();
  }
}

std::string engine_program() {
  if (const char* program = std::getenv("PENSTOCK_ENGINE_BINARY")) return program;
  const auto directory = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  for (const char* other : {"release", "dev"}) {
    const auto program = directory.parent_path() / other / "penstock";
    if (kSanitized && std::filesystem::exists(program)) return program.string();
  }
  return (directory / "penstock").string();
}

EngineServer::EngineServer(EngineServerOptions options) : options_(std::move(options)), port_(free_port()) {
  start();
}

void EngineServer::start() {
  std::vector<std::string> arguments{"engine", "--path", path(), "--listen",
                                     "127.0.0.1:" + std::to_string(port_)};
  arguments.insert(arguments.end(), options_.arguments.begin(), options_.arguments.end());
  auto program = options_.program.empty() ? engine_program() : options_.program;
  if (options_.disk_bytes > 0) {
    std::filesystem::create_directories(path());
    arguments.insert(arguments.begin(), {"--mount", "--propagation", "private", "sh", "-c", kOnADisk, path(),
                                         std::to_string(options_.disk_bytes), program});
    program = "unshare";
  }
  ProcessOptions process;
  process.arguments = std::move(arguments);
  process_ = std::make_unique<Process>(program, std::move(process));
  const bool answers = eventually(
      [this] { return !process_->running() || http(port_, "GET", "/ping").body == "Ok.\n"; }, kStartLimit);
  if (!answers || !process_->running()) {
    throw std::runtime_error("the engine does not start: " + process_->out() + process_->err());
  }
}

std::string EngineServer::ballast() const {
  return "/proc/" + std::to_string(pid()) + "/root" + path() + "/ballast";
}

void EngineServer::fill_disk() {
  std::ofstream file(ballast(), std::ios::binary | std::ios::app);
  const std::string block(4096, '\0');
  while (file.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
  }
}

void EngineServer::make_room() {
  std::filesystem::remove(ballast());
}

ExitStatus EngineServer::stop() {
  return process_->stop(std::chrono::seconds(20));
}

void EngineServer::kill9() {
  process_->kill();
}

void EngineServer::restart() {
  stop();
  start();
}

std::string EngineServer::query(const std::string& sql,
                                const std::map<std::string, std::string>& parameters) {
  std::string target = "/?";
  for (const auto& [name, value] : parameters)
    target += url_encode(name) + "=" + url_encode(value) + "&";
  const HttpReply reply = http(port_, "POST", target, sql);
  if (reply.status != 200 || !reply.complete) {
    throw std::runtime_error("HTTP " + std::to_string(reply.status) + ": " + reply.body +
                             " for: " + sql.substr(0, 500));
  }
  return reply.body;
}

// Into a table that stays: an insert that is under way when the view goes, and an inner table with it, fails.
void EngineServer::slow_down(const std::string& database, const std::string& table, double seconds) {
  query("CREATE TABLE IF NOT EXISTS default.brake_end (s UInt8) ENGINE = Null");
  query(fmt::format(
      "CREATE MATERIALIZED VIEW `{0}`.`brake_of_{1}` TO default.brake_end AS SELECT sleep({2}) AS s "
      "FROM `{0}`.`{1}`",
      database, table, seconds));
}

void EngineServer::speed_up(const std::string& database, const std::string& table) {
  query(fmt::format("DROP VIEW IF EXISTS `{}`.`brake_of_{}` SYNC", database, table));
}

std::string EngineServer::value(const std::string& sql,
                                const std::map<std::string, std::string>& parameters) {
  std::string answer = query(sql, parameters);
  if (answer.ends_with('\n')) answer.pop_back();
  return answer;
}

EngineServer& shared_engine() {
  static EngineServer engine;
  return engine;
}

}  // namespace penstock::test
