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

std::string login_refusal(std::string_view target, const HeaderFields& headers) {
  const auto credentials = parse_credentials(target, headers);
  if (!credentials) return credentials.error().text;
  const auto known = authenticate(*credentials);
  return known ? "accepted" : known.error().text;
}

TEST(Profiles, AreTheirUsersSettingsInOneStatement) {
  const auto profiles =
      parse_profiles({"a:limit=1", "b:x={'t': '1=2'}", "a:dialect=it's", "nonsense", "c:none"});
  EXPECT_THAT(profiles, ElementsAre(Pair("a", R"(SET `limit` = '1', `dialect` = 'it\'s')"),
                                    Pair("b", R"(SET `x` = '{\'t\': \'1=2\'}')")));
  EXPECT_TRUE(authenticate({"a", ""}, profiles));
  EXPECT_TRUE(authenticate({}, profiles));
  EXPECT_FALSE(authenticate({"a", "guessed"}, profiles));
  EXPECT_FALSE(authenticate({"c", ""}, profiles));
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

TEST(Request, KnowsWhetherTheClientAskedForReadonly) {
  EXPECT_FALSE(parsed("/?readonly=0").readonly_given);
  EXPECT_TRUE(parsed("/?readonly=1").readonly_given);
  EXPECT_FALSE(parsed("/").readonly_given);
}

TEST(Login, AcceptsOnlyTheDefaultUserWithoutPassword) {
  EXPECT_EQ(login_refusal("/", {}), "accepted");
  EXPECT_EQ(login_refusal("/?user=default&password=", {}), "accepted");
  EXPECT_EQ(login_refusal("/", {{"x-clickhouse-user", "default"}, {"x-clickhouse-key", ""}}), "accepted");
  EXPECT_EQ(login_refusal("/", {{"authorization", "Basic ZGVmYXVsdDo="}}), "accepted");
  EXPECT_THAT(login_refusal("/?user=bob", {}), HasSubstr("Code: 516"));
  EXPECT_THAT(login_refusal("/?password=x", {}), HasSubstr("Code: 516"));
  EXPECT_THAT(login_refusal("/", {{"x-clickhouse-key", "secret"}}), HasSubstr("Code: 516"));
  EXPECT_THAT(login_refusal("/", {{"authorization", "Basic Ym9iOng="}}),
              HasSubstr("bob: Authentication failed"));
  EXPECT_THAT(login_refusal("/", {{"authorization", "Bearer x"}}), HasSubstr("only Basic"));
  EXPECT_THAT(login_refusal("/", {{"authorization", "Basic ???"}}), HasSubstr("cannot be decoded"));
}

TEST(Login, RefusesTwoKindsOfCredentialsAtOnce) {
  EXPECT_THAT(login_refusal("/", {{"authorization", "Basic ZGVmYXVsdDo="}, {"x-clickhouse-user", "default"}}),
              HasSubstr("simultaneously"));
}

TEST(Login, NeverRepeatsThePassword) {
  EXPECT_THAT(login_refusal("/?user=bob&password=hunter2", {}), testing::Not(HasSubstr("hunter2")));
}

TEST(Host, MustNameTheLoopback) {
  for (const std::string_view host :
       {"", "localhost", "localhost:8123", "127.0.0.1", "127.8.9.1:1", "[::1]:8123"}) {
    EXPECT_TRUE(is_loopback_host(host)) << host;
  }
  for (const std::string_view host :
       {"evil.example", "127.0.0.1.evil.example:8123", "localhost.evil.example", "10.0.0.1"}) {
    EXPECT_FALSE(is_loopback_host(host)) << host;
  }
}

}  // namespace
}  // namespace penstock::engine
