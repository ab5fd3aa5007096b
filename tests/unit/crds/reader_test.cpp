#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "crds/pipe.hpp"
#include "tests/unit/crds/schema.hpp"

namespace penstock::test {
namespace {

std::string fault_of(const std::function<void(Json& pipe)>& edit) {
  const auto pipe = read_pipe(pipe_with(edit));
  return pipe ? "" : pipe.error().reason + ": " + pipe.error().message;
}

TEST(ReadPipe, TakesIdentityAndDeletionFromTheMetadata) {
  const auto pipe = read_pipe(pipe_with([](Json& p) {
    p["metadata"]["resourceVersion"] = "17";
    p["metadata"]["generation"] = 3;
    p["metadata"]["deletionTimestamp"] = "2024-05-01T09:30:00Z";
    p["metadata"]["finalizers"] = {"other", kPipeFinalizer};
    p["status"] = {{"state", "Running"}, {"observedGeneration", 2}};
  }));
  ASSERT_TRUE(pipe) << pipe.error().text();
  EXPECT_EQ(pipe->ns, "data");
  EXPECT_EQ(pipe->name, "shop");
  EXPECT_EQ(pipe->uid, "u1");
  EXPECT_EQ(pipe->resource_version, "17");
  EXPECT_EQ(pipe->generation, 3);
  EXPECT_TRUE(pipe->deleting);
  EXPECT_TRUE(pipe->has_finalizer);
  EXPECT_EQ(pipe->status.state, PipeState::Running);
  EXPECT_EQ(pipe->status.observed_generation, 2);
}

TEST(ReadPipe, WithoutAStatusNothingHasBeenSeen) {
  const auto pipe = read_pipe(pipe_with());
  ASSERT_TRUE(pipe);
  EXPECT_EQ(pipe->status, PipeStatus{});
  EXPECT_FALSE(pipe->deleting);
  EXPECT_FALSE(pipe->has_finalizer);
}

TEST(ReadPipe, NamesThePathOfWhatIsWrong) {
  const struct {
    std::string message;
    std::function<void(Json& spec)> edit;
  } cases[] = {
      {"InvalidPipe: spec.source.postgres.host is missing",
       [](Json& s) { s["source"]["postgres"].erase("host"); }},
      {"InvalidPipe: spec.source.postgres.host must be a string",
       [](Json& s) { s["source"]["postgres"]["host"] = 12; }},
      {"InvalidPipe: spec.source.postgres is missing", [](Json& s) { s["source"] = Json::object(); }},
      {"InvalidPipe: spec.source must be an object", [](Json& s) { s["source"] = "postgres"; }},
      {"InvalidPipe: spec.source.postgres.port must be an integer",
       [](Json& s) { s["source"]["postgres"]["port"] = "5432"; }},
      {"InvalidPipe: spec.source.postgres.port must be an integer",
       [](Json& s) { s["source"]["postgres"]["port"] = 1.5; }},
      {"InvalidPipe: spec.source.postgres.port is too large",
       [](Json& s) { s["source"]["postgres"]["port"] = 5'000'000'000; }},
      {"InvalidPipe: spec.resyncGeneration is too large",
       [](Json& s) { s["resyncGeneration"] = 1ULL << 63; }},
      {"InvalidPipe: spec.paused must be true or false", [](Json& s) { s["paused"] = "yes"; }},
      {"InvalidPipe: spec.mode must be one of CDC, SnapshotOnly, CDCOnly",
       [](Json& s) { s["mode"] = "cdc"; }},
      {"InvalidPipe: spec.mode must be one of CDC, SnapshotOnly, CDCOnly", [](Json& s) { s["mode"] = 1; }},
      {"InvalidPipe: spec.tables must be a list", [](Json& s) { s["tables"] = "public.orders"; }},
      {"InvalidPipe: spec.tables is missing", [](Json& s) { s.erase("tables"); }},
      {"InvalidPipe: spec.tables[0] must be an object", [](Json& s) { s["tables"][0] = "public.orders"; }},
      {"InvalidPipe: spec.tables[1].source is missing", [](Json& s) { s["tables"][1] = Json::object(); }},
      {"InvalidPipe: spec.tables[0].columns[0].unrepresentable must be one of Fail, Null",
       [](Json& s) {
         s["tables"][0]["columns"] = {{{"name", "a"}, {"unrepresentable", "Zero"}}};
       }},
      {"InvalidPipe: spec.tables[0].orderBy[1] must be a string",
       [](Json& s) {
         s["tables"][0]["orderBy"] = {"a", 2};
       }},
      {"InvalidPipe: spec.sync.interval must be a whole number with ms, s, m or h, such as 200ms",
       [](Json& s) { s["sync"]["interval"] = "fast"; }},
      {"InvalidPipe: spec.sync.interval must be a string", [](Json& s) { s["sync"]["interval"] = 200; }},
      {"InvalidPipe: spec.source.postgres.passwordSecretRef.name is missing",
       [](Json& s) {
         s["source"]["postgres"]["passwordSecretRef"] = {{"key", "k"}};
       }},
      {"InvalidPipe: spec.source.postgres.passwordSecretRef must be an object",
       [](Json& s) { s["source"]["postgres"]["passwordSecretRef"] = "shop-postgres"; }},
  };
  for (const auto& each : cases) {
    Json pipe = pipe_with();
    each.edit(pipe["spec"]);
    const auto read = read_pipe(pipe);
    ASSERT_FALSE(read) << each.message;
    EXPECT_EQ(read.error().reason + ": " + read.error().message, each.message);
    EXPECT_EQ(read.error().kind, ErrorKind::NeedsUser);
    EXPECT_FALSE(read.error().cure.empty());
  }
}

TEST(ReadPipe, WhatIsNotAnObjectIsAnErrorAndNoCrash) {
  for (const char* text :
       {"null", "[]", "1", "\"pipe\"", "{}", R"({"metadata": 1})", R"({"metadata": {}, "spec": []})"})
    EXPECT_FALSE(read_pipe(Json::parse(text))) << text;
  EXPECT_FALSE(read_spec(Json()));
  EXPECT_FALSE(read_status(Json("Running")));
}

TEST(ReadPipe, ConditionsAreTrueOrFalseAndHaveATime) {
  const auto with_condition = [](const char* status, const char* time) {
    return fault_of([&](Json& p) {
      p["status"]["conditions"] = {{{"type", "Ready"},
                                    {"status", status},
                                    {"reason", "r"},
                                    {"message", ""},
                                    {"lastTransitionTime", time}}};
    });
  };
  EXPECT_EQ(with_condition("True", "2024-05-01T09:30:00Z"), "");
  EXPECT_THAT(with_condition("true", "2024-05-01T09:30:00Z"),
              testing::HasSubstr("status.conditions[0].status must be True or False"));
  EXPECT_THAT(with_condition("True", "yesterday"),
              testing::HasSubstr("status.conditions[0].lastTransitionTime must be a time"));
}

TEST(ReadPipe, NullCountsAsAbsentAndAWholeNumberAsAnInteger) {
  Json pipe = pipe_with();
  pipe["spec"]["paused"] = nullptr;
  pipe["spec"]["tables"][0]["target"] = nullptr;
  pipe["spec"]["source"]["postgres"]["port"] = 6432.0;
  const auto read = read_pipe(pipe);
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_FALSE(read->spec.paused);
  EXPECT_EQ(read->spec.tables[0].target, "");
  EXPECT_EQ(read->spec.source.port, 6432);
}

TEST(WriteStatus, WritesWhatIsEmptySoThatAMergePatchClearsIt) {
  const Json written = write_status(PipeStatus{});
  EXPECT_EQ(written["message"], "");
  EXPECT_EQ(written["worker"], "");
  EXPECT_EQ(written["tables"], Json::array());
  EXPECT_FALSE(written.contains("state"));
  EXPECT_FALSE(written.contains("replication"));
  EXPECT_THAT(refusals(schema_of("status"), written, "status"), testing::IsEmpty());
}

TableSpec table(const char* source, const char* target = "") {
  TableSpec out;
  out.source = source;
  out.target = target;
  return out;
}

TableStatus progress(TableState state, std::int64_t loaded, std::int64_t streamed) {
  TableStatus out;
  out.state = state;
  out.rows_loaded = loaded;
  out.rows_streamed = streamed;
  return out;
}

TEST(TargetOf, IsTheSourceTablesNameUnlessItIsSet) {
  EXPECT_EQ(target_of(table("public.orders")), "orders");
  EXPECT_EQ(target_of(table("Public.Orders")), "orders");
  EXPECT_EQ(target_of(table(R"("My.Schema"."Order Lines")")), "Order Lines");
  EXPECT_EQ(target_of(table("public.orders", "o")), "o");
  EXPECT_EQ(target_of(table("orders")), "");
}

TEST(Summarize, CountsReadyTablesAndRowsAndPutsTheLagInWords) {
  PipeSpec spec;
  PipeStatus status;
  status.tables = {progress(TableState::Streaming, 10, 5), progress(TableState::Loading, 7, 0),
                   progress(TableState::Completed, 1, 0)};
  summarize(status, spec);
  EXPECT_EQ(status.tables_ready, "2/3");
  EXPECT_EQ(status.rows, 23);
  EXPECT_EQ(status.replication.lag, "") << "nothing was received, so nothing is known";

  const auto lag = [&](double seconds) {
    status.replication.received_lsn = "0/1";
    status.replication.lag_seconds = seconds;
    summarize(status, spec);
    return status.replication.lag;
  };
  EXPECT_EQ(lag(0), "0.0s");
  EXPECT_EQ(lag(1.24), "1.2s");
  EXPECT_EQ(lag(-0.2), "0.0s");
  EXPECT_EQ(lag(61.9), "1m1s");
  EXPECT_EQ(lag(7260), "2h1m");
  EXPECT_EQ(status.rows, 23) << "summing up twice counts nothing twice";
  spec.tables = {table("public.new")};
  summarize(status, spec);
  EXPECT_EQ(status.tables_ready, "2/4") << "one that the status does not know yet";
}

}  // namespace
}  // namespace penstock::test
