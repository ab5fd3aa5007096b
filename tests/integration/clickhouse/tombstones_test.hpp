#pragma once

#include <string>
#include <vector>

#include "dataplane/clickhouse/swap.hpp"
#include "tests/integration/clickhouse/engine_test.hpp"

namespace penstock::clickhouse {

/// A target `t` with rows, and the table `t_resync` that takes its place.
class TombstonesTest : public EngineTest {
 protected:
  void make(const std::string& table, std::vector<TargetColumn> columns, std::vector<std::string> order_by,
            const std::string& partition_by = "") {
    auto wanted = definition(table, std::move(columns), std::move(order_by));
    wanted.partition_by = partition_by;
    const auto made = create_target(client_, wanted);
    if (!made) throw std::runtime_error(made.error().text());
  }
  /// `t` and `t_resync`, alike.
  void make_both(const std::vector<TargetColumn>& columns, const std::vector<std::string>& order_by) {
    make("t", columns, order_by);
    make("t_resync", columns, order_by);
  }
  /// Rows of `columns`, _penstock_version, _penstock_deleted, one part each.
  void put(const std::string& table, const std::string& columns, const std::vector<std::string>& rows) {
    for (const auto& row : rows)
      run("INSERT INTO " + table + " (" + columns + ", _penstock_version, _penstock_deleted) VALUES (" + row +
          ")");
  }
  void carry() {
    const auto done = carry_tombstones(client_, "t", "t_resync");
    ASSERT_TRUE(done) << done.error().text();
  }
  /// "1 a 0 1, 2 …": every row of the staging table.
  std::string staged(const std::string& columns, const std::string& what = "t_resync") {
    const auto rows = client_.select(
        {"SELECT " + columns + ", _penstock_version, _penstock_deleted FROM " + what + " ORDER BY ALL"});
    if (!rows) return rows.error().text();
    std::string out;
    for (const auto& row : *rows) {
      if (!out.empty()) out += ", ";
      for (std::size_t at = 0; at < row.size(); ++at)
        out += (at == 0 ? "" : " ") + row[at];
    }
    return out;
  }
};

}  // namespace penstock::clickhouse
