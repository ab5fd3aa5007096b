// A user's settings profile, written for people's queries, changes nothing of what a pipe does.

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <atomic>
#include <cstdlib>
#include <iostream>
#include <mutex>
#include <thread>

#include "dataplane/pipeline/load_run.hpp"
#include "dataplane/pipeline/setup.hpp"
#include "dataplane/pipeline/stream_run.hpp"
#include "tests/integration/pipeline/pipe_world.hpp"
#include "tests/support/process.hpp"
#include "tests/support/row_diff.hpp"

namespace penstock::pipeline {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using Profile = std::vector<std::string>;

const std::vector<Profile>& foreign_profiles() {
  static const std::vector<Profile> all{
      {"limit=1"},
      {"offset=1"},
      {"extremes=1"},
      {"final=1"},
      {"use_query_cache=1"},
      {"additional_table_filters={'t': '0', 'log': '0'}"},
      {"apply_deleted_mask=0"},
      {"do_not_merge_across_partitions_select_final=1", "optimize_move_to_prewhere_if_final=1"},
      {"max_result_rows=1"},
      {"max_result_bytes=1"},
      {"max_result_rows=1", "result_overflow_mode=break"},
      {"max_rows_to_read=1"},
      {"max_rows_to_read=1", "read_overflow_mode=break"},
      {"max_rows_to_read_leaf=1", "read_overflow_mode_leaf=break"},
      {"max_bytes_to_read=1"},
      {"max_execution_time=1", "min_execution_speed=1000000000000"},
      {"max_rows_to_group_by=1", "max_rows_to_sort=1", "max_rows_in_distinct=1", "max_rows_in_set=1"},
      {"max_columns_to_read=1", "max_temporary_columns=1", "max_temporary_non_const_columns=1"},
      {"max_partitions_to_read=1"},
      {"force_primary_key=1", "force_index_by_date=1"},
      {"force_optimize_projection=1"},
      {"max_subquery_depth=1"},
      {"max_ast_depth=3", "max_ast_elements=5", "max_expanded_ast_elements=5"},
      {"output_format_tsv_crlf_end_of_line=1"},
      {"format_tsv_null_representation=NULL", "bool_true_representation=yes"},
      {"date_time_output_format=unix_timestamp", "output_format_decimal_trailing_zeros=1"},
      {"aggregate_functions_null_for_empty=1"},
      {"empty_result_for_aggregation_by_empty_set=1"},
      {"join_use_nulls=1", "transform_null_in=1", "group_by_use_nulls=1", "cast_keep_nullable=1"},
      {"prefer_column_name_to_alias=1"},
      {"data_type_default_nullable=1"},
      {"union_default_mode=DISTINCT"},
      {"session_timezone=America/New_York", "date_time_input_format=best_effort_us"},
      {"async_insert=1", "wait_for_async_insert=0"},
      {"insert_deduplicate=0", "deduplicate_insert=disable"},
      {"input_format_null_as_default=1", "insert_null_as_default=0"},
      {"input_format_defaults_for_omitted_fields=0"},
      {"max_partitions_per_insert_block=1"},
      {"input_format_native_allow_types_conversion=0"},
      {"input_format_native_decode_types_in_binary_format=1"},
      {"optimize_on_insert=0", "max_insert_block_size=1", "flatten_nested=0"},
      {"mutations_sync=0", "alter_sync=0", "select_sequential_consistency=1"},
      {"send_progress_in_http_headers=1", "http_wait_end_of_query=0"},
      {"compatibility=22.3"},
  };
  return all;
}

/// All but one, which would undo others.
Profile all_together() {
  Profile out;
  for (const auto& profile : foreign_profiles())
    for (const auto& setting : profile)
      // ClickHouse refuses its query cache beside other settings that are among these.
      if (!setting.starts_with("compatibility") && !setting.starts_with("use_query_cache"))
        out.push_back(setting);
  return out;
}

/// A pipe of table t, in partitions by month, and of a log of changes, for a user with a profile.
class Scenario {
 public:
  Scenario(test::EngineServer& engine, const std::string& source_database, const std::string& user)
      : engine_(engine), source_(source_database), user_(user), job_(job_for_user()) {}

