#include "controller/apiserver/table.hpp"

#include <gtest/gtest.h>

#include "controller/apiserver/json_path.hpp"
#include "controller/apiserver/rfc3339.hpp"
#include "tests/unit/apiserver/test_api.hpp"

namespace penstock::apiserver {
namespace {

std::string found(const char* path, const Json& object) {
  const auto parsed = JsonPath::parse(path);
  if (!parsed) return parsed.error();
  std::string text;
  for (const auto* value : parsed->find(object)) {
    text += value->dump() + ";";
  }
  return text;
}

TEST(JsonPath, LeadsToFieldsItemsAndFilteredItems) {
  const auto object = Json::parse(R"({"a": {"b": 1, "c.d": 2}, "l": [{"t": "x", "v": 1}, {"t": "y", "v": 2}],
    "metadata": {"annotations": {"example.com/n": "z"}}})");
  EXPECT_EQ(found(".a.b", object), "1;");
  EXPECT_EQ(found("{.a.b}", object), "1;");
  EXPECT_EQ(found("a.b", object), "1;");
  EXPECT_EQ(found("$.a.b", object), "1;");
  EXPECT_EQ(found(".a['c.d']", object), "2;");
  EXPECT_EQ(found(R"(.metadata.annotations.example\.com/n)", object), "\"z\";");
  EXPECT_EQ(found(".l[1].v", object), "2;");
  EXPECT_EQ(found(".l[-1].v", object), "2;");
  EXPECT_EQ(found(".l[9].v", object), "");
  EXPECT_EQ(found(".l[*].v", object), "1;2;");
  EXPECT_EQ(found(R"(.l[?(@.t=="y")].v)", object), "2;");
  EXPECT_EQ(found(R"(.l[?(@.t != 'y')].v)", object), "1;");
  EXPECT_EQ(found(R"(.l[?(@.v==2)].t)", object), "\"y\";");
  EXPECT_EQ(found(R"(.l[?(@.t)].v)", object), "1;2;");
  EXPECT_EQ(found(".none.b", object), "");
}

TEST(JsonPath, RefusesWhatItDoesNotKnow) {
  for (const auto* path : {".a[", ".a[x]", ".a['b", ".l[?(@.v > 1)]", ".l[?(x)]", "..a", ".a."}) {
    EXPECT_FALSE(JsonPath::parse(path)) << path;
  }
}

TEST(HumanDuration, IsWrittenAsKubectlWritesIt) {
  using std::chrono::seconds;
  EXPECT_EQ(human_duration(seconds(-5)), "<invalid>");
  EXPECT_EQ(human_duration(seconds(-1)), "0s");
  EXPECT_EQ(human_duration(seconds(0)), "0s");
  EXPECT_EQ(human_duration(seconds(119)), "119s");
  EXPECT_EQ(human_duration(seconds(120)), "2m");
  EXPECT_EQ(human_duration(seconds(125)), "2m5s");
  EXPECT_EQ(human_duration(seconds(600)), "10m");
  EXPECT_EQ(human_duration(seconds(3 * 3600 + 60)), "3h1m");
  EXPECT_EQ(human_duration(seconds(9 * 3600)), "9h");
  EXPECT_EQ(human_duration(seconds(49 * 3600)), "2d1h");
  EXPECT_EQ(human_duration(seconds(30L * 86400)), "30d");
  EXPECT_EQ(human_duration(seconds(800L * 86400)), "2y70d");
  EXPECT_EQ(human_duration(seconds(3650L * 86400)), "10y");
}

TEST(Rfc3339, ReadsWhatItWritesAndMore) {
  const WallTime time{std::chrono::seconds(1'700'000'000)};
  EXPECT_EQ(rfc3339(time), "2023-11-14T22:13:20Z");
  EXPECT_EQ(parse_rfc3339("2023-11-14T22:13:20Z"), time);
  EXPECT_EQ(parse_rfc3339("2023-11-15T00:13:20+02:00"), time);
  EXPECT_EQ(parse_rfc3339("2023-11-14T22:13:20.123456789Z"), time + std::chrono::microseconds(123456));
  for (const auto* text :
       {"", "2023-11-14", "2023-13-14T22:13:20Z", "2023-02-29T22:13:20Z", "2023-11-14T24:13:20Z",
        "2023-11-14T22:13:20", "2023-11-14T22:13:20.Z", "2023-11-14T22:13:20+2:00",
        "0000-01-01T00:00:00+01:00", "9999-12-31T23:59:60-01:00"}) {
    EXPECT_FALSE(parse_rfc3339(text)) << text;
  }
}

TEST(TableRow, FillsTheColumnsOfACrd) {
  FixedClock clock;
  Json object = widget("w");
  object["metadata"]["creationTimestamp"] = rfc3339(clock.now());
  object["status"] = {{"conditions", {{{"type", "Ready"}, {"status", "True"}}}}};
  clock.advance(std::chrono::seconds(300));
  const auto row = table_row(widget_type(), object, IncludeObject::Metadata, clock.now());
  EXPECT_EQ(row["cells"], Json::parse(R"(["w", 5, "True", "5m", null])"));
  EXPECT_EQ(row["object"]["kind"], "PartialObjectMetadata");
  EXPECT_FALSE(row["object"].contains("spec"));
}

TEST(TableRow, LeavesACellEmptyWhereTheValueIsMissingOrOfAnotherType) {
  Json object = widget("w");
  object["spec"]["size"] = "big";
  const auto row = table_row(widget_type(), object, IncludeObject::None, FixedClock().now());
  EXPECT_EQ(row["cells"], Json::parse(R"(["w", null, null, null, null])"));
  EXPECT_FALSE(row.contains("object"));
}

TEST(TableRow, FillsTheColumnsOfEvents) {
  FixedClock clock;
  const Json event{{"metadata", {{"name", "e"}}},
                   {"involvedObject", {{"kind", "Pipe"}, {"name", "shop"}}},
                   {"reason", "Running"},
                   {"message", "all well\n"},
                   {"type", "Normal"},
                   {"source", {{"component", "penstock"}}},
                   {"count", 3},
                   {"firstTimestamp", rfc3339(clock.now() - std::chrono::minutes(20))},
                   {"lastTimestamp", rfc3339(clock.now() - std::chrono::minutes(10))}};
  const auto row = table_row(core_types()[1], event, IncludeObject::None, clock.now());
  EXPECT_EQ(
      row["cells"],
      Json::parse(R"(["10m", "Normal", "Running", "pipe/shop", "", "penstock", "all well", "20m", 3, "e"])"));
}

TEST(TableRow, HasAsManyCellsAsColumnsForEveryKind) {
  for (const auto& type : core_types()) {
    EXPECT_EQ(core_cells(type, Json::object(), FixedClock().now()).size(), type.columns.size()) << type.kind;
  }
}

}  // namespace
}  // namespace penstock::apiserver
