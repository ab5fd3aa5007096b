#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/dev_server.hpp"
#include "tests/support/engine_server.hpp"
#include "tests/support/pipe_manifest.hpp"
#include "tests/support/postgres_server.hpp"

namespace penstock {

using namespace std::chrono_literals;

/// Passwords that are right, and one that is not. None may ever be seen in an output.
inline constexpr const char* kRolePassword = "Open-Sesame-4711";
inline constexpr const char* kWrongPassword = "Guessed-Wrong-0815";

/// Servers that live as long as the program.
test::PostgresServer& shared_postgres();
test::DevServer& shared_dev();

/// A pipe that would run, with everything it needs, for a fault to be put into: a source database with table
/// public.orders (three rows), a login role that owns it and may do all that a pipe needs, a Secret with the
/// role's password, and the name of a target database that is not there yet.
struct Scene {
  Scene(std::string wanted_name, test::PostgresServer& server, test::EngineServer& destination);

  void exec(const std::string& sql) { postgres.exec(sql, database); }
  void apply() { shared_dev().apply(manifest.both()); }
  void apply_secret() { shared_dev().apply(manifest.secret()); }
  void apply_pipe() { shared_dev().apply(manifest.pipe()); }

  test::PostgresServer& postgres;
  test::EngineServer& engine;
  const std::string name;
  const std::string database;  ///< of the source, and of the target
  const std::string role;
  test::PipeManifest manifest;
  bool with_secret = true;  ///< the Secret is applied with the pipe
};

/// What `kubectl get pipe -o json` and `kubectl get events` show of a pipe.
struct Condition {
  std::string status;
  std::string reason;
  std::string message;
};
struct Event {
  std::string reason;
  std::string message;
  int count = 0;
};
struct Look {
  std::string state;
  std::string message;
  std::string resource_version;
  std::map<std::string, Condition> conditions;
  std::vector<Event> warnings;

  [[nodiscard]] std::string status_of(const std::string& condition) const;
  [[nodiscard]] std::string reason_of(const std::string& condition) const;
  [[nodiscard]] std::string message_of(const std::string& condition) const;
};
/// Every pipe of the default namespace, by name.
std::map<std::string, Look> look_at_pipes(const test::DevServer& dev);

/// Who ends a fault.
enum class Waits {
  ForPerson,  ///< Stalled, probed at most 30 s apart
  ForTime,    ///< ProgressingWithRetry
};
/// How soon its cure is noticed.
enum class Noticed {
  AtOnce,  ///< it changes the spec or a Secret
  Soon,    ///< it is made in the source or the destination: within 30 s
};

/// One way to do it wrong.
struct Fault {
  std::string name;
  std::function<void(Scene&)> break_it;
  std::string reason;
  std::vector<std::string> says;          ///< what and where, and what to do: all of it is in the message
  std::function<void(Scene&)> cure = {};  ///< empty: the test stops at the message
  Noticed noticed = Noticed::Soon;
  Waits waits = Waits::ForPerson;
  std::function<test::PostgresServer&()> postgres = shared_postgres;
  std::function<test::EngineServer&()> engine = test::shared_engine;
};

/// Makes the pipes of all faults side by side, holds each to what it must say, then cures them and waits for
/// them to run. Leaves no pipe behind.
void expect_told_and_cured(const std::vector<Fault>& faults);

/// Fails the test if a password is in anything that `penstock dev` writes or serves (but in the Secrets).
void expect_no_password_anywhere(test::DevServer& dev);

}  // namespace penstock
