#include "tests/e2e/errors/fault_scene.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <thread>

namespace penstock {
namespace {

using Clock = std::chrono::steady_clock;

// By then a probe has failed at 0, 2 and 6 s, and the next one is at 14 s: what is noticed sooner was noticed
// because it was changed.
constexpr auto kBetweenProbes = 7s;
constexpr auto kAtOnce = 7s;
constexpr auto kSoon = 35s;   // 30 s, and the time a setup takes on a busy machine
constexpr auto kToRun = 60s;  // a load of three rows, by many pipes at once

Scene& broken(const Fault& fault, std::vector<std::unique_ptr<Scene>>& scenes) {
  scenes.push_back(std::make_unique<Scene>(fault.name, fault.postgres(), fault.engine()));
  fault.break_it(*scenes.back());
  return *scenes.back();
}

bool told(const Fault& fault, const Look& look) {
  if (fault.waits == Waits::ForPerson) return look.reason_of("Stalled") == fault.reason;
  return look.reason_of("Ready") == "ProgressingWithRetry";
}

bool warned(const Fault& fault, const Look& look) {
  return std::any_of(look.warnings.begin(), look.warnings.end(),
                     [&](const Event& event) { return event.reason == fault.reason; });
}

void expect_told(const Fault& fault, const Look& look) {
  SCOPED_TRACE(fault.name + ": " + look.message);
  const bool person = fault.waits == Waits::ForPerson;
  EXPECT_EQ(look.state, "Setup");
  EXPECT_EQ(look.status_of("Ready"), "False");
  EXPECT_EQ(look.reason_of("Ready"), person ? fault.reason : "ProgressingWithRetry");
  EXPECT_EQ(look.status_of("Stalled"), person ? "True" : "");
  EXPECT_EQ(look.status_of("Reconciling"), person ? "" : "True");
  EXPECT_EQ(look.message_of("Ready"), look.message);
  for (const auto& part : fault.says)
    EXPECT_NE(look.message.find(part), std::string::npos) << "lacks: " << part;
  EXPECT_TRUE(warned(fault, look)) << "no Warning event";
  for (const auto& event : look.warnings) {
    if (event.reason == fault.reason) {
      EXPECT_EQ(event.message, look.message);
    }
  }
}

/// Lines of the log that speak of the pipe and hold its message: one, however often it was tried.
int lines_about(const std::string& log, const std::string& pipe, const std::string& message) {
  int count = 0;
  for (std::size_t at = 0; at < log.size();) {
    const auto end = std::min(log.find('\n', at), log.size());
    const auto line = log.substr(at, end - at);
    if (line.find("default/" + pipe + ":") != std::string::npos && line.find(message) != std::string::npos)
      ++count;
    at = end + 1;
  }
  return count;
}

bool runs(const Look& look) {
  return look.status_of("Ready") == "True";
}

void cure_and_wait(const std::vector<Fault>& faults, std::vector<std::unique_ptr<Scene>>& scenes,
                   Noticed noticed) {
  std::map<std::string, std::size_t> cured;
  for (std::size_t at = 0; at < faults.size(); ++at) {
    if (!faults[at].cure || faults[at].noticed != noticed) continue;
    faults[at].cure(*scenes[at]);
    cured[faults[at].name] = at;
  }
  std::map<std::string, Look> looks;
  const auto all_run = [&] {
    looks = look_at_pipes(shared_dev());
    return std::all_of(cured.begin(), cured.end(), [&](const auto& one) { return runs(looks[one.first]); });
  };
  const auto any_told = [&] {
    looks = look_at_pipes(shared_dev());
    return std::any_of(cured.begin(), cured.end(),
                       [&](const auto& one) { return told(faults[one.second], looks[one.first]); });
  };
  EXPECT_TRUE(test::eventually([&] { return !any_told(); }, noticed == Noticed::AtOnce ? kAtOnce : kSoon))
      << "a cure is not taken up";
  const bool done = test::eventually(all_run, kToRun);
  for (const auto& [name, at] : cured) {
    if (!runs(looks[name])) {
      ADD_FAILURE() << name << " is not cured: " << looks[name].state << ", " << looks[name].message;
    } else if (done) {
      auto& scene = *scenes[at];
      EXPECT_EQ(scene.engine.value("SELECT count() FROM orders FINAL",
                                   {{"database", scene.manifest.target_database}}),
                "3")
          << name;
    }
  }
}

}  // namespace

test::PostgresServer& shared_postgres() {
  static test::PostgresServer server(
      {.settings = {{"max_replication_slots", "60"}, {"max_wal_senders", "60"}, {"max_connections", "300"}},
       .hba = {"host all barred 127.0.0.1/32 reject"}});
  return server;
}

test::DevServer& shared_dev() {
  static test::DevServer server;
  return server;
}

Scene::Scene(std::string wanted_name, test::PostgresServer& server, test::EngineServer& destination)
    : postgres(server),
      engine(destination),
      name(std::move(wanted_name)),
      database(postgres.create_database()),
      role("role_of_" + database),
      manifest(name, postgres, database, engine, {"public.orders"}) {
  manifest.user = role;
  manifest.password = kRolePassword;
  postgres.exec(
      fmt::format("CREATE ROLE {0} LOGIN REPLICATION PASSWORD '{1}';"
                  "GRANT CREATE ON DATABASE {2} TO {0}",
                  role, kRolePassword, database));
  exec(
      "CREATE TABLE orders (id bigint PRIMARY KEY, email text, total numeric(10,2));"
      "INSERT INTO orders VALUES (1, 'a@example.org', 1), (2, 'b@example.org', 2), (3, NULL, NULL)");
  exec("ALTER TABLE orders OWNER TO " + role);
}

std::string Look::status_of(const std::string& condition) const {
  const auto at = conditions.find(condition);
  return at == conditions.end() ? "" : at->second.status;
}

std::string Look::reason_of(const std::string& condition) const {
  const auto at = conditions.find(condition);
  return at == conditions.end() ? "" : at->second.reason;
}

std::string Look::message_of(const std::string& condition) const {
  const auto at = conditions.find(condition);
  return at == conditions.end() ? "" : at->second.message;
}

std::map<std::string, Look> look_at_pipes(const test::DevServer& dev) {
  using nlohmann::json;
  std::map<std::string, Look> out;
  const auto pipes = json::parse(dev.must_kubectl({"get", "pipes", "-o", "json"}));
  for (const auto& pipe : pipes.at("items")) {
    auto& look = out[pipe.at("metadata").at("name")];
    look.resource_version = pipe.at("metadata").at("resourceVersion");
    const auto status = pipe.value("status", json::object());
    look.state = status.value("state", "");
    look.message = status.value("message", "");
    for (const auto& one : status.value("conditions", json::array()))
      look.conditions[one.at("type")] = {one.at("status"), one.at("reason"), one.at("message")};
  }
  const auto events = json::parse(dev.must_kubectl({"get", "events", "-o", "json"}));
  for (const auto& event : events.at("items")) {
    if (event.at("type") != "Warning") continue;
    out[event.at("involvedObject").at("name")].warnings.push_back(
        {event.at("reason"), event.at("message"), event.value("count", 1)});
  }
  return out;
}

void expect_told_and_cured(const std::vector<Fault>& faults) {
  std::vector<std::unique_ptr<Scene>> scenes;
  std::string manifests;
  for (const auto& fault : faults) {
    const auto& scene = broken(fault, scenes);
    if (scene.with_secret) manifests += scene.manifest.secret() + "---\n";
    manifests += scene.manifest.pipe() + "---\n";
  }
  const auto begun = Clock::now();
  shared_dev().apply(manifests);
  std::map<std::string, Look> looks;
  (void)test::eventually(
      [&] {
        looks = look_at_pipes(shared_dev());
        return std::all_of(faults.begin(), faults.end(), [&](const Fault& fault) {
          return told(fault, looks[fault.name]) && warned(fault, looks[fault.name]);
        });
      },
      20s);
  for (const auto& fault : faults)
    expect_told(fault, looks[fault.name]);
  expect_no_password_anywhere(shared_dev());

  cure_and_wait(faults, scenes, Noticed::Soon);
  std::this_thread::sleep_until(begun + kBetweenProbes);
  const auto log = shared_dev().log();
  for (const auto& fault : faults)
    EXPECT_EQ(lines_about(log, fault.name, looks[fault.name].message), 1) << fault.name;
  cure_and_wait(faults, scenes, Noticed::AtOnce);
  expect_no_password_anywhere(shared_dev());
  shared_dev().must_kubectl({"delete", "pipes,secrets", "--all", "--timeout=60s"});
  EXPECT_TRUE(shared_dev().running());
}

void expect_no_password_anywhere(test::DevServer& dev) {
  const auto shown = dev.all_logs() + dev.must_kubectl({"get", "pipes,events", "-o", "yaml"}) +
                     dev.must_kubectl({"describe", "pipes"});
  for (const std::string secret : {kRolePassword, kWrongPassword, test::PostgresServer::kPassword})
    EXPECT_EQ(shown.find(secret), std::string::npos)
        << shown.substr(shown.find(secret) < 200 ? 0 : shown.find(secret) - 200, 400);
}

}  // namespace penstock
