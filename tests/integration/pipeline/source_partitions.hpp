#pragma once

#include "dataplane/pipeline/source_partitions.hpp"

#include <gmock/gmock.h>

#include "tests/integration/pipeline/pipe_world.hpp"

namespace penstock::pipeline {

/// Table t in two partitions, p1 with rows, looked at once.
class SourcePartitions : public testing::Test {
 protected:
  void SetUp() override {
    database_ = world_postgres().create_database();
    job_ = job_for(database_, {"t"});
    exec(
        "CREATE TABLE t (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);"
        "CREATE TABLE p1 PARTITION OF t FOR VALUES FROM (0) TO (100);"
        "CREATE TABLE p2 PARTITION OF t FOR VALUES FROM (100) TO (200);"
        "INSERT INTO t SELECT i, 'x' FROM generate_series(1, 50) i");
    ASSERT_EQ(look(), "");
  }

  void exec(const std::string& sql) { world_postgres().exec(sql, database_); }
  /// Table b of the same shape, with this many rows that fit a partition from 200 to 300.
  void make_beside(int rows) {
    exec(
        "CREATE TABLE b (id int PRIMARY KEY, v text); INSERT INTO b SELECT 199 + i, 'b' FROM "
        "generate_series(1, " +
        std::to_string(rows) + ") i");
  }
  static constexpr const char* kAttach = "ALTER TABLE t ATTACH PARTITION b FOR VALUES FROM (200) TO (300)";

  /// What a look finds, which remembers as the status does.
  std::string look() {
    const auto tables = postgres::read_tables(job_.source, {job_.tables[0].source});
    if (!tables || !tables->front()) return "no table";
    PartitionQuestion question{known_, truncates_, listed_, truncated_by_, streamed_parts_};
    question.proven = proven_;
    question.appends = appends_;
    auto look = look_at_partitions(job_.source, *tables->front(), question);
    if (look && look->to_compare) {
      question.known = with_compared(look->known, rows_are_, question);
      question.again = true;
      look = look_at_partitions(job_.source, *tables->front(), question);
    }
    if (!look) return look.error().text();
    known_ = look->known;
    unproven_ = look->unproven;
    return look->drift;
  }
  /// It is told of, now and at the next look.
  void expect_told(const std::string& what) {
    EXPECT_THAT(look(), testing::HasSubstr(what));
    EXPECT_THAT(look(), testing::HasSubstr(what));
  }
  /// It is not, neither now nor when the stream has brought rows of it.
  void expect_untold() {
    EXPECT_EQ(look(), "");
    exec("INSERT INTO t VALUES (201, 'streamed')");
    EXPECT_EQ(look(), "");
  }

  void truncate_and_fill() {
    auto session = world_postgres().session(database_);
    session.exec("BEGIN; TRUNCATE t; INSERT INTO t VALUES (1, 'streamed')");
    truncated_by_ = {static_cast<std::uint32_t>(std::stoul(session.value("SELECT pg_current_xact_id()")))};
    session.exec("COMMIT");
  }

  std::uint32_t oid_of(const std::string& table) {
    return static_cast<std::uint32_t>(
        std::stoul(world_postgres().value("SELECT '" + table + "'::regclass::oid", database_)));
  }
  /// Those of this table are to be compared with the target's; then it is told of, or not.
  void expect_unproven(const std::string& table) {
    EXPECT_EQ(look(), "");
    ASSERT_THAT(unproven_, testing::ElementsAre(oid_of(table)));
    proven_[oid_of(table)] = RowsAre::Different;
    expect_told("public." + table + " was attached, rows of it are not in the target");
    proven_[oid_of(table)] = RowsAre::Unknown;
    expect_told("public." + table + " was attached, and whether all of its rows are in the target cannot be");
    proven_[oid_of(table)] = RowsAre::Equal;
    EXPECT_EQ(look(), "");
    proven_.clear();
    EXPECT_EQ(look(), "");
    EXPECT_THAT(unproven_, testing::IsEmpty());
  }

  bool listed_ = true;
  RowsAre rows_are_ = RowsAre::Unknown;  ///< of the whole table
  std::map<std::uint32_t, std::uint32_t> streamed_parts_;
  std::map<std::uint32_t, RowsAre> proven_;
  std::vector<std::uint32_t> unproven_;
  std::vector<std::uint32_t> truncated_by_;
  std::string database_;
  PipeJob job_;
  std::string known_;
  bool truncates_ = true, appends_ = false;
};

}  // namespace penstock::pipeline
