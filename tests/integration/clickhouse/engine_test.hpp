#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <vector>

#include "dataplane/clickhouse/client.hpp"
#include "dataplane/clickhouse/target.hpp"
#include "dataplane/columns/column.hpp"
#include "tests/support/engine_server.hpp"

namespace penstock::clickhouse {

/// A test with a client and a database of its own on the engine that all share.
class EngineTest : public testing::Test {
 protected:
  EngineTest() : client_(endpoint()) { engine().query("CREATE DATABASE " + quote(database_)); }
  ~EngineTest() override { engine().query("DROP DATABASE IF EXISTS " + quote(database_) + " SYNC"); }

  static test::EngineServer& engine() { return test::shared_engine(); }

  [[nodiscard]] Endpoint endpoint() const { return {engine().url(), database_, "default", {}, ""}; }

  /// What a SELECT gives, in TabSeparated, without the last line break.
  std::string value(const std::string& sql) { return engine().value(sql, {{"database", database_}}); }
  void run(const std::string& sql) { engine().query(sql, {{"database", database_}}); }

  /// "INSERT INTO table (columns) FORMAT Native" with the block's columns.
  static Request insert_request(const std::string& table, const Block& block, Settings settings = {}) {
    std::string names;
    for (std::size_t at = 0; at < block.width(); ++at)
      names += (at == 0 ? "" : ", ") + quote(block.name(at));
    return {"INSERT INTO " + quote(table) + " (" + names + ") FORMAT Native", std::move(settings)};
  }
  Status insert(const std::string& table, const Block& block, Settings settings = {}) {
    std::vector<std::string> scratch;
    std::vector<std::string_view> pieces;
    block.native_pieces(scratch, pieces);
    return client_.insert(insert_request(table, block, std::move(settings)), pieces);
  }

  TargetDefinition definition(const std::string& table, std::vector<TargetColumn> columns,
                              std::vector<std::string> order_by) {
    TargetDefinition out;
    out.database = database_;
    out.table = table;
    out.columns = std::move(columns);
    out.order_by = std::move(order_by);
    out.mark = {"uid-1", 2};
    return out;
  }

  inline static std::atomic<int> counter{0};
  std::string database_ = "test " + std::to_string(++counter);
  Client client_;
};

}  // namespace penstock::clickhouse
