#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/e2e/cases/cases.hpp"
#include "tests/support/pipe_board.hpp"
#include "tests/support/pipe_manifest.hpp"
#include "tests/support/row_oracle.hpp"

namespace penstock::cases {

/// The servers that cases share.
struct Servers {
  test::PostgresServer& postgres;
  test::EngineServer& engine;
  test::PipeBoard& board;
};

/// One case: its database, its pipe and how it goes. Each in a thread of its own.
class OneCase {
 public:
  OneCase(const Servers& servers, const Case& its);

  /// The database, with what the case's setup makes.
  void prepare();
  /// Everything else; empty, or what went otherwise than it has to.
  std::string run();

 private:
  struct Verdict {
    std::string wrong;    ///< empty: every table is as it has to be
    std::string summary;  ///< how each is
  };

  std::string run_to_its_end();
  std::string start();
  std::string run_steps();
  std::string run_step(const Step& step);
  std::string write_to_neighbour();
  Verdict look(bool after_resync);
  Verdict look_at(const test::ReplicatedTable& table, const nlohmann::json& pipe, bool is_neighbour,
                  bool after_resync);
  std::string wait_for_verdict(bool after_resync, std::chrono::seconds limit);
  std::string resync();
  std::string apply();
  void run_statements(test::PostgresSession& session, const std::string& text);

  const Servers& servers_;
  const Case& case_;
  std::string database_;
  std::unique_ptr<test::PostgresSession> session_;
  std::unique_ptr<test::PostgresSession> held_;
  std::unique_ptr<test::PipeManifest> manifest_;
  std::vector<test::ReplicatedTable> tables_;  ///< the neighbour last
  int neighbour_rows_ = 3;
  bool paused_ = false;
  int generation_ = 0;
};

}  // namespace penstock::cases
