// No text that comes into a status is one that an API server would refuse.

#include "crds/status_limits.hpp"

#include <gmock/gmock.h>

#include "core/utf8.hpp"
#include "crds/pipe.hpp"
#include "tests/unit/crds/schema.hpp"

namespace penstock::test {
namespace {

bool is_text(const Json& leaf) {
  return leaf["type"] == "string" && !leaf.contains("enum") && leaf.value("format", "") != "date-time";
}

/// An object of the schema's shape with `text` wherever a text may be.
Json filled(const Json& schema, const std::string& text) {
  const std::string type = schema["type"];
  if (type == "object") {
    Json out = Json::object();
    for (const auto& [name, field] : schema["properties"].items())
      out[name] = filled(field, text);
    return out;
  }
  if (type == "array") return Json::array({filled(schema["items"], text)});
  if (schema.contains("enum")) return schema["enum"][0];
  if (type == "string") return is_text(schema) ? Json(text) : Json("2024-02-29T23:59:10Z");
  return type == "boolean" ? Json(true) : Json(1);
}

PipeStatus status_of_texts(const std::string& text) {
  return read_status(filled(schema_of("status"), text)).value();
}

TEST(StatusLimits, EveryTextIsMadeToFitItsSchema) {
  std::string text;
  while (text.size() < 100'000)
    text += "table \"Größe\" 表 ";
  auto status = status_of_texts(text);
  EXPECT_THAT(refusals(schema_of("status"), write_status(status), "status"),
              testing::Not(testing::IsEmpty()));
  keep_within_schema(status);
  EXPECT_THAT(refusals(schema_of("status"), write_status(status), "status"), testing::IsEmpty());
  EXPECT_THAT(status.message, testing::HasSubstr(" bytes more"));
  EXPECT_EQ(status.tables.at(0).source_definition, text) << "what has no limit is left as it is";
  const auto once = status;
  keep_within_schema(status);
  EXPECT_EQ(status, once);
}

TEST(StatusLimits, EveryTextIsMadeUtf8) {
  auto status = status_of_texts("r\xf4le");
  keep_within_schema(status);
  const auto written = write_status(status);
  int texts = 0;
  each_leaf(schema_of("status"), "", [&](const std::string&, const Json& leaf) { texts += is_text(leaf); });
  EXPECT_GE(texts, 30);
  const auto dumped = written.dump();  // throws where a text is not
  EXPECT_EQ(status, status_of_texts("r?le"));
}

TEST(StatusLimits, TextsForPeopleHaveALimit) {
  each_leaf(schema_of("status"), "", [](const std::string& path, const Json& leaf) {
    for (const char* name : {"message", "reason", "Changes"}) {
      if (path.ends_with(name)) {
        EXPECT_TRUE(leaf.contains("maxLength")) << path;
      }
    }
  });
}

}  // namespace
}  // namespace penstock::test
