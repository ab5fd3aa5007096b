#include "controller/engine/server_error.hpp"

#include <gtest/gtest.h>

#include "controller/engine/output_format.hpp"

namespace penstock::engine {
namespace {

TEST(ServerError, ReadsTheCodeOfAnEngineMessage) {
  EXPECT_EQ(parse_error("Code: 60. DB::Exception: Table x. (UNKNOWN_TABLE)").code, 60);
  EXPECT_EQ(parse_error("Code: 1002. DB::Exception: x").code, 1002);
}

TEST(ServerError, GivesAMessageWithoutCodeTheUnknownOne) {
  const ServerError error = parse_error("Insert stream initialization failed");
  EXPECT_EQ(error.code, 1002);
  EXPECT_EQ(error.text,
            "Code: 1002. DB::Exception: Insert stream initialization failed. (UNKNOWN_EXCEPTION)");
  EXPECT_EQ(parse_error("Code: x").code, 1002);
  EXPECT_EQ(parse_error("").code, 1002);
}

TEST(ServerError, EndsItsBodyWithTheVersionOnce) {
  const ServerError plain{60, "Code: 60. DB::Exception: x. (UNKNOWN_TABLE)"};
  const std::string body = "Code: 60. DB::Exception: x. (UNKNOWN_TABLE) (version 26.7.2.1)\n";
  EXPECT_EQ(error_body(plain, "26.7.2.1"), body);
  EXPECT_EQ(error_body({60, plain.text + " (version 26.7.2.1)"}, "26.7.2.1"), body);
}

TEST(HttpStatus, IsWhatClickHouseAnswers) {
  const std::pair<int, int> cases[] = {{60, 404},  {81, 404},  {47, 404},  {115, 404}, {62, 400},  {27, 400},
                                       {6, 400},   {36, 400},  {53, 400},  {516, 403}, {497, 403}, {194, 401},
                                       {48, 501},  {229, 413}, {159, 408}, {76, 503},  {779, 415}, {164, 500},
                                       {202, 500}, {241, 500}, {252, 500}, {395, 500}, {1002, 500}};
  for (const auto& [code, status] : cases)
    EXPECT_EQ(http_status(code), status) << code;
}

TEST(ContentType, FollowsTheFormat) {
  EXPECT_EQ(content_type("JSON"), "application/json; charset=UTF-8");
  EXPECT_EQ(content_type("JSONEachRow"), "application/x-ndjson; charset=UTF-8");
  EXPECT_EQ(content_type("JSONCompactEachRowWithNamesAndTypes"), "application/x-ndjson; charset=UTF-8");
  EXPECT_EQ(content_type("TabSeparatedWithNames"), "text/tab-separated-values; charset=UTF-8");
  EXPECT_EQ(content_type("CSV"), "text/csv; charset=UTF-8; header=absent");
  EXPECT_EQ(content_type("CSVWithNames"), "text/csv; charset=UTF-8; header=present");
  EXPECT_EQ(content_type("Native"), "application/octet-stream");
  EXPECT_EQ(content_type("Parquet"), "application/octet-stream");
}

}  // namespace
}  // namespace penstock::engine
