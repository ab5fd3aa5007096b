// Names and tables that are not Penstock's to use.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dataplane/clickhouse/target.hpp"

namespace penstock::clickhouse {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

TEST(ColumnNames, ThatClickHouseKeepsAreRefusedWhereItStoresRows) {
  for (const char* name : {"_row_exists", "_block_number", "_block_offset", "__grouping_set"}) {
    TargetDefinition definition{"shop", "orders", {{"id", "Int64", ""}, {name, "Int32", ""}}, {"id"}, "",
                                {},     {}};
    const auto faults = check_definition(definition);
    ASSERT_EQ(faults.size(), 1U) << name;
    EXPECT_EQ(faults[0].reason, "TargetColumnReserved");
    EXPECT_THAT(faults[0].message, HasSubstr(name));
    EXPECT_THAT(faults[0].cure, HasSubstr("Rename it in the source"));
    EXPECT_EQ(check_columns(definition), faults);
    definition.engine = Engine::Null;
    EXPECT_THAT(check_definition(definition), IsEmpty());
  }
}

TEST(ColumnNames, OfVirtualColumnsAreFree) {
  for (const char* name : {"_part", "_part_offset", "_partition_id", "_sign", "_version", "_row_exist"})
    EXPECT_THAT(
        check_columns({"shop", "orders", {{"id", "Int64", ""}, {name, "Int32", ""}}, {"id"}, "", {}, {}}),
        IsEmpty())
        << name;
}

TEST(ColumnNames, ThatAnAddedColumnCannotHaveIsTheMatterOfItsTable) {
  const auto error = classify({"http://ch:8123", "shop", "loader", {}, ""}, 500, 44,
                              "Cannot add column `_new`: this column name is reserved for persistent virtual "
                              "column. (ILLEGAL_COLUMN)",
                              "add column _new");
  EXPECT_EQ(error.kind, ErrorKind::BadData);
  EXPECT_EQ(error.reason, "TargetColumnReserved");
}

/// A log of changes as a user would make it, without a word about deduplication.
TargetTable log_of_the_user() {
  TargetTable out;
  out.database = "shop";
  out.table = "log";
  out.engine = "MergeTree";
  out.engine_full = "MergeTree ORDER BY id SETTINGS index_granularity = 8192";
  out.columns = {{"id", "Int64", ""},
                 {kVersionColumn, "UInt128", ""},
                 {kDeletedColumn, "UInt8", ""},
                 {kSyncedAtColumn, "DateTime64(3)", "DEFAULT"}};
  return out;
}

TEST(LogOfTheUser, MustTellARepeatedBlock) {
  const TargetDefinition wanted{"shop", "log", {{"id", "Int64", ""}}, {"id"}, "", Engine::MergeTree, {}};
  auto table = log_of_the_user();
  const auto faults = check_target(wanted, table);
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_EQ(faults[0].reason, "TargetWithoutDeduplication");
  EXPECT_EQ(faults[0].cure,
            "ALTER TABLE `shop`.`log` MODIFY SETTING non_replicated_deduplication_window = 1000");
  table.engine_full += ", non_replicated_deduplication_window = 0";
  EXPECT_EQ(check_target(wanted, table).size(), 1U);
  table.engine_full = "MergeTree ORDER BY id SETTINGS non_replicated_deduplication_window = 100";
  EXPECT_THAT(check_target(wanted, table), IsEmpty());
  table = log_of_the_user();
  table.engine = "ReplicatedMergeTree";
  EXPECT_THAT(check_target(wanted, table), IsEmpty()) << "it has a window of its own";
  table = log_of_the_user();
  table.mark = Mark{"uid", 0, 1};
  EXPECT_THAT(
      check_target({"shop", "log", {{"id", "Int64", ""}}, {"id"}, "", Engine::MergeTree, {"uid", 0, 1}},
                   table),
      IsEmpty())
      << "ours are made with one";
}

TEST(CheckDestination, WantsAUserWhoMayWrite) {
  const Endpoint endpoint{"http://ch:8123", "shop", "loader", {}, ""};
  DestinationFacts facts{"24.1.1.1", 24, 1, true, "Atomic", "UTC"};
  EXPECT_THAT(check_destination(facts, endpoint), IsEmpty());
  facts.read_only = true;
  EXPECT_EQ(check_destination(facts, endpoint).at(0).reason, "DestinationReadOnly");
  facts = {"24.1.1.1", 24, 1, true, "Atomic", "UTC", false, false, false};
  EXPECT_THAT(check_destination(facts, endpoint).at(0).message, HasSubstr("allow_ddl = 0"));
}

}  // namespace
}  // namespace penstock::clickhouse
