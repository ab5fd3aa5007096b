#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dataplane/clickhouse/endpoint.hpp"
#include "dataplane/clickhouse/key_text.hpp"
#include "dataplane/clickhouse/tsv.hpp"

namespace penstock::clickhouse {
namespace {

using std::string_literals::operator""s;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST(Quote, KeepsHostileNamesWhole) {
  EXPECT_EQ(quote("orders"), "`orders`");
  EXPECT_EQ(quote("a`b"), "`a\\`b`");
  EXPECT_EQ(quote("a\\"), "`a\\\\`");
  EXPECT_EQ(quote("n.a \"ü\""), "`n.a \"ü\"`");
  EXPECT_EQ(quote("x\n\t\r\b\f\0y"s), "`x\\n\\t\\r\\b\\f\\0y`");
  EXPECT_EQ(quote("`; DROP TABLE t; --"), "`\\`; DROP TABLE t; --`");
}

TEST(Literal, KeepsHostileTextWhole) {
  EXPECT_EQ(literal("it's"), "'it\\'s'");
  EXPECT_EQ(literal("\\' OR 1 --"), "'\\\\\\' OR 1 --'");
  EXPECT_EQ(literal("a`b"), "'a`b'");
}

TEST(Tsv, UndoesEscapes) {
  const auto rows = parse_tsv("a\\tb\\n\\\\c\\'d\t\\N\n\\0\\b\\f\\r\t\n");
  ASSERT_TRUE(rows);
  EXPECT_THAT(*rows, ElementsAre(ElementsAre("a\tb\n\\c'd", "\\N"), ElementsAre("\0\b\f\r"s, "")));
}

TEST(Tsv, ReadsNoRowsAndEmptyRows) {
  EXPECT_THAT(*parse_tsv(""), IsEmpty());
  EXPECT_THAT(*parse_tsv("\n"), ElementsAre(ElementsAre("")));
}

TEST(Tsv, RefusesAnUnfinishedLine) {
  for (const char* torn : {"a", "a\tb", "a\n\t", "a\n\\"})
    EXPECT_FALSE(parse_tsv(torn)) << torn;
}

TEST(SplitKey, FindsNamesAndExpressions) {
  EXPECT_THAT(split_key(""), IsEmpty());
  EXPECT_THAT(split_key("id"), ElementsAre("id"));
  EXPECT_THAT(split_key("tenant_id, `b c`, toDate(at, 'a, b')"),
              ElementsAre("tenant_id", "b c", "toDate(at, 'a, b')"));
  EXPECT_THAT(split_key("`q\\`\"\\'\\\\`, `a``b`, `n.a`, `x, y`"),
              ElementsAre("q`\"'\\", "a`b", "n.a", "x, y"));
}

TEST(SplitKey, SeesThroughParenthesesAroundTheWholeKey) {
  EXPECT_THAT(split_key("(id)"), ElementsAre("id"));
  EXPECT_THAT(split_key("((a, `)`))"), ElementsAre("a", ")"));
  EXPECT_THAT(split_key("(a + 1) % 2, (b)"), ElementsAre("(a + 1) % 2", "(b)"));
}

TEST(SplitKey, SurvivesUnfinishedText) {
  for (const char* text : {"`", "`a", "'", "a(", "(", "(a", "())", ")", "`a\\", ",", "`a`b`"})
    (void)split_key(text);
}

TEST(ComparableType, IsTheSameForTypesThatStoreTheSame) {
  EXPECT_EQ(comparable_type("Decimal(10, 2)"), comparable_type(" Decimal( 10,2 )"));
  EXPECT_EQ(comparable_type("DateTime64(6, 'UTC')"), "DateTime64(6)");
  EXPECT_EQ(comparable_type("Array(Nullable(DateTime64(6, 'Europe/Berlin')))"),
            "Array(Nullable(DateTime64(6)))");
  EXPECT_EQ(comparable_type("DateTime('UTC')"), "DateTime");
  EXPECT_EQ(comparable_type("DateTime"), "DateTime");
  EXPECT_EQ(comparable_type("Enum8('a b' = 1, 'c)' = 2)"), "Enum8('a b'=1,'c)'=2)");
  EXPECT_EQ(comparable_type("Tuple(a DateTime, b Enum8('x' = 1))"), "Tuple(aDateTime,bEnum8('x'=1))");
}

TEST(TypeHolds, AllowsWhatLosesNothing) {
  EXPECT_TRUE(type_holds("Nullable(Int64)", "Int64"));
  EXPECT_TRUE(type_holds("LowCardinality(String)", "String"));
  EXPECT_TRUE(type_holds("LowCardinality(Nullable(String))", "String"));
  EXPECT_TRUE(type_holds("Nullable(String)", "LowCardinality(Nullable(String))"));
  EXPECT_FALSE(type_holds("Int64", "Nullable(Int64)"));
  EXPECT_FALSE(type_holds("Int32", "Int64"));
  EXPECT_FALSE(type_holds("Int64", "Int32"));
  EXPECT_FALSE(type_holds("Array(String)", "Array(Nullable(String))"));
  EXPECT_FALSE(type_holds("string", "String"));
}

TEST(Address, ReadsWhatAUrlSays) {
  EXPECT_EQ(*parse_address("https://ch.internal:8443"), (Address{true, "ch.internal", "8443", "/"}));
  EXPECT_EQ(*parse_address("HTTP://ch"), (Address{false, "ch", "", "/"}));
  EXPECT_EQ(*parse_address("http://[::1]:8123/ch/"), (Address{false, "::1", "8123", "/ch/"}));
  EXPECT_EQ(parse_address("http://[::1]:8123")->origin(), "http://[::1]:8123");
}

TEST(Address, RefusesWhatIsNoUrlOfAServer) {
  for (const char* url : {"", "ch:8123", "ftp://ch", "http://", "http://:8123", "http://ch:0",
                          "http://ch:65536", "http://ch:x", "http://ch:", "http://[::1", "http://[::1]x",
                          "http://a b", "http://ch\n", "http://ch/?database=x", "http://ch#x"}) {
    const auto address = parse_address(url);
    ASSERT_FALSE(address) << url;
    EXPECT_EQ(address.error().reason, "DestinationUrlInvalid");
    EXPECT_EQ(address.error().kind, ErrorKind::NeedsUser);
  }
}

TEST(Address, NeverRepeatsAPasswordOfTheUrl) {
  for (const char* url : {"http://joe:hunter2@ch:8123", "joe:hunter2@ch", "http://ch/?password=hunter2",
                          "http://joe:hun/hunter2@ch"}) {
    const auto address = parse_address(url);
    ASSERT_FALSE(address);
    EXPECT_THAT(address.error().text(), Not(HasSubstr("hunter2")));
    EXPECT_THAT((Endpoint{url, "d", "u", {}, ""}.text()), Not(HasSubstr("hunter2")));
  }
}

TEST(Address, KnowsLoopback) {
  for (const char* url : {"http://localhost:1", "http://127.0.0.1", "http://127.1.2.3", "http://[::1]"})
    EXPECT_TRUE(parse_address(url)->loopback()) << url;
  EXPECT_FALSE(parse_address("http://ch")->loopback());
}

TEST(EndpointText, SaysWhereAndAsWhom) {
  EXPECT_EQ((Endpoint{"http://ch:8123/x", "shop", "loader", Secret("pw"), ""}.text()),
            "http://ch:8123 as loader");
}

TEST(Credentials, MustSurviveAHeader) {
  const auto check = [](const char* user, const char* password) {
    return check_credentials({"http://ch", "d", user, Secret(password), ""}).has_value();
  };
  EXPECT_TRUE(check("default", ""));
  EXPECT_TRUE(check("jürgen", "a b:c%"));
  EXPECT_FALSE(check("a\r\nX-Evil: 1", ""));
  EXPECT_FALSE(check("a", "pw\n"));
  EXPECT_FALSE(check("a", " pw"));
}

}  // namespace
}  // namespace penstock::clickhouse
