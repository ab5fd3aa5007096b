#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dataplane/pipeline/probe.hpp"
#include "dataplane/pipeline/source_changes.hpp"

namespace penstock::pipeline {
namespace {

PipeJob job_of(const std::vector<std::string>& tables) {
  PipeJob job;
  job.publication = "pub";
  for (const auto& name : tables) {
    TableJob one;
    one.source = {"public", name};
    one.source_text = "public." + name;
    one.target = name;
    job.tables.push_back(one);
  }
  return job;
}

postgres::SourceTable source_of(const std::string& name) {
  postgres::SourceTable out;
  out.name = {"public", name};
  out.heaps.emplace_back();
  return out;
}

postgres::PublicationFacts publication_of(const std::vector<std::string>& tables) {
  postgres::PublicationFacts out;
  out.exists = true;
  for (const auto& name : tables)
    out.tables.push_back({"public", name});
  return out;
}

TEST(LostTables, AreNoneWhenAllAreThereAndPublished) {
  const auto faults =
      lost_tables(job_of({"a", "b"}), {source_of("a"), source_of("b")}, publication_of({"b", "a"}));
  EXPECT_TRUE(faults.empty());
}

TEST(LostTables, AreThoseThatAreGone) {
  const auto faults = lost_tables(job_of({"a", "b"}), {source_of("a"), std::nullopt}, publication_of({"a"}));
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_EQ(faults[0].source, "public.b");
  EXPECT_EQ(faults[0].error.reason, "TableNotFound");
}

TEST(LostTables, AreThoseThatWereMadeAgainAndSoLeftThePublication) {
  const auto faults = lost_tables(job_of({"a"}), {source_of("a")}, publication_of({}));
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_EQ(faults[0].error.reason, "TableNotPublished");
  EXPECT_EQ(faults[0].error.kind, ErrorKind::BadData) << "the others stream on";
}

TEST(LostTables, AreNotThoseWithoutAnyHeapYet) {
  auto partitioned = source_of("a");
  partitioned.heaps.clear();
  EXPECT_TRUE(lost_tables(job_of({"a"}), {partitioned}, publication_of({})).empty());
}

postgres::SourceColumn column(const std::string& name, std::uint32_t oid, const char* type) {
  postgres::SourceColumn out;
  out.name = name;
  out.type.oid = oid;
  out.type.name = type;
  out.not_null = true;
  return out;
}

TEST(Drift, TellsOfColumnsThatAreGoneOrOfAnotherType) {
  const auto job = job_of({"a"});
  auto source = source_of("a");
  source.columns = {column("id", 20, "bigint"), column("added", 25, "text")};
  source.primary_key = {"id"};
  clickhouse::TargetTable target;
  target.columns = {{"id", "Int32", ""},
                    {"dropped", "String", ""},
                    {"users_own", "String", "DEFAULT"},
                    {"added", "String", "DEFAULT"},
                    {"_penstock_version", "UInt128", ""}};
  EXPECT_EQ(drift_of(job, job.tables[0], source, target).changes,
            "column dropped is gone; column id is Int64 now and Int32 in the target");
}

TEST(Drift, NamesColumnsThatFollowedTheSourceAndWereDroppedThereOrLackItsDefault) {
  const auto job = job_of({"a"});
  auto source = source_of("a");
  source.columns = {column("id", 23, "integer"), column("bytes", 17, "bytea")};
  clickhouse::TargetTable target;
  target.columns = {{"id", "Int32", ""},
                    {"followed", "Nullable(Int32)", "DEFAULT", clickhouse::kFollowed},
                    {"bytes", "Nullable(String)", "", clickhouse::kFollowedWithoutDefault},
                    {"users", "Int32", "DEFAULT", "mine"}};
  const auto drift = drift_of(job, job.tables[0], source, target);
  EXPECT_EQ(drift.changes, "column followed is gone");
  EXPECT_EQ(drift.differences,
            std::vector<std::string>{
                "column bytes was added with a default that earlier rows lack in the target, or "
                "dropped there"});
}

TEST(Drift, NamesColumnsWhoseTypeWasAlteredIntoOneThatTheTargetDoesNotHold) {
  auto job = job_of({"a"});
  auto source = source_of("a");
  source.columns = {column("id", 23, "integer"), column("day", 1082, "date"), column("n", 20, "bigint")};
  for (std::size_t at = 0; at < source.columns.size(); ++at) {
    source.columns[at].attribute_number = static_cast<int>(at) + 1;
    source.columns[at].declared_type = source.columns[at].type.oid;
  }
  clickhouse::TargetTable target;
  target.columns = {{"id", "Int32", ""}, {"day", "Nullable(Date32)", ""}, {"n", "Int32", ""}};
  job.tables[0].definition = define(job.tables[0], source, {"id"}, nullptr).text();
  EXPECT_TRUE(drift_of(job, job.tables[0], source, target).differences.empty());
  source.columns[1] = column("day", 1114, "timestamp without time zone");
  source.columns[1].attribute_number = 2;
  source.columns[1].declared_type = 1114;
  const auto drift = drift_of(job, job.tables[0], source, target);
  ASSERT_EQ(drift.differences.size(), 1U);
  EXPECT_THAT(drift.differences[0],
              testing::HasSubstr("Nullable(Date32) in the target, which does not hold"));
  EXPECT_EQ(drift.changes, "column n is Int64 now and Int32 in the target") << "that is to be widened";
}

TEST(Drift, IsNoneWhereAColumnWasAddedOrATypeIsTheUsersChoice) {
  auto job = job_of({"a"});
  job.tables[0].overrides.push_back({"id", "String", false});
  auto source = source_of("a");
  source.columns = {column("id", 20, "bigint"), column("new", 25, "text")};
  clickhouse::TargetTable target;
  target.columns = {{"id", "String", ""}};
  const auto drift = drift_of(job, job.tables[0], source, target);
  EXPECT_EQ(drift.changes, "");
  EXPECT_TRUE(drift.differences.empty());
}

}  // namespace
}  // namespace penstock::pipeline
