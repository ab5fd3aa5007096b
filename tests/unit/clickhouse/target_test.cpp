#include "dataplane/clickhouse/target.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

namespace penstock::clickhouse {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TargetDefinition orders() {
  TargetDefinition out;
  out.database = "shop";
  out.table = "orders";
  out.columns = {{"tenant_id", "Int32", ""}, {"id", "Int64", ""}, {"note", "Nullable(String)", ""}};
  out.order_by = {"tenant_id", "id"};
  out.mark = {"11111111-2222", 3};
  return out;
}

/// What create_sql(orders()) makes, as the server shows it.
TargetTable orders_as_made() {
  TargetTable out;
  out.database = "shop";
  out.table = "orders";
  out.uuid = "aaaa";
  out.engine = "ReplacingMergeTree";
  out.engine_full =
      "ReplacingMergeTree(_penstock_version, _penstock_deleted) ORDER BY (tenant_id, id) SETTINGS "
      "index_granularity = 8192";
  out.sorting_key = "tenant_id, id";
  out.comment = "penstock pipe=11111111-2222 generation=3 load=0";
  out.mark = Mark{"11111111-2222", 3};
  out.columns = orders().columns;
  out.columns.push_back({kVersionColumn, "UInt128", ""});
  out.columns.push_back({kDeletedColumn, "UInt8", ""});
  out.columns.push_back({kSyncedAtColumn, "DateTime64(3)", "DEFAULT"});
  return out;
}

std::vector<std::string> reasons(const std::vector<Error>& faults) {
  std::vector<std::string> out;
  for (const auto& fault : faults) {
    EXPECT_EQ(fault.kind, ErrorKind::NeedsUser);
    EXPECT_FALSE(fault.message.empty());
    EXPECT_FALSE(fault.cure.empty());
    out.push_back(fault.reason);
  }
  return out;
}

TEST(CreateSql, MakesAReplacingTableByDefault) {
  EXPECT_EQ(create_sql(orders()),
            "CREATE TABLE IF NOT EXISTS `shop`.`orders`\n"
            "(\n"
            "    `tenant_id` Int32,\n"
            "    `id` Int64,\n"
            "    `note` Nullable(String),\n"
            "    `_penstock_version` UInt128,\n"
            "    `_penstock_deleted` UInt8,\n"
            "    `_penstock_synced_at` DateTime64(3) DEFAULT now64(3)\n"
            ")\n"
            "ENGINE = ReplacingMergeTree(`_penstock_version`, `_penstock_deleted`)\n"
            "ORDER BY (`tenant_id`, `id`)\n"
            "COMMENT 'penstock pipe=11111111-2222 generation=3 load=0'");
}

TEST(CreateSql, MakesAnAppendOnlyTableThatKnowsTokens) {
  auto definition = orders();
  definition.engine = Engine::MergeTree;
  definition.order_by.clear();
  definition.partition_key = {"(toYYYYMM(at))", {"at"}};
  EXPECT_THAT(create_sql(definition), HasSubstr("    `_penstock_deleted` UInt8,\n"
                                                "    `_penstock_synced_at` DateTime64(3) DEFAULT now64(3)\n"
                                                ")\n"
                                                "ENGINE = MergeTree\n"
                                                "PARTITION BY (toYYYYMM(at))\n"
                                                "ORDER BY tuple()\n"
                                                "SETTINGS non_replicated_deduplication_window = 1000\n"
                                                "COMMENT "));
}

TEST(CreateSql, MakesANullTableWithoutKeys) {
  auto definition = orders();
  definition.engine = Engine::Null;
  definition.partition_key = {"(id)", {"id"}};
  EXPECT_THAT(create_sql(definition), HasSubstr(")\nENGINE = Null\nCOMMENT 'penstock"));
}

TEST(CreateSql, AllowsANullableKeyOnlyWhereThereIsOne) {
  auto definition = orders();
  definition.order_by = {"tenant_id", "note"};
  EXPECT_THAT(create_sql(definition), HasSubstr("\nSETTINGS allow_nullable_key = 1\nCOMMENT"));
  definition.order_by = {"tenant_id"};
  definition.partition_key = {"(cityHash64(note))", {"note"}};
  EXPECT_THAT(create_sql(definition), HasSubstr("\nSETTINGS allow_nullable_key = 1\nCOMMENT"));
  definition.partition_key = {"(tenant_id)", {"tenant_id"}};
  EXPECT_THAT(create_sql(definition), testing::Not(HasSubstr("SETTINGS")));
}

TEST(CreateSql, HoldsNothingOfWhatNobodyHasLookedThrough) {
  auto definition = orders();
  definition.partition_by = "tuple() ORDER BY id AS SELECT 1";
  EXPECT_THAT(create_sql(definition), testing::Not(HasSubstr("PARTITION")));
}

TEST(CreateSql, QuotesHostileNames) {
  auto definition = orders();
  definition.database = "my db";
  definition.table = "a`b.c";
  definition.columns = {{"x`) ENGINE = Log --", "Int8", ""}};
  definition.order_by = {"x`) ENGINE = Log --"};
  const auto sql = create_sql(definition);
  EXPECT_THAT(sql, HasSubstr("`my db`.`a\\`b.c`"));
  EXPECT_THAT(sql, HasSubstr("    `x\\`) ENGINE = Log --` Int8,\n"));
  EXPECT_THAT(sql, HasSubstr("ORDER BY (`x\\`) ENGINE = Log --`)\n"));
}

struct DefinitionCase {
  const char* name;
  std::function<void(TargetDefinition&)> change;
  std::vector<std::string> reasons;
};

class DefinitionFault : public testing::TestWithParam<DefinitionCase> {};

TEST_P(DefinitionFault, IsFound) {
  auto definition = orders();
  GetParam().change(definition);
  EXPECT_EQ(reasons(check_definition(definition)), GetParam().reasons);
}

INSTANTIATE_TEST_SUITE_P(
    CheckDefinition, DefinitionFault,
    testing::Values(DefinitionCase{"None", [](auto&) {}, {}},
                    DefinitionCase{"NoColumns",
                                   [](auto& d) {
                                     d.columns.clear();
                                     d.order_by.clear();
                                   },
                                   {"TargetWithoutColumns", "TargetSortingKey"}},
                    DefinitionCase{"NoKey", [](auto& d) { d.order_by.clear(); }, {"TargetSortingKey"}},
                    DefinitionCase{"NoKeyInALog",
                                   [](auto& d) {
                                     d.order_by.clear();
                                     d.engine = Engine::MergeTree;
                                   },
                                   {}},
                    DefinitionCase{"AbsentKey", [](auto& d) { d.order_by = {"ID"}; }, {"TargetSortingKey"}},
                    DefinitionCase{"ReservedName",
                                   [](auto& d) {
                                     d.columns.push_back({"_penstock_version", "UInt64", ""});
                                   },
                                   {"TargetColumnReserved"}},
                    DefinitionCase{"DoubledName",
                                   [](auto& d) {
                                     d.columns.push_back({"id", "UInt64", ""});
                                   },
                                   {"TargetColumnDoubled"}},
                    DefinitionCase{"NestedArrays",
                                   [](auto& d) {
                                     d.columns.push_back({"n.a", "Array(Int8)", ""});
                                     d.columns.push_back({"n.b", "Array(Int8)", ""});
                                   },
                                   {"TargetNestedColumns"}},
                    DefinitionCase{"DotsWithoutNesting",
                                   [](auto& d) {
                                     d.columns.push_back({"n.a", "Array(Int8)", ""});
                                     d.columns.push_back({"n.b", "String", ""});
                                     d.columns.push_back({"m.b", "Array(Int8)", ""});
                                   },
                                   {}}),
    [](const auto& one) { return one.param.name; });

struct TargetCase {
  const char* name;
  std::function<void(TargetDefinition&, TargetTable&)> change;
  std::vector<std::string> reasons;
};

class TargetFault : public testing::TestWithParam<TargetCase> {};

TEST_P(TargetFault, IsFound) {
  auto wanted = orders();
  auto present = orders_as_made();
  GetParam().change(wanted, present);
  EXPECT_EQ(reasons(check_target(wanted, present)), GetParam().reasons);
}

TargetColumn& column(TargetTable& table, const std::string& name) {
  for (auto& one : table.columns)
    if (one.name == name) return one;
  throw std::runtime_error("no column " + name);
}

void remove(TargetTable& table, const std::string& name) {
  std::erase_if(table.columns, [&](const TargetColumn& one) { return one.name == name; });
}

INSTANTIATE_TEST_SUITE_P(
    CheckTarget, TargetFault,
    testing::Values(
        TargetCase{"None", [](auto&, auto&) {}, {}},
        TargetCase{"UnmarkedTableOfTheUser",
                   [](auto&, auto& p) {
                     p.comment = "mine";
                     p.mark.reset();
                   },
                   {}},
        TargetCase{"AnotherGenerationOfOurs", [](auto&, auto& p) { p.mark->generation = 1; }, {}},
        TargetCase{"AnotherPipe", [](auto&, auto& p) { p.mark->pipe_uid = "other"; }, {}},
        TargetCase{"MissingColumn", [](auto&, auto& p) { remove(p, "note"); }, {"TargetColumnMissing"}},
        TargetCase{
            "OtherCase", [](auto&, auto& p) { column(p, "note").name = "Note"; }, {"TargetColumnMissing"}},
        TargetCase{"OtherType", [](auto&, auto& p) { column(p, "id").type = "Int32"; }, {"TargetColumnType"}},
        TargetCase{
            "NotNullable", [](auto&, auto& p) { column(p, "note").type = "String"; }, {"TargetColumnType"}},
        TargetCase{"NullableWhereNoneIsNeeded",
                   [](auto&, auto& p) { column(p, "id").type = "Nullable(Int64)"; },
                   {}},
        TargetCase{"LowCardinality",
                   [](auto&, auto& p) { column(p, "note").type = "LowCardinality(Nullable(String))"; },
                   {}},
        TargetCase{"TypeSpelledOtherwise",
                   [](auto& w, auto& p) {
                     w.columns.push_back({"sum", "Decimal(10,2)", ""});
                     p.columns.push_back({"sum", "Decimal(10, 2)", ""});
                   },
                   {}},
        TargetCase{"ExtraColumns",
                   [](auto&, auto& p) {
                     p.columns.push_back({"mine", "String", "DEFAULT"});
                     p.columns.push_back({"day", "Date", "MATERIALIZED"});
                   },
                   {}},
        TargetCase{"Materialized",
                   [](auto&, auto& p) { column(p, "note").default_kind = "MATERIALIZED"; },
                   {"TargetColumnComputed"}},
        TargetCase{"Alias",
                   [](auto&, auto& p) { column(p, "note").default_kind = "ALIAS"; },
                   {"TargetColumnComputed"}},
        TargetCase{
            "DefaultOfTheUser", [](auto&, auto& p) { column(p, "note").default_kind = "DEFAULT"; }, {}},
        TargetCase{"OtherEngine",
                   [](auto&, auto& p) {
                     p.engine = "MergeTree";
                     p.engine_full = "MergeTree ORDER BY (tenant_id, id)";
                   },
                   {"TargetEngine"}},
        TargetCase{"DistributedTable", [](auto&, auto& p) { p.engine = "Distributed"; }, {"TargetEngine"}},
        TargetCase{
            "VersionWithoutTombstones",
            [](auto&, auto& p) { p.engine_full = "ReplacingMergeTree(_penstock_version) ORDER BY id"; },
            {"TargetEngine"}},
        TargetCase{"NoArguments",
                   [](auto&, auto& p) { p.engine_full = "ReplacingMergeTree ORDER BY (tenant_id, id)"; },
                   {"TargetEngine"}},
        TargetCase{"Replicated",
                   [](auto&, auto& p) {
                     p.engine = "ReplicatedReplacingMergeTree";
                     p.engine_full =
                         "ReplicatedReplacingMergeTree('/clickhouse/{uuid}', '{replica}', _penstock_version, "
                         "_penstock_deleted) ORDER BY (tenant_id, id)";
                   },
                   {}},
        TargetCase{"Shared",
                   [](auto&, auto& p) {
                     p.engine = "SharedReplacingMergeTree";
                     p.engine_full =
                         "SharedReplacingMergeTree('/c/{uuid}/{shard}', '{replica}', _penstock_version, "
                         "_penstock_deleted) ORDER BY (tenant_id, id)";
                   },
                   {}},
        TargetCase{"OtherKey", [](auto&, auto& p) { p.sorting_key = "id"; }, {"TargetSortingKey"}},
        TargetCase{"KeyWithQuotes",
                   [](auto& w, auto& p) {
                     w.columns[1].name = "odd name";
                     column(p, "id").name = "odd name";
                     w.order_by = {"tenant_id", "odd name"};
                     p.sorting_key = "tenant_id, `odd name`";
                   },
                   {}},
        TargetCase{"OtherKeyOfALog",
                   [](auto& w, auto& p) {
                     w.engine = Engine::MergeTree;
                     p.engine = "MergeTree";
                     p.sorting_key = "note";
                   },
                   {}},
        TargetCase{"NullTable",
                   [](auto& w, auto& p) {
                     w.engine = Engine::Null;
                     p.engine = "Null";
                     p.engine_full = "`Null`";
                     p.sorting_key = "";
                   },
                   {}},
        TargetCase{"VersionsThatAreTooNarrow",
                   [](auto&, auto& p) { column(p, kVersionColumn).type = "UInt64"; },
                   {"TargetWithoutControlColumns"}},
        TargetCase{"NoControlColumns",
                   [](auto&, auto& p) {
                     remove(p, kVersionColumn);
                     remove(p, kDeletedColumn);
                     remove(p, kSyncedAtColumn);
                   },
                   {"TargetWithoutControlColumns"}},
        TargetCase{"ControlColumnOfAnotherType",
                   [](auto&, auto& p) { column(p, kVersionColumn).type = "DateTime"; },
                   {"TargetWithoutControlColumns"}},
        TargetCase{"View", [](auto&, auto& p) { p.engine = "MaterializedView"; }, {"TargetIsView"}}),
    [](const auto& one) { return one.param.name; });

TEST(CheckTarget, NamesBothTypesAndTheCure) {
  auto present = orders_as_made();
  column(present, "id").type = "Int32";
  const auto faults = check_target(orders(), present);
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_EQ(faults[0].message, "target table `shop`.`orders` has the column id as Int32; Int64 is wanted");
  EXPECT_THAT(faults[0].cure, HasSubstr("ALTER TABLE `shop`.`orders` MODIFY COLUMN `id` Int64"));
}

TEST(CheckTarget, SaysWhatToAddForControlColumns) {
  auto present = orders_as_made();
  remove(present, kDeletedColumn);
  column(present, kVersionColumn).type = "UInt32";
  const auto faults = check_target(orders(), present);
  ASSERT_EQ(faults.size(), 1U);
  EXPECT_THAT(faults[0].message, HasSubstr("_penstock_version as UInt128, _penstock_deleted"));
  EXPECT_EQ(faults[0].cure,
            "ALTER TABLE `shop`.`orders` MODIFY COLUMN _penstock_version UInt128, ADD COLUMN "
            "_penstock_deleted UInt8");
}

TEST(CheckTarget, PointsAtAColumnThatDiffersOnlyInCase) {
  auto present = orders_as_made();
  column(present, "note").name = "NOTE";
  EXPECT_THAT(check_target(orders(), present).at(0).message, HasSubstr("but one named NOTE"));
}

TEST(CheckTarget, TellsOfEveryFaultAtOnce) {
  auto present = orders_as_made();
  remove(present, "note");
  remove(present, kDeletedColumn);
  present.sorting_key = "id";
  EXPECT_THAT(reasons(check_target(orders(), present)),
              ElementsAre("TargetSortingKey", "TargetColumnMissing", "TargetWithoutControlColumns"));
}

DestinationFacts facts(int major, int minor, const std::string& engine) {
  return {std::to_string(major) + "." + std::to_string(minor) + ".1.1",
          major,
          minor,
          !engine.empty(),
          engine,
          "UTC",
          true};
}

TEST(CheckDestination, WantsAVersionAndADatabaseThatCanExchange) {
  const Endpoint endpoint{"http://ch:8123", "shop", "loader", {}, ""};
  for (const char* engine : {"Atomic", "Replicated", "Shared", ""})
    EXPECT_THAT(check_destination(facts(23, 3, engine), endpoint), IsEmpty()) << engine;
  EXPECT_THAT(reasons(check_destination(facts(23, 2, "Atomic"), endpoint)), ElementsAre("DestinationTooOld"));
  EXPECT_THAT(reasons(check_destination(facts(22, 9, "Ordinary"), endpoint)),
              ElementsAre("DestinationTooOld", "ExchangeNotSupported"));
  EXPECT_THAT(check_destination(facts(24, 1, "Ordinary"), endpoint).at(0).message,
              HasSubstr("database shop"));
}

}  // namespace
}  // namespace penstock::clickhouse
