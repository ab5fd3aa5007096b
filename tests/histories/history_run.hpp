#pragma once

#include <string>

#include "tests/histories/history.hpp"
#include "tests/support/engine_server.hpp"
#include "tests/support/pipe_board.hpp"
#include "tests/support/postgres_server.hpp"

namespace penstock::histories {

/// The servers that histories share.
struct Servers {
  test::PostgresServer& postgres;
  test::EngineServer& engine;
  test::PipeBoard& board;
  int patience = 1;  ///< times as long as usual, where servers are killed meanwhile
};

struct Outcome {
  std::string
      wrong;  ///< empty: at each quiet moment each table was equal or named, and a resync made all equal
  std::string pipe{};     ///< the name of its pipe
  bool began = true;      ///< false: Setup refused the tables as they were to begin with; nothing was tried
  std::string refusal{};  ///< why, then
  std::string recorded;   ///< each statement that failed or blocked, a line each
  int equal = 0, named = 0;  ///< tables, at its quiet moments
};

/// Runs it in a database and over a pipe of its own, both gone afterwards. For many threads at once.
///
/// At a quiet moment (no statement runs, the healthy neighbour has its newest row) every table becomes equal
/// to its source within half a minute, or is named by the status, and the neighbour is equal and not named.
/// What is only so after that (LATE) is told apart from what is not within two minutes (SILENT). At the end
/// what a person would have to put right is put right (an identity, a publication, tables that are gone are
/// taken out of the manifest), and a resync makes all equal within a minute.
Outcome run_history(const Servers& servers, const History& history);

}  // namespace penstock::histories
