#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/pipeline/job.hpp"
#include "dataplane/pipeline/load_run.hpp"
#include "dataplane/pipeline/stream_run.hpp"
#include "tests/support/engine_server.hpp"
#include "tests/support/postgres_server.hpp"
#include "tests/types/random_table.hpp"
#include "tests/types/target_values.hpp"

namespace penstock::types {

struct Servers {
  test::PostgresServer& postgres;
  test::EngineServer& engine;
  std::string database;           ///< of the source, with type_definitions()
  std::vector<SourceType> types;  ///< that the server has
  int version = 15;               ///< of PostgreSQL
};

struct Outcome {
  std::vector<std::string> wrong;  ///< one for each column or table at fault, with what shows it
  bool binary = false;             ///< the stream brought binary fields
  std::size_t values = 0;          ///< compared
  std::size_t refused = 0;         ///< values that both ways refused
  std::size_t added = 0;           ///< columns that were added with a default
  std::size_t added_differ = 0;    ///< of them, those whose default is said to be missing in earlier rows
};

/// A random table, written through the change stream into one target and loaded into another: both hold the
/// same bytes, which are what the rules say of the source's text. What cannot be held fails its table both
/// ways alike, in the same words.
class OneSeed {
 public:
  OneSeed(const Servers& servers, std::uint64_t seed);
  ~OneSeed();
  OneSeed(OneSeed&&) = delete;
  OneSeed& operator=(OneSeed&&) = delete;

  Outcome run();

 private:
  struct BadTable {
    std::string name;
    RandomColumn column;
    Sample sample;
    std::string streamed{};  ///< what the stream says of it
  };

  void make_tables();
  void make_jobs();
  void stream_rows();
  void add_column();
  void stream_bad_values();
  void load();
  void compare();

  void write_rows();
  void write_bad_value(const BadTable& table);
  std::string insert_sql(int id);
  std::string change_sql(int id);
  pipeline::PipeJob job_for(const std::string& ending, bool with_neighbour) const;
  void check_target_types(const std::string& database);
  using TargetRows = std::map<int, std::vector<Held>>;
  void compare_column(std::size_t at, const TargetRows& loaded, const TargetRows& streamed);
  void compare_refusal(const BadTable& table, const pipeline::TableLoad& load);
  void compare_clamps(const pipeline::LoadFacts& loaded);
  void catch_up();
  void exec(const std::string& sql);
  void say(const std::string& wrong) { outcome_.wrong.push_back(wrong); }
  /// Ends the seed when it is not: what stands against it is said.
  template <typename Result>
  void require(const Result& result, const std::string& doing);

  const Servers& servers_;
  Random random_;
  std::string name_;  ///< of the schema, the slot and all else
  test::PostgresSession session_, reader_;
  RandomTable table_;
  std::vector<BadTable> bad_;
  std::map<int, std::vector<test::Value>> rows_;  ///< of the source, by id
  std::string added_;                             ///< the column that came later, with a default
  bool added_differs_ = false;  ///< said of it: the stream's target does not have the default in earlier rows
  pipeline::PipeJob load_job_, stream_job_;
  std::unique_ptr<pipeline::StreamRun> stream_;
  pipeline::SourceSystem system_;
  Outcome outcome_;
};

}  // namespace penstock::types
