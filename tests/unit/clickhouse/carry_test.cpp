// What of a target's tombstones can go to the table that takes its place, and the statement that does it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "dataplane/clickhouse/carry_sql.hpp"
#include "dataplane/clickhouse/key_text.hpp"

namespace penstock::clickhouse {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TargetTable orders(const std::string& name) {
  TargetTable out;
  out.database = "shop";
  out.table = name;
  out.engine = "ReplacingMergeTree";
  out.sorting_key = "tenant, id";
  out.columns = {{"tenant", "Int32", ""},          {"id", "Int64", ""},
                 {"note", "Nullable(String)", ""}, {kVersionColumn, "UInt128", ""},
                 {kDeletedColumn, "UInt8", ""},    {kSyncedAtColumn, "DateTime64(3)", "DEFAULT"}};
  return out;
}

struct Pair {
  TargetTable target = orders("orders");
  TargetTable staging = orders("orders_resync");
};

TargetColumn& column(TargetTable& table, const std::string& name) {
  for (auto& one : table.columns)
    if (one.name == name) return one;
  throw std::runtime_error("no column " + name);
}

std::optional<Carry> plan(const std::function<void(Pair&)>& change) {
  Pair pair;
  change(pair);
  return plan_carry(pair.target, pair.staging);
}

std::vector<std::string> names(const std::vector<CarriedColumn>& columns) {
  std::vector<std::string> out;
  for (const auto& one : columns)
    out.push_back((one.cast ? "cast " : "") + one.name);
  return out;
}

TEST(PlanCarry, TakesTheKeyAndWhatBothTablesHave) {
  const auto carry = plan([](Pair& p) {
    p.target.columns.push_back({"gone", "Int8", ""});
    p.staging.columns.push_back({"new", "Int8", ""});
  });
  ASSERT_TRUE(carry);
  EXPECT_THAT(names(carry->key), ElementsAre("tenant", "id"));
  EXPECT_THAT(names(carry->others), ElementsAre("note", kSyncedAtColumn));
}

TEST(PlanCarry, GoesByTheKeyOfTheNewTable) {
  const auto carry = plan([](Pair& p) { p.staging.sorting_key = "note, id"; });
  ASSERT_TRUE(carry);
  EXPECT_THAT(names(carry->key), ElementsAre("note", "id"));
  EXPECT_THAT(names(carry->others), ElementsAre("tenant", kSyncedAtColumn));
}

TEST(PlanCarry, CastsWhatMayNotFit) {
  const auto carry = plan([](Pair& p) {
    column(p.staging, "id").type = "Int32";
    column(p.staging, "note").type = "LowCardinality(Nullable(String))";
    column(p.target, "note").type = "String";
    p.target.columns.push_back({"sum", "Nullable(Int64)", ""});
    p.staging.columns.push_back({"sum", "Int64", ""});
  });
  ASSERT_TRUE(carry);
  EXPECT_THAT(names(carry->key), ElementsAre("tenant", "cast id"));
  EXPECT_THAT(names(carry->others), ElementsAre("note", kSyncedAtColumn, "cast sum"));
}

TEST(PlanCarry, LeavesOutWhatCannotBeReadOrWritten) {
  for (const char* kind : {"MATERIALIZED", "ALIAS", "EPHEMERAL"}) {
    const auto into = plan([&](Pair& p) { column(p.staging, "note").default_kind = kind; });
    const auto from = plan([&](Pair& p) { column(p.target, "note").default_kind = kind; });
    EXPECT_THAT(names(into->others), ElementsAre(kSyncedAtColumn)) << kind;
    EXPECT_THAT(names(from->others), ElementsAre(kSyncedAtColumn)) << kind;
  }
}

TEST(PlanCarry, IsNoneWhereTombstonesHaveNoMeaningOrNoKey) {
  const std::function<void(Pair&)> changes[] = {
      [](Pair& p) { p.target.engine = "MergeTree"; },
      [](Pair& p) { p.staging.engine = "Null"; },
      [](Pair& p) { std::erase_if(p.target.columns, [](auto& c) { return c.name == kDeletedColumn; }); },
      [](Pair& p) { column(p.target, kVersionColumn).type = "DateTime"; },
      [](Pair& p) { column(p.staging, kDeletedColumn).default_kind = "ALIAS"; },
      [](Pair& p) { std::erase_if(p.target.columns, [](auto& c) { return c.name == "tenant"; }); },
      [](Pair& p) { column(p.target, "id").default_kind = "MATERIALIZED"; },
      [](Pair& p) { p.staging.sorting_key = "toDate(at), id"; },
      [](Pair& p) { p.staging.sorting_key = ""; },
  };
  for (const auto& change : changes)
    EXPECT_FALSE(plan(change)) << &change - changes;
}

TEST(PlanCarry, KnowsTheEngineWhereverItsPartsLive) {
  EXPECT_TRUE(plan([](Pair& p) { p.target.engine = "ReplicatedReplacingMergeTree"; }));
  EXPECT_TRUE(plan([](Pair& p) { p.staging.engine = "SharedReplacingMergeTree"; }));
}

TEST(CarrySql, ReadsOnlyRowsWhoseKeyHasATombstone) {
  const auto sql = carry_sql(*plan([](Pair&) {}), 0, 1);
  EXPECT_THAT(sql, HasSubstr("INSERT INTO `shop`.`orders_resync` (`tenant`, `id`, `note`, "
                             "`_penstock_synced_at`, _penstock_version, _penstock_deleted)\n"));
  EXPECT_THAT(sql, HasSubstr("PREWHERE cityHash64(`tenant`, `id`) IN (SELECT cityHash64(`tenant`, `id`) FROM "
                             "`shop`.`orders` WHERE _penstock_deleted != 0)"));
  EXPECT_THAT(sql, Not(HasSubstr("accurateCast")))
      << "a key that needs no cast keeps the tables' order and indexes";
}

TEST(CarrySql, ComparesVersionsAsTheTargetHasThem) {
  EXPECT_THAT(carry_sql(*plan([](Pair&) {}), 0, 1), HasSubstr("CAST(0 AS UInt128) AS _penstock_version"));
  const auto former = plan([](Pair& p) { column(p.target, kVersionColumn).type = "UInt64"; });
  ASSERT_TRUE(former);
  EXPECT_THAT(carry_sql(*former, 0, 1), HasSubstr("CAST(0 AS UInt64) AS _penstock_version"));
}

TEST(CarrySql, OfManyTombstonesIsOneForEachSlice) {
  const auto carry = *plan([](Pair&) {});
  EXPECT_THAT(carry_sql(carry, 3, 4),
              HasSubstr("_penstock_deleted != 0 AND cityHash64(`tenant`, `id`) % 4 = 3)"));
}

TEST(CarrySql, HashesNullAsAValue) {
  const auto carry = *plan([](Pair& p) { p.staging.sorting_key = "id, note"; });
  EXPECT_THAT(carry_sql(carry, 0, 1), HasSubstr("cityHash64(`id`, ifNull(toString(`note`), ''))"));
}

TEST(CarrySql, QuotesHostileNames) {
  const auto carry = *plan([](Pair& p) {
    for (auto* table : {&p.target, &p.staging}) {
      table->database = "d`b";
      table->table += "'`";
      column(*table, "note").name = "no`te";
    }
  });
  const auto sql = carry_sql(carry, 0, 1);
  EXPECT_THAT(sql, HasSubstr("INSERT INTO `d\\`b`.`orders_resync'\\`` (`tenant`, `id`, `no\\`te`"));
  EXPECT_THAT(count_tombstones_sql(carry), HasSubstr("FROM `d\\`b`.`orders'\\`` WHERE"));
}

TEST(ValueType, IsWithoutWhatWrapsTheValue) {
  EXPECT_EQ(value_type("Int64"), "Int64");
  EXPECT_EQ(value_type("Nullable(DateTime64(6, 'UTC'))"), "DateTime64(6, 'UTC')");
  EXPECT_EQ(value_type("LowCardinality(String)"), "String");
  EXPECT_EQ(value_type("LowCardinality(Nullable(String))"), "String");
  EXPECT_EQ(value_type("Array(Nullable(Int8))"), "Array(Nullable(Int8))");
}

}  // namespace
}  // namespace penstock::clickhouse
