#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/pipeline/load_run.hpp"
#include "dataplane/pipeline/setup.hpp"
#include "tests/integration/pipeline/pipe_world.hpp"

namespace penstock::pipeline {

/// A load under the test's hand, of tables of a few rows in many partitions.
class Loading : public testing::Test {
 protected:
  /// Table `name` (id int PRIMARY KEY, v int, pad text) with rows 1..rows, some seven in each partition.
  void create_table(const std::string& name, int rows = 100);
  /// Sets the tables up and makes the slot; `between` the two something may happen.
  void prepare(
      const std::vector<std::string>& tables, const std::function<void()>& between = [] {});
  /// Lets each insert into the table wait, until speed_up().
  void slow_down(const std::string& table);
  void speed_up();
  void begin();
  /// begin(), and the first partitions of the table are in.
  void begin_and_see_rows_of(const std::string& table);
  /// The facts when the load has ended.
  LoadFacts end();

  void exec(const std::string& sql) { world_postgres().exec(sql, database_); }
  [[nodiscard]] std::string target(const std::string& what, const std::string& table = "t") const;
  [[nodiscard]] std::string differences(const std::string& table = "t") const;
  /// What the run says of the table.
  [[nodiscard]] static TableLoad facts_of(const LoadFacts& facts, const std::string& table);

  std::string database_ = world_postgres().create_database();
  PipeJob job_;
  SourceSystem system_;
  LoadRequest request_;
  std::unique_ptr<LoadRun> run_;
  std::vector<std::string> brakes_;
  std::string published_;  ///< by the user, as publish() takes it; empty: all, by us
  // Of the first table:
  ColumnOverride override_;
  std::vector<std::string> order_by_;
};

}  // namespace penstock::pipeline
