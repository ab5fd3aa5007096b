// Each case says only how it differs from a world in which nothing is wrong.

#include "dataplane/postgres/checks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

namespace penstock::postgres {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

SourceColumn column(const std::string& name, int number, bool not_null = true) {
  SourceColumn out;
  out.name = name;
  out.attribute_number = number;
  out.not_null = not_null;
  return out;
}

SourceColumn array(const std::string& name, int number) {
  auto out = column(name, number);
  out.type.kind = PgType::Kind::Array;
  return out;
}

struct World {
  SourceWish wish;
  ServerFacts server;
  std::vector<std::optional<SourceTable>> tables;
  PublicationFacts publication;
  SlotFacts slot;

  World() {
    server = {150004, "7000", 1, false, "logical", 10, 1, 10, 1, true, true, 8192, "penstock", "shop"};
    SourceTable orders;
    orders.name = {"public", "orders"};
    orders.oid = 100;
    orders.columns = {column("id", 1), column("customer", 2), column("note", 3, false)};
    orders.primary_key = orders.identity_key = {"id"};
    Heap heap;
    heap.name = orders.name;
    heap.oid = orders.oid;
    heap.identity_key = {"id"};
    orders.heaps = {heap};
    tables.push_back(orders);
    TableWish table;
    table.name = orders.name;
    table.source_text = "public.orders";
    wish.tables.push_back(table);
  }

  SourceTable& table() { return *tables[0]; }
  TableWish& wanted() { return wish.tables[0]; }

  void partition(const std::string& name, std::vector<std::string> key) {
    if (table().kind != 'p') table().heaps.clear();
    table().kind = 'p';
    Heap heap;
    heap.name = {"public", name};
    heap.oid = 200 + static_cast<std::uint32_t>(table().heaps.size());
    heap.identity_key = std::move(key);
    table().heaps.push_back(heap);
  }

  void users_publication() {
    wish.publication = publication.name = "theirs";
    publication.exists = true;
    publication.tables = {table().name};
    publication.contents = {{table().name, false, {"id", "customer", "note"}}};
    table().owned = false;
    server.may_create_publication = false;
  }

  void users_slot() {
    wish.replication_slot = "their_slot";
    slot.name = "their_slot";
    slot.exists = true;
    slot.plugin = "pgoutput";
    slot.database = "shop";
    slot.wal_status = "reserved";
  }

  void snapshot_only() {
    wish.streams = false;
    server.wal_level = "replica";
    server.may_replicate = server.may_create_publication = false;
    server.max_slots = server.max_senders = 0;
    table().owned = false;
  }

