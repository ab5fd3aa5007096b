#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "dataplane/pipeline/setup.hpp"
#include "dataplane/pipeline/stream_run.hpp"
#include "tests/integration/pipeline/pipe_world.hpp"
#include "tests/support/process.hpp"
#include "tests/support/row_diff.hpp"

namespace penstock::pipeline {

/// A pipe without a load, its stream under the test's hand.
class Streaming : public testing::Test {
 protected:
  /// A database with these tables, set up, and its slot made. Rows that are to be in the targets come after.
  void prepare(const std::string& sql, const std::vector<std::string>& tables,
               clickhouse::Engine engine = clickhouse::Engine::ReplacingMergeTree,
               const std::string& partition_by = "");
  void begin(TablePatience patience = {});
  void exec(const std::string& sql) { world_postgres().exec(sql, database_); }
  [[nodiscard]] std::string target(const std::string& what, const std::string& table = "t") const;
  [[nodiscard]] std::string differences(const std::string& table = "t") const;
  /// Everything that the source holds by now is in the target, and differences are recorded.
  void catch_up();
  /// As the reconciler does.
  void record_differences();

  std::vector<std::string> order_by_;  ///< of all tables, to be set before prepare(); empty: their keys
  std::string published_;              ///< by the user, as publish() takes it; empty: all, by us
  std::string database_;
  PipeJob job_;
  SourceSystem system_;
  std::unique_ptr<StreamRun> run_;
};

}  // namespace penstock::pipeline
