// What a table, its columns and their rights must be like to be read at all.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/postgres/healthy_source.hpp"

namespace penstock::postgres {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

SourceColumn array(const std::string& name, int number) {
  auto out = column(name, number);
  out.type.kind = PgType::Kind::Array;
  return out;
}
TEST_P(CheckSource, TellsWhatIsWrongAndWhatToDo) {
  World world;
  GetParam().change(world);
  const auto faults = world.faults();
  if (std::string(GetParam().reason).empty()) {
    EXPECT_TRUE(faults.empty()) << faults.front().reason << ": " << faults.front().text();
    return;
  }
  ASSERT_EQ(faults.size(), 1U) << (faults.empty() ? "" : faults.back().reason);
  EXPECT_EQ(faults[0].reason, GetParam().reason);
  EXPECT_THAT(faults[0].message, HasSubstr(GetParam().message));
  EXPECT_THAT(faults[0].cure, HasSubstr(GetParam().cure));
}

INSTANTIATE_TEST_SUITE_P(
    Server, CheckSource,
    testing::Values(Case{"Healthy", [](World&) {}, "", "", ""},
                    Case{"TooOld", [](World& w) { w.server.version = 120018; }, "ServerTooOld",
                         "PostgreSQL 12", "Upgrade"},
                    Case{"WalLevel", [](World& w) { w.server.wal_level = "replica"; }, "WalLevelNotLogical",
                         "replica", "ALTER SYSTEM SET wal_level = logical"},
                    Case{"NoReplicationRight", [](World& w) { w.server.may_replicate = false; },
                         "NoReplicationRight", "penstock", "ALTER ROLE \"penstock\" REPLICATION"},
                    Case{"NoFreeSlot", [](World& w) { w.server.used_slots = 10; }, "NoFreeSlot", "10",
                         "max_replication_slots"},
                    Case{"OurSlotIsThereAlready",
                         [](World& w) {
                           w.server.used_slots = 10;
                           w.wish.slot_exists_already = true;
                         },
                         "", "", ""},
                    Case{"NoFreeSender", [](World& w) { w.server.used_senders = 10; }, "NoFreeSender", "10",
                         "max_wal_senders"},
                    Case{"TheLastSenderIsOurs",
                         [](World& w) {
                           w.server.used_senders = 10;
                           w.slot.active = true;
                         },
                         "", "", ""},
                    Case{"OldStandby",
                         [](World& w) {
                           w.server.in_recovery = true;
                           w.users_publication();
                         },
                         "SourceIsStandby", "standby", "primary"},
                    Case{"NewStandbyWithoutPublication",
                         [](World& w) {
                           w.server.in_recovery = true;
                           w.server.version = 160000;
                         },
                         "SourceIsStandby", "no publication", "publication"},
                    Case{"NewStandbyWithPublication",
                         [](World& w) {
                           w.server.in_recovery = true;
                           w.server.version = 160000;
                           w.users_publication();
                         },
                         "", "", ""},
                    Case{"FailoverSlotOfAnOldServer",
                         [](World& w) {
                           w.server.version = 160000;
                           w.wish.failover_slot = true;
                         },
                         "FailoverSlotUnsupported", "came with 17", "failoverSlot"},
                    Case{"FailoverSlotOfAStandby",
                         [](World& w) {
                           w.server.version = 170000;
                           w.server.in_recovery = true;
                           w.users_publication();
                           w.wish.failover_slot = true;
                         },
                         "FailoverSlotUnsupported", "is a standby", "primary"},
                    Case{"FailoverSlotOfAPrimary",
                         [](World& w) {
                           w.server.version = 170000;
                           w.wish.failover_slot = true;
                         },
                         "", "", ""},
                    Case{"SnapshotOnlyNeedsNothingOfThis", [](World& w) { w.snapshot_only(); }, "", "", ""}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Tables, CheckSource,
    testing::Values(Case{"Missing", [](World& w) { w.tables[0].reset(); }, "TableNotFound", "public.orders",
                         "spec.tables"},
                    Case{"View",
                         [](World& w) {
                           w.table().kind = 'v';
                           w.wanted().replacing = false;
                         },
                         "CannotStream", "a view", "SnapshotOnly"},
                    Case{"ViewInASnapshot",
                         [](World& w) {
                           w.snapshot_only();
                           w.table().kind = 'v';
                           w.table().primary_key.clear();
                           w.table().identity_key.clear();
                           w.wanted().replacing = false;
                         },
                         "", "", ""},
                    Case{"Unlogged", [](World& w) { w.table().persistence = 'u'; }, "CannotStream",
                         "unlogged", "SET LOGGED"},
                    Case{"Temporary", [](World& w) { w.table().persistence = 't'; }, "TemporaryTable",
                         "temporary", "spec.tables"},
                    Case{"System", [](World& w) { w.table().name.schema = "pg_catalog"; }, "CannotStream",
                         "system table", "SnapshotOnly"},
                    Case{"ForeignPartition",
                         [](World& w) {
                           w.partition("orders_2024", {"id"});
                           w.table().heaps[0].kind = 'f';
                         },
                         "CannotStream", "public.orders_2024", "Detach"},
                    Case{"RowSecurity", [](World& w) { w.table().row_security = true; },
                         "RowSecurityHidesRows", "penstock", "BYPASSRLS"},
                    Case{"PartAndWhole",
                         [](World& w) {
                           auto part = w.table();
                           part.oid = 200;
                           part.name.name = "orders_2024";
                           part.heaps[0].oid = 200;
                           w.partition("orders_2024", {"id"});
                           w.tables.push_back(part);
                           auto wish = w.wanted();
                           wish.name = part.name;
                           wish.source_text = "public.orders_2024";
                           w.wish.tables.push_back(wish);
                         },
                         "TableCoveredTwice", "public.orders_2024 is a part of public.orders", "Take one"}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Columns, CheckSource,
    testing::Values(Case{"SlipOfThePen", [](World& w) { w.wanted().named_columns = {"custmer"}; },
                         "ColumnNotFound", "custmer", "customer"},
                    Case{"NothingLikeIt", [](World& w) { w.wanted().excluded_columns = {"zzzzzzzzz"}; },
                         "ColumnNotFound", "zzzzzzzzz", "Correct the name"},
                    Case{"GeneratedAndNamed",
                         [](World& w) {
                           w.table().columns[2].generated = true;
                           w.wanted().named_columns = {"note"};
                         },
                         "ColumnIsGenerated", "note", "orderBy"},
                    Case{"GeneratedAndExcluded",
                         [](World& w) {
                           w.table().columns[2].generated = true;
                           w.wanted().excluded_columns = {"note"};
                         },
                         "", "", ""},
                    Case{"ExcludedAndNamed",
                         [](World& w) {
                           w.wanted().excluded_columns = {"note"};
                           w.wanted().named_columns = {"note"};
                         },
                         "ColumnExcludedAndNamed", "note", "excludedColumns"},
                    Case{"NothingLeft",
                         [](World& w) {
                           w.wanted().excluded_columns = {"id", "customer", "note"};
                           w.wanted().replacing = false;
                         },
                         "NothingLeftToReplicate", "public.orders", "Exclude fewer"},
                    Case{"Reserved", [](World& w) { w.table().columns[2].name = "_penstock_version"; },
                         "ReservedColumnName", "_penstock_version", "exclude"},
                    Case{"ReservedAndExcluded",
                         [](World& w) {
                           w.table().columns[2].name = "_penstock_version";
                           w.wanted().excluded_columns = {"_penstock_version"};
                         },
                         "", "", ""},
                    Case{"LikeNested",
                         [](World& w) {
                           w.table().columns.push_back(array("n.a", 4));
                           w.table().columns.push_back(array("n.b", 5));
                         },
                         "ArraysLookNested", "n.a, n.b", "String"},
                    Case{"NotNestedWhenOneIsText",
                         [](World& w) {
                           w.table().columns.push_back(array("n.a", 4));
                           w.table().columns.push_back(array("n.b", 5));
                           w.wanted().retyped_columns = {"n.b"};
                         },
                         "", "", ""},
                    Case{"OneColumnHidden",
                         [](World& w) {
                           w.table().table_select = false;
                           w.table().columns[1].selectable = false;
                         },
                         "PermissionDenied", "customer",
                         "GRANT SELECT (\"customer\") ON \"public\".\"orders\" TO \"penstock\""},
                    Case{"HiddenColumnExcluded",
                         [](World& w) {
                           w.table().table_select = false;
                           w.table().columns[1].selectable = false;
                           w.wanted().excluded_columns = {"customer"};
                         },
                         "", "", ""},
                    Case{"AllHidden",
                         [](World& w) {
                           w.table().table_select = false;
                           for (auto& one : w.table().columns)
                             one.selectable = false;
                         },
                         "PermissionDenied", "no SELECT on public.orders", "GRANT SELECT ON"},
                    Case{"HiddenInAPartition",
                         [](World& w) {
                           w.partition("orders_2024", {"id"});
                           w.table().heaps[0].hidden_columns = {"id", "customer", "note"};
                         },
                         "PermissionDenied", "public.orders_2024, a part of public.orders",
                         "GRANT SELECT ON \"public\".\"orders_2024\""},
                    Case{"SchemaHidden", [](World& w) { w.table().schema_usage = false; }, "PermissionDenied",
                         "schema public", "GRANT USAGE ON SCHEMA \"public\""}),
    name_of);
TEST(CheckSource, TellsEveryFaultAtOnceInTheOrderOfTheirCure) {
  World world;
  world.server.wal_level = "replica";
  world.wish.tables.push_back(world.wanted());
  world.tables.push_back(std::nullopt);
  world.wanted().excluded_columns = {"nope"};
  std::vector<std::string> reasons;
  for (const auto& fault : world.faults())
    reasons.push_back(fault.reason);
  EXPECT_THAT(reasons, ElementsAre("WalLevelNotLogical", "ColumnNotFound", "TableNotFound"));
}

}  // namespace
}  // namespace penstock::postgres
