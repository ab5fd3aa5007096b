#include "tests/unit/crds/validated.hpp"

namespace penstock::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const Json kUnseen;
const Json kInSetup = {{"state", "Setup"}};
const Json kSetUp = {{"state", "Running"}, {"source", {{"systemIdentifier", "7"}, {"timeline", 1}}}};

/// The faults of a change of the spec by `edit` while the pipe has `status`.
std::vector<FieldError> change(const Edit& edit, const Json& status = kSetUp,
                               const Json& metadata = Json::object()) {
  const Json before = pipe_with([&](Json& pipe) {
    pipe["spec"]["tables"] = Json::parse(R"([{"source": "a.x", "resyncGeneration": 3}, {"source": "a.y"}])");
    pipe["spec"]["resyncGeneration"] = 5;
    pipe["metadata"].update(metadata);
    if (!status.is_null()) pipe["status"] = status;
  });
  Json now = before;
  edit(now["spec"]);
  now["spec"] = with_defaults(schema_of("spec"), now["spec"]);
  return validate_pipe(now, &before);
}

struct FixedField {
  std::string path;
  Edit edit;
};

const std::vector<FixedField>& fixed_after_setup() {
  static const std::vector<FixedField> kFields = {
      {"spec.source.postgres.database", [](Json& s) { s["source"]["postgres"]["database"] = "other"; }},
      {"spec.destination.clickhouse.database",
       [](Json& s) { s["destination"]["clickhouse"]["database"] = "other"; }},
  };
  return kFields;
}

const std::vector<FixedField>& fixed_after_creation() {
  static const std::vector<FixedField> kFields = {
      {"spec.mode", [](Json& s) { s["mode"] = "CDCOnly"; }},
      {"spec.source.postgres.publication", [](Json& s) { s["source"]["postgres"]["publication"] = "other"; }},
  };
  return kFields;
}

TEST(ValidateChange, WhatIsFixedAfterSetupIsRefusedWithItsPath) {
  for (const auto& [path, edit] : fixed_after_setup())
    EXPECT_THAT(change(edit), ElementsAre(fault(path, "after Setup is not supported by this version yet; ")))
        << path;
}

TEST(ValidateChange, UntilSetupIsOverDatabasesCanBeCorrected) {
  for (const Json& status : {kUnseen, kInSetup, Json({{"state", "Paused"}}), Json({{"state", "Failed"}})})
    for (const auto& [path, edit] : fixed_after_setup())
      EXPECT_THAT(change(edit, status), IsEmpty()) << path;
}

TEST(ValidateChange, ModeAndNamesInTheSourceAreFixedOnceAControllerHasSeenThePipe) {
  for (const auto& [path, edit] : fixed_after_creation()) {
    EXPECT_THAT(change(edit, kUnseen), IsEmpty()) << path;
    for (const Json& status : {kInSetup, kSetUp})
      EXPECT_THAT(change(edit, status),
                  ElementsAre(fault(path, "a change after creation is not supported by this version yet; ")))
          << path;
  }
  const auto slot = [](Json& s) {
    s["mode"] = "CDCOnly", s["source"]["postgres"]["replicationSlot"] = "other";
  };
  EXPECT_THAT(change(slot, kInSetup),
              ElementsAre(fault("spec.source.postgres.replicationSlot", "needs"),
                          fault("spec.mode", "after creation"),
                          fault("spec.source.postgres.replicationSlot", "after creation")));
}

TEST(ValidateChange, TheMessageNamesTheCure) {
  EXPECT_THAT(change([](Json& s) { s["source"]["postgres"]["database"] = "other"; }),
              ElementsAre(fault("spec.source.postgres.database",
                                "delete this Pipe and create it anew, or set it back")));
}

