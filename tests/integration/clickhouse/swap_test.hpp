#pragma once

#include <map>
#include <string>

#include "dataplane/clickhouse/swap.hpp"
#include "tests/integration/clickhouse/engine_test.hpp"

namespace penstock::clickhouse {

/// Tables of ours and of the user, each with one row that says which load it is of.
class SwapTest : public EngineTest {
 protected:
  using State = std::map<std::string, std::string>;

  /// A table of ours with one row that says which load it is of.
  void make(const std::string& table, std::int64_t load, const std::string& pipe = "uid-1") {
    auto wanted = definition(table, {{"id", "Int64", ""}}, {"id"});
    wanted.mark = {pipe, 2, load};
    const auto made = create_target(client_, wanted);
    if (!made) throw std::runtime_error(made.error().text());
    insert_row(table, load);
  }
  void make_users(const std::string& table) {
    run("CREATE TABLE " + quote(table) + " (id Int64) ENGINE = MergeTree ORDER BY id COMMENT 'mine'");
    run("INSERT INTO " + quote(table) + " VALUES (-1)");
  }
  void insert_row(const std::string& table, std::int64_t load) {
    run("INSERT INTO " + quote(table) + " (id) VALUES (" + std::to_string(load) + ")");
  }
  /// Every table of the database, and the rows in it.
  State state() {
    State out;
    const auto rows =
        client_.select({"SELECT name FROM system.tables WHERE database = currentDatabase() ORDER BY name"});
    if (!rows) throw std::runtime_error(rows.error().text());
    for (const auto& row : *rows)
      out[row[0]] = value("SELECT groupArray(id) FROM " + quote(row[0]));
    return out;
  }
  /// "", or the name of the table that was put aside; "REASON" when it failed.
  std::string swap(const std::string& target, std::int64_t load, const TakeOver& take_over = {}) {
    const auto done = swap_target(client_, {target, "uid-1", load, take_over});
    return done ? done->value_or("") : done.error().reason;
  }
};

}  // namespace penstock::clickhouse