  /// Empty when load, stream, ADD COLUMN, TRUNCATE and a table made anew all end exact; else what went wrong.
  std::string run(int months) {
    exec(fmt::format(
        "CREATE TABLE {0}_t (id int, day date, ts timestamptz, a int[], n numeric, b bool, x text, "
        "PRIMARY KEY (id, day)); CREATE TABLE {0}_log (id int PRIMARY KEY, v text);"
        "ALTER TABLE {0}_log REPLICA IDENTITY FULL;"
        "INSERT INTO {0}_t SELECT i, '2000-01-15'::date + i * 31, '2020-01-01 12:00+00'::timestamptz"
        " + i * interval '1 h', '{{1,NULL}}', i / 3.0, i % 2 = 0, NULL FROM generate_series(1, {1}) i;"
        "INSERT INTO {0}_log SELECT i, 'x' FROM generate_series(1, {1}) i",
        user_, months));
    const auto done = go_through();
    const auto dropped = penstock::postgres::drop_slot(job_.source, job_.slot);
    if (!done) return done.error().text();
    return dropped ? "" : dropped.error().text();
  }

  Result<SetupReport> only_set_up() {
    exec(
        fmt::format("CREATE TABLE {0}_t (id int, day date, PRIMARY KEY (id, day));"
                    "CREATE TABLE {0}_log (id int PRIMARY KEY)",
                    user_));
    return set_up(job_);
  }

 private:
  PipeJob job_for_user() {
    engine_.query("CREATE DATABASE " + user_);
    PipeJob job;
    job.name = job.uid = user_;
    job.source.host = world_postgres().host();
    job.source.port = world_postgres().port();
    job.source.database = source_;
    job.source.user = test::PostgresServer::kSuperuser;
    job.source.password = Secret(test::PostgresServer::kPassword);
    job.source.tls = penstock::postgres::Tls::Disable;
    job.destination = {engine_.url(), user_, user_, {}, ""};
    job.slot = "slot_" + user_;
    job.publication = "pub_" + user_;
    job.flush_interval = 10ms;
    job.max_inserts_per_second = 1000;
    for (const std::string name : {"t", "log"}) {
      TableJob table;
      table.source = {"public", user_ + "_" + name};
      table.source_text = table.source.text();
      table.target = name;
      if (name == "t") table.partition_by = "toYYYYMM(day)";
      if (name == "log") table.engine = clickhouse::Engine::MergeTree;
      job.tables.push_back(table);
    }
    return job;
  }

  void exec(const std::string& sql) { world_postgres().exec(sql, source_); }
  Status wrong(const std::string& what) { return fail(ErrorKind::Internal, "Wrong", what); }

  Status go_through() {
    PENSTOCK_ASSIGN(const auto report, set_up(job_));
    PENSTOCK_TRY(make_publication(job_));
    PENSTOCK_ASSIGN(auto slot, penstock::postgres::create_slot(job_.source, job_.slot));
    const Lsn version = slot.restart_lsn;
    PENSTOCK_TRY(load({job_, report.system, version, {}, std::move(slot), {}}));
    PENSTOCK_TRY(compare("after the load"));
    {
      StreamRun stream({job_, report.system, {}, {}, {}, {}});
      PENSTOCK_TRY(change_all(stream));
    }
    PENSTOCK_TRY(make_anew(report.system, version));
    // Each row of the log's load once, and each change.
    const auto rows =
        engine_.value(fmt::format("SELECT count() - uniqExact(id, _penstock_version) FROM {}.log", user_));
    return rows == "0" ? Status{} : wrong(rows + " rows of the log are there twice");
  }

  Status change_all(StreamRun& stream) {
    exec(
        fmt::format("UPDATE {0}_t SET n = n + 1 WHERE id % 2 = 0; DELETE FROM {0}_t WHERE id % 5 = 0;"
                    "UPDATE {0}_log SET v = 'y'",
                    user_));
    exec(fmt::format(
        "ALTER TABLE {0}_t ADD z timestamptz DEFAULT '2020-02-02 02:02:02+00', ADD y bool DEFAULT "
        "true; INSERT INTO {0}_t (id, day) VALUES (1000, '2020-01-01')",
        user_));
    PENSTOCK_TRY(catch_up(stream));
    PENSTOCK_TRY(compare("after the changes"));
    exec(fmt::format("TRUNCATE {0}_t; INSERT INTO {0}_t (id, day, n) VALUES (1, '2000-02-15', 7)", user_));
    PENSTOCK_TRY(catch_up(stream));
    return compare("after the TRUNCATE");
  }

  /// As a resync does, with tombstones to be carried.
  Status make_anew(const SourceSystem& system, Lsn version) {
    job_.tables.pop_back();
    job_.tables[0].staged = true;
    job_.tables[0].load = 2;
    PENSTOCK_TRY(set_up(job_));
    PENSTOCK_TRY(load({job_, system, version, {}, std::nullopt, {}}));
    PENSTOCK_TRY(swap_tables(job_));
    PENSTOCK_TRY(compare("after it was made anew"));
    const auto carried =
        engine_.value(fmt::format("SELECT count() > 0 FROM {}.t WHERE _penstock_deleted = 1", user_));
    return carried == "1" ? Status{} : wrong("no tombstone was carried");
  }