const std::vector<FixedField>& carried_out_by_and_by() {
  static const std::vector<FixedField> kEdits = {
      {"a table removed", [](Json& s) { s["tables"].erase(1); }},
      {"a table added",
       [](Json& s) {
         s["tables"].insert(s["tables"].begin() + 1, Json::object({{"source", "a.z"}}));
       }},
      {"a table for another", [](Json& s) { s["tables"][0]["source"] = "a.z"; }},
      {"a target", [](Json& s) { s["tables"][1]["target"] = "other"; }},
      {"an engine", [](Json& s) { s["tables"][0]["engine"] = "Null"; }},
      {"a sorting key",
       [](Json& s) {
         s["tables"][0]["orderBy"] = {"a", "b"};
       }},
      {"a column's type",
       [](Json& s) {
         s["tables"][0]["columns"] = {{{"name", "a"}, {"type", "String"}}};
       }},
      {"a truncate's effect", [](Json& s) { s["tables"][0]["onTruncate"] = "Ignore"; }},
      {"the generation raised", [](Json& s) { s["resyncGeneration"] = 6; }},
      {"the generation lowered", [](Json& s) { s["resyncGeneration"] = 4; }},
      {"a table's generation raised", [](Json& s) { s["tables"][0]["resyncGeneration"] = 4; }},
      {"a table's generation lowered", [](Json& s) { s["tables"][0]["resyncGeneration"] = 2; }},
  };
  return kEdits;
}

TEST(ValidateChange, TablesAndGenerationsMayChangeInEveryState) {
  for (const Json& status : {kUnseen, kInSetup, kSetUp, Json({{"state", "Failed"}})})
    for (const auto& [name, edit] : carried_out_by_and_by())
      EXPECT_THAT(change(edit, status), IsEmpty()) << name;
}

TEST(ValidateChange, TwoTablesStillDoNotGoIntoOneTarget) {
  EXPECT_THAT(change([](Json& s) { s["tables"][1]["target"] = "x"; }),
              ElementsAre(fault("spec.tables[1].target", "would both go into \"x\"")));
}

TEST(ValidateChange, WhatIsCarriedOutIsAllowed) {
  EXPECT_THAT(
      change([](Json& s) {
        s["paused"] = true;
        s["sync"] = {{"interval", "1s"}, {"maxInsertsPerSecond", 1}, {"batchRows", 500}};
        s["snapshot"] = {{"workersPerTable", 2}};
        s["deletionPolicy"] = "Delete";
        s["source"]["postgres"].update(Json::parse(
            R"({"host": "db2", "port": 6432, "user": "u", "tls": {"mode": "Disable"}, "passwordSecretRef": {"name": "s"}})"));
        s["destination"]["clickhouse"].update(Json::parse(
            R"({"url": "https://ch2", "user": "u", "passwordSecretRef": {"name": "s"}, "caSecretRef": {"name": "s"}})"));
        std::swap(s["tables"][0], s["tables"][1]);
      }),
      IsEmpty());
}

TEST(ValidateChange, ANewSpecIsJudgedByItselfToo) {
  EXPECT_THAT(change([](Json& s) { s["sync"]["interval"] = "2h"; }),
              ElementsAre(fault("spec.sync.interval", "1h")));
}

TEST(ValidateChange, WhatIsBeingDeletedMayChangeInAnyWay) {
  const Json deleting = {{"deletionTimestamp", "2024-05-01T09:30:00Z"}};
  EXPECT_THAT(change(
                  [](Json& s) {
                    s["mode"] = "CDCOnly";
                    s["sync"]["interval"] = "2h";
                  },
                  kSetUp, deleting),
              IsEmpty());
}

TEST(ValidateChange, ASpecThatStaysAsItIsPassesEvenIfItWouldNoLongerBeTaken) {
  const Json before = pipe_with([](Json& pipe) { pipe["spec"]["sync"]["interval"] = "2h"; });
  Json now = before;
  now["metadata"]["finalizers"] = Json::array();
  EXPECT_THAT(validate_pipe(now, &before), IsEmpty());
  now["spec"]["paused"] = true;
  EXPECT_THAT(validate_pipe(now, &before), testing::SizeIs(1));
}

TEST(ValidateChange, AnUnreadableOldObjectDoesNotStandInTheWay) {
  const Json before = Json::parse(R"({"metadata": {"name": "shop"}, "spec": {"mode": "Old"}})");
  EXPECT_THAT(validate_pipe(pipe_with(), &before), IsEmpty());
}

}  // namespace
}  // namespace penstock::test
