// What a user's slot has to be, and when one is lost.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/postgres/healthy_source.hpp"

namespace penstock::postgres {
namespace {

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
