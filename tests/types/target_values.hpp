#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/support/engine_server.hpp"
#include "tests/support/postgres_server.hpp"
#include "tests/types/type_rule.hpp"

namespace penstock::types {

/// A value as the target holds it.
struct Held {
  std::string bytes;   ///< of RowBinary
  test::Value text{};  ///< as test::TextRule::target_expression() selects it; none of what is not ruled
};

/// The named columns by id. `session` prints plainly.
[[nodiscard]] std::map<int, std::vector<test::Value>> source_rows(test::PostgresSession& session,
                                                                  const std::string& table,
                                                                  const std::vector<std::string>& columns);
struct TargetColumn {
  std::string name, type;
};
/// The named columns of table t by id: as a reader sees it (FINAL, not deleted).
[[nodiscard]] std::map<int, std::vector<Held>> target_rows(test::EngineServer& engine,
                                                           const std::string& database,
                                                           const std::vector<TargetColumn>& columns);

/// What is wrong with the two; empty: nothing.
[[nodiscard]] std::string value_fault(const TypeRule& rule, const test::Value& printed, const Held& loaded,
                                      const Held& streamed);

}  // namespace penstock::types
