#include "controller/engine/accounts.hpp"

#include <gmock/gmock.h>

#include <fstream>

#include "tests/support/temp_dir.hpp"

namespace penstock::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

std::string login_refusal(std::string_view target, const HeaderFields& headers,
                          const std::string& password = {}) {
  const auto credentials = parse_credentials(target, headers);
  if (!credentials) return credentials.error().text;
  const auto known = authenticate(*credentials, {{}, Secret(password)});
  return known ? "accepted" : known.error().text;
}

TEST(Profiles, AreTheirUsersSettingsInOneStatement) {
  const auto profiles =
      parse_profiles({"a:limit=1", "b:x={'t': '1=2'}", "a:dialect=it's", "nonsense", "c:none"});
  EXPECT_THAT(profiles, ElementsAre(Pair("a", R"(SET `limit` = '1', `dialect` = 'it\'s')"),
                                    Pair("b", R"(SET `x` = '{\'t\': \'1=2\'}')")));
  const Accounts accounts{profiles, {}};
  EXPECT_TRUE(authenticate({"a", {}}, accounts));
  EXPECT_TRUE(authenticate({}, accounts));
  EXPECT_FALSE(authenticate({"a", Secret("guessed")}, accounts));
  EXPECT_FALSE(authenticate({"c", {}}, accounts));
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

TEST(Login, NeedsThePasswordThatThereIsInWhicheverWayItIsGiven) {
  const std::string password = "p@ss:wort";
  EXPECT_EQ(login_refusal("/?password=p%40ss:wort", {}, password), "accepted");
  EXPECT_EQ(login_refusal("/?user=default&password=p%40ss:wort", {}, password), "accepted");
  EXPECT_EQ(login_refusal("/", {{"x-clickhouse-user", "default"}, {"x-clickhouse-key", password}}, password),
            "accepted");
  EXPECT_EQ(login_refusal("/", {{"authorization", "Basic ZGVmYXVsdDpwQHNzOndvcnQ="}}, password), "accepted");
  for (const std::string wrong : {"", "p", "p%40ss:wor", "p%40ss:wort1", "P%40SS:WORT", "p%40ss:wort%00"})
    EXPECT_THAT(login_refusal("/?password=" + wrong, {}, password), HasSubstr("Code: 516")) << wrong;
  EXPECT_THAT(login_refusal("/", {}, password), HasSubstr("Code: 516"));
  EXPECT_THAT(login_refusal("/?user=bob&password=p%40ss:wort", {}, password), HasSubstr("Code: 516"));
  EXPECT_THAT(login_refusal("/?user=bob&password=p%40ss:wort", {}, password),
              testing::Not(HasSubstr("wort")));
}

TEST(PasswordFile, HoldsOneLine) {
  const test::TempDir directory("penstock-password");
  const auto read = [&](const std::string& text) {
    std::ofstream(directory / "file", std::ios::binary) << text;
    return read_password_file(directory / "file");
  };
  EXPECT_EQ(read("secret\n"), Secret("secret"));
  EXPECT_EQ(read("secret"), Secret("secret"));
  EXPECT_EQ(read("secret\r\n"), Secret("secret"));
  EXPECT_EQ(read(" with blanks "), Secret(" with blanks "));
  for (const std::string& text : {std::string(), std::string("\n"), std::string("secret\nmore\n"),
                                  std::string("sec\0ret", 7), std::string(2000, 'x')}) {
    const auto password = read(text);
    ASSERT_FALSE(password) << text;
    EXPECT_EQ(password.error().reason, "PasswordFileUnusable");
    EXPECT_THAT(password.error().text(),
                testing::AllOf(HasSubstr(directory / "file"), testing::Not(HasSubstr("sec\0"))));
  }
  EXPECT_THAT(read_password_file(directory / "none").error().text(), HasSubstr("No such file"));
}

}  // namespace
}  // namespace penstock::engine
