// What a stream needs besides: a key and a publication.

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
        Case{"FullWithAVirtualColumn",
             [](World& w) {
               w.table().identity = w.table().heaps[0].identity = ReplicaIdentity::Full;
               w.table().heaps[0].virtual_columns = {"note"};
             },
             "VirtualColumnInIdentity", "public.orders has REPLICA IDENTITY FULL and the virtual column note",
             "REPLICA IDENTITY DEFAULT"},
        Case{"VirtualColumnBesideAKey", [](World& w) { w.table().heaps[0].virtual_columns = {"note"}; }, "",
             "", ""},
        Case{"KeyThatIsGenerated", [](World& w) { w.table().columns[0].generated = true; },
             "KeyColumnGenerated", "column id of public.orders", "REPLICA IDENTITY USING INDEX"},
        Case{"FullWithADeferrableKey",
             [](World& w) {
               w.table().identity = ReplicaIdentity::Full;
               w.table().identity_key.clear();
               w.table().unique_keys.clear();
             },
             "KeyNotUnique", "DEFERRABLE", "engine: MergeTree"},
        Case{"InheritedFrom",
             [](World& w) {
               auto child = w.table().heaps[0];
               child.oid = 201;
               w.table().heaps.push_back(child);
             },
             "KeyNotUnique", "public.orders is inherited from", "orderBy: [id]"},
        Case{"InheritedFromWithAnOrderThatIsGiven",
             [](World& w) {
               auto child = w.table().heaps[0];
               child.oid = 201;
               w.table().heaps.push_back(child);
               w.wanted().order_by = {"id"};
             },
             "", "", ""},
        Case{"InheritedFromInASnapshot",
             [](World& w) {
               w.snapshot_only();
               auto child = w.table().heaps[0];
               child.oid = 201;
               w.table().heaps.push_back(child);
             },
             "KeyNotUnique", "the same one", "engine: MergeTree"},
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
        Case{"LogWithLargeValues",
             [](World& w) {
               w.wanted().replacing = false;
               w.table().columns[2].out_of_line = true;
             },
             "AppendOnlyNeedsFull", "values of note", "REPLICA IDENTITY FULL"},
        Case{"LogWithLargeValuesAndFull",
             [](World& w) {
               w.wanted().replacing = false;
               w.table().columns[2].out_of_line = true;
               w.table().identity = ReplicaIdentity::Full;
               w.table().identity_key.clear();
             },
             "", "", ""},
        Case{"LogWithoutItsLargeValues",
             [](World& w) {
               w.wanted().replacing = false;
               w.wanted().excluded_columns = {"note"};
               w.table().columns[2].out_of_line = true;
             },
             "", "", ""},
        Case{"LogWithLargeValuesInASnapshot",
             [](World& w) {
               w.snapshot_only();
               w.wanted().replacing = false;
               w.table().columns[2].out_of_line = true;
             },
             "", "", ""},
        Case{"LargeValuesWithoutFull", [](World& w) { w.table().columns[2].out_of_line = true; }, "", "", ""},
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
        Case{"FiltersRowsByTheKey",
             [](World& w) {
               w.users_publication();
               w.published().row_filter = "(id > 5)";
               w.published().filter_columns = {{1, "id"}};
             },
             "", "", ""},
        Case{"FiltersRowsBeyondTheKey",
             [](World& w) {
               w.users_publication();
               w.published().row_filter = "(note IS NULL)";
               w.published().filter_columns = {{3, "note"}};
             },
             "RowFilterNeedsFull", "public.orders by note",
             "ALTER TABLE \"public\".\"orders\" REPLICA IDENTITY FULL"},
        Case{"FiltersRowsBeyondTheKeyUnderFull",
             [](World& w) {
               w.users_publication();
               w.published().row_filter = "(note IS NULL)";
               w.published().filter_columns = {{3, "note"}};
               w.table().heaps[0].identity = w.table().identity = ReplicaIdentity::Full;
             },
             "", "", ""},
        Case{"FiltersRowsBeyondTheKeyOfAPartition",
             [](World& w) {
               w.partition("orders_2024", {"id"});
               w.users_publication();
               w.publication.via_root = true;
               w.published().row_filter = "(customer > 5)";
               w.published().filter_columns = {{2, "customer"}};
             },
             "RowFilterNeedsFull", "public.orders_2024 by customer",
             "ALTER TABLE \"public\".\"orders_2024\" REPLICA IDENTITY FULL"},
        Case{"FiltersRowsByWhatTheRoleMayNotRead",
             [](World& w) {
               w.users_publication();
               w.published().row_filter = "(note IS NULL)";
               w.published().filter_columns = {{3, "note"}};
               w.table().heaps[0].identity = w.table().identity = ReplicaIdentity::Full;
               w.table().heaps[0].hidden_columns = {"note"};
               w.table().columns[2].selectable = false;
               w.wanted().excluded_columns = {"note"};
             },
             "PermissionDenied", "no SELECT on column note", "GRANT SELECT (\"note\")"},
        Case{"ListsColumns",
             [](World& w) {
               w.users_publication();
               w.published().listed = {{1, "id"}, {3, "note"}};
             },
             "", "", ""},
        Case{"ListsColumnsThatWereRenamedByNow",
             [](World& w) {
               w.users_publication();
               w.published().listed = {{1, "id"}, {3, "note"}};
               w.table().columns[1].name = "note";
               w.table().columns[2].name = "customer";
               w.wish.tables[0].named_columns = {"customer"};
             },
             "", "", ""},
        Case{"ListsColumnsWithoutTheKey",
             [](World& w) {
               w.users_publication();
               w.published().listed = {{2, "customer"}, {3, "note"}};
             },
             "PublicationLacksColumns", "leaves out id of public.orders, which is part of the key",
             "DROP TABLE \"public\".\"orders\"; ALTER PUBLICATION"},
        Case{"ListsColumnsWithoutOneThatHasAType",
             [](World& w) {
               w.users_publication();
               w.published().listed = {{1, "id"}, {3, "note"}};
               w.wanted().named_columns = w.wanted().retyped_columns = {"customer"};
             },
             "PublicationLacksColumns", "customer of public.orders, which spec.tables[].columns[].name",
             "take it out of columns[].name"},
        Case{"ListsColumnsWithoutOneOfOrderBy",
             [](World& w) {
               w.users_publication();
               w.published().listed = {{1, "id"}, {3, "note"}};
               w.wanted().replacing = false;
               w.wanted().named_columns = w.wanted().order_by = {"customer", "id"};
             },
             "PublicationLacksColumns", "customer of public.orders, which spec.tables[].orderBy",
             "take it out of orderBy"},
        Case{"ListsColumnsUnderFull",
             [](World& w) {
               w.users_publication();
               w.published().listed = {{1, "id"}, {2, "customer"}, {3, "note"}};
               w.table().heaps[0].identity = w.table().identity = ReplicaIdentity::Full;
             },
             "PublicationLacksColumns", "replica identity is FULL", "ADD TABLE \"public\".\"orders\""},
        Case{"ListsFewerColumnsOfAChild",
             [](World& w) {
               w.users_publication();
               Heap child;
               child.name = {"public", "late_orders"};
               child.oid = 200;
               child.identity_key = {"id"};
               w.table().heaps.push_back(child);
               w.publication.tables.push_back(child.name);
               w.publication.contents.push_back({child.name, "600.8"});
               w.publication.contents.back().listed = {{1, "id"}, {2, "customer"}};
               w.wanted().order_by = {"id"};
             },
             "PublicationLacksColumns", "leaves out note of public.late_orders, a part of public.orders",
             "or add them to excludedColumns"},
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
               w.wanted().replacing = false;
             },
             "PublicationLacksTable", "public.orders_old", "ADD TABLE \"public\".\"orders_old\""}),
    name_of);

}  // namespace
}  // namespace penstock::postgres
