#include "controller/engine/request_options.hpp"

#include <gmock/gmock.h>

namespace penstock::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

RequestOptions parsed(std::string_view target, const HeaderFields& headers = {}) {
  const auto options = parse_request(target, headers);
  EXPECT_TRUE(options.has_value()) << (options ? "" : options.error().text);
  return options ? *options : RequestOptions{};
}

std::string refusal(std::string_view target) {
  const auto options = parse_request(target, {});
  return options ? "accepted" : options.error().text;
}

TEST(QueryString, IsDecodedPairByPair) {
  EXPECT_THAT(parse_query_string("/?a=1+2&b=%C3%A9%26&c&d=&=x&&e=%zz%4"),
              ElementsAre(Pair("a", "1 2"), Pair("b", "\xC3\xA9&"), Pair("c", ""), Pair("d", ""),
                          Pair("", "x"), Pair("e", "%zz%4")));
  EXPECT_THAT(parse_query_string("/"), ElementsAre());
  EXPECT_EQ(path_of("/pi%6Eg?x=/y"), "/ping");
}

TEST(Request, TakesWhatItKnowsAndTheRestAsSettings) {
  const RequestOptions options = parsed(
      "/?query=SELECT%201&database=d&query_id=q&default_format=JSON&param_x=a%27b&max_threads=2&"
      "wait_end_of_query=1&enable_http_compression=1&cancel_http_readonly_queries_on_client_close=1&user=u&"
      "password=p");
  EXPECT_EQ(options.query, "SELECT 1");
  EXPECT_EQ(options.database, "d");
  EXPECT_EQ(options.query_id, "q");
  EXPECT_EQ(options.default_format, "JSON");
  EXPECT_THAT(options.query_parameters, ElementsAre(Pair("x", "a'b")));
  EXPECT_THAT(options.settings, ElementsAre(Pair("max_threads", "2")));
  EXPECT_TRUE(options.wait_end_of_query && options.compress_output && options.cancel_on_close);
}

TEST(Request, TakesDatabaseAndFormatFromHeadersUnlessTheUrlSaysOtherwise) {
  const HeaderFields headers{{"x-clickhouse-database", "h"}, {"x-clickhouse-format", "CSV"}};
  EXPECT_EQ(parsed("/?query=x", headers).database, "h");
  EXPECT_EQ(parsed("/?query=x", headers).default_format, "CSV");
  EXPECT_EQ(parsed("/?database=u", headers).database, "u");
}

TEST(Request, RefusesWhatItCannotDo) {
  EXPECT_THAT(refusal("/?session_id=s"), HasSubstr("sessions"));
  EXPECT_THAT(refusal("/?role=r"), HasSubstr("Roles"));
  EXPECT_THAT(refusal("/?compress=1"), HasSubstr("gzip"));
  EXPECT_THAT(refusal("/?decompress=1"), HasSubstr("gzip"));
  EXPECT_THAT(refusal("/?max%60threads=1"), HasSubstr("Code: 115"));
  EXPECT_EQ(refusal("/?compress=0&decompress=0&session_id=&session_timeout=60"), "accepted");
}

TEST(Request, RefusesControlCharactersInWhatTheAnswersHeadRepeats) {
  for (const std::string escape : {"%0d%0aSet-Cookie:%20a=b", "%0A", "%00", "%7f", "%1b[31m", "%09"}) {
    EXPECT_THAT(refusal("/?query_id=x" + escape), HasSubstr("Code: 36")) << escape;
    EXPECT_THAT(refusal("/?default_format=JSON" + escape), HasSubstr("Code: 36")) << escape;
  }
  EXPECT_EQ(refusal("/?query_id=%C3%A9%20x"), "accepted");
}

}  // namespace
}  // namespace penstock::engine
