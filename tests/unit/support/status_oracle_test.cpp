// What counts as naming a table: the comparison of histories and cases stands on it.

#include "tests/support/status_oracle.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

namespace penstock::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::IsEmpty;

json pipe(const std::string& state, const json& conditions, const std::string& table_state = "Streaming") {
  return {{"metadata", {{"generation", 1}}},
          {"spec", {{"tables", {{{"source", "public.t"}}}}}},
          {"status",
           {{"state", state},
            {"observedGeneration", 1},
            {"conditions", conditions},
            {"tables",
             {{{"source", "public.t"},
               {"state", table_state},
               {"message", table_state == "Failed" ? "it cannot be written" : ""}}}}}}};
}

json condition(const std::string& type, const std::string& status, const std::string& reason,
               const std::string& message) {
  return {{"type", type}, {"status", status}, {"reason", reason}, {"message", message}};
}

const json kReady = condition("Ready", "True", "Running", "Replicating");
const json kDiffers = condition("ResyncRequired", "True", "SourceDiffers", "public.t: column v was replaced");

TEST(StatusOracle, ATableIsNamedByItsOwnStateWhateverElseIsSaid) {
  EXPECT_THAT(how_named(pipe("Running", json::array({kReady}), "Failed"), "public.t"),
              HasSubstr("cannot be written"));
}

TEST(StatusOracle, AReadyPipeNamesNoTable) {
  EXPECT_THAT(how_named(pipe("Running", json::array({kReady, kDiffers})), "public.t"), IsEmpty());
}

TEST(StatusOracle, ATableIsNamedByTheConditionsOfAPipeThatIsNotReady) {
  const auto not_ready = condition("Ready", "False", "SourceDiffers", "public.t: column v was replaced");
  EXPECT_THAT(how_named(pipe("Running", json::array({not_ready, kDiffers})), "public.t"),
              HasSubstr("ResyncRequired"));
  EXPECT_THAT(how_named(pipe("Running", json::array({not_ready})), "public.t"), HasSubstr("Ready=False"));
  EXPECT_THAT(how_named(pipe("Running", json::array({not_ready, kDiffers})), "public.t_nb"), IsEmpty());
  EXPECT_THAT(how_named(pipe("Running", json::array({not_ready, kDiffers})), "public.tt"), IsEmpty());
}

TEST(StatusOracle, WhatIsUnderWayNamesNobody) {
  for (const auto* reason : {"Snapshot", "Paused", "Resync", "Setup"})
    EXPECT_THAT(
        how_named(pipe(reason, json::array({condition("Ready", "False", reason, "Loading public.t")})),
                  "public.t"),
        IsEmpty())
        << reason;
}

TEST(StatusOracle, AFailedPipeNamesAllItsTables) {
  const auto failed = condition("Ready", "False", "SlotLost", "the slot is gone");
  EXPECT_THAT(how_named(pipe("Failed", json::array({failed})), "public.t"), HasSubstr("the slot is gone"));
  EXPECT_THAT(how_named(pipe("Running", json::array({failed})), "public.t"), IsEmpty())
      << "whom is that about?";
}

TEST(StatusOracle, APipeRunsWellWhenItIsReadyAndEveryTableStreams) {
  EXPECT_TRUE(runs_well(pipe("Running", json::array({kReady}))));
  EXPECT_FALSE(runs_well(pipe("Running", json::array({kReady}), "Loading")));
  EXPECT_FALSE(runs_well(pipe("Snapshot", json::array({kReady}))));
  EXPECT_FALSE(runs_well(pipe("Running", json::array({condition("Ready", "False", "Running", "")}))));
  auto behind = pipe("Running", json::array({kReady}));
  behind["metadata"]["generation"] = 2;
  EXPECT_FALSE(runs_well(behind)) << "it has not seen the spec";
}

}  // namespace
}  // namespace penstock::test
