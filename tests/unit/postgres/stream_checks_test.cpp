// What a stream needs besides: a key, a publication and a slot.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/postgres/healthy_source.hpp"

namespace penstock::postgres {
namespace {

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
                         "SlotLost", "their_slot", "new slot"},
                    Case{"Invalidated",
                         [](World& w) {
                           w.users_slot();
                           w.slot.invalidation = "idle_timeout";
                         },
                         "SlotLost", "idle_timeout", "new slot"}),
    name_of);

struct SlotCase {
  const char* name;
  std::function<void(SlotFacts&)> change;
  const char* words;  ///< of the message; empty: no fault
};
class SlotFault : public testing::TestWithParam<SlotCase> {};

TEST_P(SlotFault, IsTerminal) {
  SlotFacts slot;
  slot.name = "ours";
  slot.exists = true;
  slot.wal_status = "reserved";
  GetParam().change(slot);
  Endpoint endpoint;
  endpoint.password = Secret("hunter2");
  const auto fault = slot_fault(endpoint, slot);
  ASSERT_EQ(fault.has_value(), *GetParam().words != '\0');
  if (!fault) return;
  EXPECT_EQ(fault->kind, ErrorKind::Terminal);
  EXPECT_EQ(fault->reason, "SlotLost");
  EXPECT_THAT(fault->message, testing::HasSubstr("replication slot \"ours\" of "));
  EXPECT_THAT(fault->message, testing::EndsWith(GetParam().words));
  EXPECT_THAT(fault->cure, testing::HasSubstr("resyncGeneration"));
  EXPECT_THAT(fault->text(), testing::Not(testing::HasSubstr("hunter2")));
}

INSTANTIATE_TEST_SUITE_P(
    Slot, SlotFault,
    testing::Values(SlotCase{"Healthy", [](auto&) {}, ""},
                    SlotCase{"Active", [](auto& s) { s.active = true; }, ""},
                    SlotCase{"KeepsMuch", [](auto& s) { s.wal_status = "extended"; }, ""},
                    SlotCase{"MayYetBeSaved", [](auto& s) { s.wal_status = "unreserved"; }, ""},
                    SlotCase{"Missing", [](auto& s) { s.exists = false; }, "does not exist"},
                    SlotCase{"Lost", [](auto& s) { s.wal_status = "lost"; },
                             "is lost: the source no longer keeps the WAL it needs (max_slot_wal_keep_size)"},
                    SlotCase{"WalRemoved",
                             [](auto& s) {
                               s.wal_status = "lost";
                               s.invalidation = "wal_removed";
                             },
                             "is lost: the source no longer keeps the WAL it needs (max_slot_wal_keep_size)"},
                    SlotCase{"Invalidated", [](auto& s) { s.invalidation = "rows_removed"; },
                             "is lost: the source has invalidated it (rows_removed)"}),
    [](const auto& one) { return one.param.name; });

}  // namespace
}  // namespace penstock::postgres
