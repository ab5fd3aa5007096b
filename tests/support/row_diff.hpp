#pragma once

#include <string>

#include "tests/support/engine_server.hpp"
#include "tests/support/postgres_server.hpp"

namespace penstock::test {

/// Compares a source table with its target's FINAL state, row by row, in every column. Empty: equal; else the
/// first differences in words. Types are brought to one text on both sides without losing anything (floats as
/// their bits).
std::string row_diff(const PostgresServer& postgres, const std::string& database, const std::string& table,
                     EngineServer& engine, const std::string& target_database, const std::string& target);

}  // namespace penstock::test