  Status load(LoadRequest request) {
    LoadRun run(std::move(request));
    if (!test::eventually([&] { return run.facts().run.ended; }, 60s)) return wrong("the load hangs");
    const auto facts = run.facts();
    if (facts.run.error) return fail(*facts.run.error);
    for (const auto& table : facts.tables)
      if (table.error) return fail(*table.error);
    return {};
  }

  Status catch_up(StreamRun& stream) {
    PENSTOCK_ASSIGN(const auto end, penstock::postgres::current_wal_lsn(job_.source));
    exec("SELECT pg_logical_emit_message(true, 'test', 'end')");
    const bool there =
        test::eventually([&] { return stream.facts().confirmed >= end || stream.facts().run.ended; }, 30s);
    const auto facts = stream.facts();
    if (facts.run.error) return fail(*facts.run.error);
    if (facts.run.retrying) return fail(*facts.run.retrying);
    return there ? Status{} : wrong("the stream hangs");
  }

  Status compare(const std::string& when) {
    const auto different = test::row_diff(world_postgres(), source_, user_ + "_t", engine_, user_, "t");
    return different.empty() ? Status{} : wrong(when + ": " + different);
  }

  test::EngineServer& engine_;
  std::string source_, user_;
  PipeJob job_;
};

/// An engine with a user for each of the profiles: "p0", "p1", …
test::EngineServer engine_with(const std::vector<Profile>& profiles) {
  test::EngineServerOptions options;
  for (std::size_t at = 0; at < profiles.size(); ++at)
    for (const auto& setting : profiles[at])
      options.arguments.insert(options.arguments.end(), {"--profile", fmt::format("p{}:{}", at, setting)});
  return test::EngineServer(std::move(options));
}

/// Each takes seconds: all of them nightly, a few at other times.
std::vector<Profile> profiles_to_try() {
  const auto& all = foreign_profiles();
  if (std::getenv("PENSTOCK_NIGHTLY") != nullptr) return all;
  constexpr std::size_t kEach = 6;
  std::vector<Profile> out;
  for (std::size_t at = 0; at < all.size(); at += kEach)
    out.push_back(all[at]);
  std::cout << out.size() << " of " << all.size() << " settings: all with PENSTOCK_NIGHTLY=1\n";
  return out;
}

TEST(ForeignProfile, ChangesNothingSettingBySetting) {
  const auto profiles = profiles_to_try();
  auto engine = engine_with(profiles);
  const auto database = world_postgres().create_database();
  std::mutex mutex;
  std::vector<std::string> failures;
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (auto at = next++; at < profiles.size(); at = next++) {
      std::string wrong;
      try {
        wrong = Scenario(engine, database, fmt::format("p{}", at)).run(10);
      } catch (const std::exception& error) {
        wrong = error.what();
      }
      const std::lock_guard lock(mutex);
      if (!wrong.empty()) failures.push_back(profiles[at].front() + ": " + wrong);
    }
  };
  std::vector<std::thread> threads;
  for (int count = 0; count < 4; ++count)
    threads.emplace_back(work);
  for (auto& thread : threads)
    thread.join();
  EXPECT_THAT(failures, testing::IsEmpty());
}

TEST(ForeignProfile, ChangesNothingWithAllOfTheSettingsAtOnceAndManyPartitions) {
  auto engine = engine_with({all_together()});
  EXPECT_EQ(Scenario(engine, world_postgres().create_database(), "p0").run(120), "");
}

TEST(ForeignProfile, ThatForbidsWritingIsRefusedInSetupByName) {
  auto engine = engine_with({{"readonly=2"}, {"readonly=1"}, {"allow_ddl=0"}});
  const auto database = world_postgres().create_database();
  for (const auto& [user, says] : std::vector<std::pair<std::string, std::string>>{
           {"p0", "readonly"}, {"p1", "readonly"}, {"p2", "allow_ddl"}}) {
    const auto report = Scenario(engine, database, user).only_set_up();
    ASSERT_FALSE(report) << user;
    EXPECT_EQ(report.error().reason, "DestinationReadOnly") << report.error().text();
    EXPECT_EQ(report.error().kind, ErrorKind::NeedsUser);
    EXPECT_THAT(report.error().text(), HasSubstr(says));
  }
}

}  // namespace
}  // namespace penstock::pipeline