  [[nodiscard]] std::vector<Error> faults() const {
    return check_source(wish, server, tables, publication, slot);
  }
};

struct Case {
  const char* name;
  std::function<void(World&)> change;
  const char* reason;   ///< "" when nothing is wrong
  const char* message;  ///< a part of it
  const char* cure;     ///< a part of it
};

class CheckSource : public testing::TestWithParam<Case> {};

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

std::string name_of(const testing::TestParamInfo<Case>& info) {
  return info.param.name;
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

void without_key(World& world) {
  world.table().primary_key.clear();
  world.table().identity_key.clear();
  world.table().heaps[0].identity_key.clear();
}

INSTANTIATE_TEST_SUITE_P(
    Identity, CheckSource,
    testing::Values(
        Case{"NoKey", without_key, "NoReplicaIdentity", "no primary key", "REPLICA IDENTITY USING INDEX"},
        Case{"DeferrableKey",
             [](World& w) {
               without_key(w);
               w.table().primary_key = {"id"};
             },
             "NoReplicaIdentity", "DEFERRABLE", "Add a primary key"},
        Case{"Nothing",
             [](World& w) {
               w.table().identity = ReplicaIdentity::Nothing;
               w.table().identity_key.clear();
             },
             "ReplicaIdentityNothing", "NOTHING", "REPLICA IDENTITY DEFAULT"},
        Case{"FullWithoutKey",
             [](World& w) {
               without_key(w);
               w.table().identity = ReplicaIdentity::Full;
             },
             "NoReplicaIdentity", "merge all its rows", "engine: MergeTree"},
        Case{"FullWithoutKeyAppendOnly",
             [](World& w) {
               without_key(w);
               w.table().identity = ReplicaIdentity::Full;
               w.wanted().replacing = false;
             },
             "", "", ""},
        Case{"NoKeyInASnapshot",
             [](World& w) {
               w.snapshot_only();
               without_key(w);
             },
             "NoKey", "merge all its rows", "engine: MergeTree"},
        Case{"NoKeyInAnAppendOnlySnapshot",
             [](World& w) {
               w.snapshot_only();
               without_key(w);
               w.wanted().replacing = false;
             },
             "", "", ""},
        Case{"KeyExcluded", [](World& w) { w.wanted().excluded_columns = {"id"}; }, "KeyColumnExcluded", "id",
             "excludedColumns"},
        Case{"OrderByBeyondTheKey",
             [](World& w) {
               w.wanted().order_by = {"customer", "id"};
             },
             "OrderByNeedsFull", "customer", "REPLICA IDENTITY FULL"},
        Case{"OrderByBeyondTheKeyWithFull",
             [](World& w) {
               w.wanted().order_by = {"customer", "id"};
               w.table().identity = ReplicaIdentity::Full;
               w.table().identity_key.clear();
             },
             "", "", ""},
        Case{"OrderByBeyondTheKeyInASnapshot",
             [](World& w) {
               w.snapshot_only();
               w.wanted().order_by = {"customer", "id"};
             },
             "", "", ""},
        Case{"OrderByLacksTheKey",
             [](World& w) {
               w.wanted().order_by = {"customer"};
               w.table().identity = ReplicaIdentity::Full;
               w.table().identity_key.clear();
             },
             "OrderByLacksKey", "id", "Add it"},
        Case{"OrderByNullable",
             [](World& w) {
               w.wanted().order_by = {"note"};
               w.wanted().replacing = false;
             },
             "OrderByNullable", "note", "SET NOT NULL"},
        Case{"PartitionWithoutIdentity", [](World& w) { w.partition("orders_2024", {}); },
             "NoReplicaIdentity", "public.orders_2024, a part of public.orders", "\"orders_2024\""},
        Case{"PartitionWithNothing",
             [](World& w) {
               w.partition("orders_2024", {});
               w.table().heaps[0].identity = ReplicaIdentity::Nothing;
             },
             "ReplicaIdentityNothing", "public.orders_2024", "REPLICA IDENTITY DEFAULT"},
        Case{"PartitionWithAnotherKey", [](World& w) { w.partition("orders_2024", {"customer"}); },
             "ReplicaIdentityDiffers", "(customer), the table by (id)", "FULL"},
        Case{"PartitionsInOrder",
             [](World& w) {
               w.partition("orders_2023", {"id"});
               w.partition("orders_2024", {});
               w.table().heaps[1].identity = ReplicaIdentity::Full;
             },
             "", "", ""}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Publication, CheckSource,
    testing::Values(
        Case{"MayNotCreate", [](World& w) { w.server.may_create_publication = false; },
             "CannotCreatePublication", "no CREATE on database shop", "GRANT CREATE ON DATABASE \"shop\""},
        Case{"NotTheOwner", [](World& w) { w.table().owned = false; }, "CannotCreatePublication",
             "does not own \"public\".\"orders\"",
             "CREATE PUBLICATION penstock FOR TABLE \"public\".\"orders\" WITH (publish_via_partition_root = "
             "true)"},
        Case{"NotTheOwnerButThereAlready",
             [](World& w) {
               w.table().owned = false;
               w.server.may_create_publication = false;
               w.publication.exists = true;
               w.publication.tables = {w.table().name};
             },
             "", "", ""},
        Case{"OursOfAnotherRole",
             [](World& w) {
               w.publication.exists = true;
               w.publication.name = "penstock_1";
               w.publication.owned = false;
             },
             "CannotCreatePublication", "another role", "OWNER TO \"penstock\""},
        Case{"Users", [](World& w) { w.users_publication(); }, "", "", ""},
        Case{"Missing",
             [](World& w) {
               w.users_publication();
               w.publication = {};
             },
             "PublicationMissing", "theirs", "CREATE PUBLICATION \"theirs\" FOR TABLE \"public\".\"orders\""},
        Case{"LacksTable",
             [](World& w) {
               w.users_publication();
               w.publication.contents.clear();
             },
             "PublicationLacksTable", "public.orders", "ADD TABLE \"public\".\"orders\""},
        Case{"FiltersRows",
             [](World& w) {
               w.users_publication();
               w.publication.contents[0].row_filter = true;
             },
             "PublicationFiltersRows", "public.orders", "without the filter"},
        Case{"LacksColumn",
             [](World& w) {
               w.users_publication();
               w.publication.contents[0].columns = {"id", "note"};
             },
             "PublicationLacksColumns", "customer", "excludedColumns"},
        Case{"LacksAnExcludedColumn",
             [](World& w) {
               w.users_publication();
               w.publication.contents[0].columns = {"id", "note"};
               w.wanted().excluded_columns = {"customer"};
             },
             "", "", ""},
        Case{"LacksOperations",
             [](World& w) {
               w.users_publication();
               w.publication.deletes = w.publication.truncates = false;
             },
             "PublicationLacksOperations", "delete, truncate",
             "SET (publish = 'insert, update, delete, truncate')"},
        Case{"WithoutRoot",
             [](World& w) {
               w.partition("orders_2024", {"id"});
               w.users_publication();
             },
             "PublicationWithoutRoot", "partitioned", "publish_via_partition_root = true"},
        Case{"WithRoot",
             [](World& w) {
               w.partition("orders_2024", {"id"});
               w.users_publication();
               w.publication.via_root = true;
             },
             "", "", ""},
        Case{"LacksAnInheritingChild",
             [](World& w) {
               w.users_publication();
               auto child = w.table().heaps[0];
               child.oid = 201;
               child.name.name = "orders_old";
               w.table().heaps.push_back(child);
             },
             "PublicationLacksTable", "public.orders_old", "ADD TABLE \"public\".\"orders_old\""}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Slot, CheckSource,
    testing::Values(Case{"Users", [](World& w) { w.users_slot(); }, "", "", ""},
                    Case{"UsersNeedsNoFreeOne",
                         [](World& w) {
                           w.users_slot();
                           w.server.used_slots = 10;
                         },
                         "", "", ""},
                    Case{"Missing",
                         [](World& w) {
                           w.users_slot();
                           w.slot = {};
                         },
                         "SlotMissing", "their_slot",
                         "SELECT pg_create_logical_replication_slot('their_slot', 'pgoutput')"},
                    Case{"OtherPlugin",
                         [](World& w) {
                           w.users_slot();
                           w.slot.plugin = "wal2json";
                         },
                         "SlotWrongPlugin", "wal2json", "pgoutput"},
                    Case{"Physical",
                         [](World& w) {
                           w.users_slot();
                           w.slot.plugin = "";
                         },
                         "SlotWrongPlugin", "a physical one", "pgoutput"},
                    Case{"OtherDatabase",
                         [](World& w) {
                           w.users_slot();
                           w.slot.database = "crm";
                         },
                         "SlotWrongDatabase", "crm", "shop"},
                    Case{"Lost",
                         [](World& w) {
                           w.users_slot();
                           w.slot.wal_status = "lost";
                         },
                         "SlotLost", "their_slot", "new slot"}),
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
