#include "tests/support/text_rules.hpp"

#include <gtest/gtest.h>

#include "tests/support/sql_text.hpp"

namespace penstock::test {
namespace {

struct Rule {
  std::string target_type, printed, selected;
  bool bytea = false;
  bool key = false;
};

TEST(TextRules, BringWhatIsEqualToOneForm) {
  for (const auto& [type, printed, selected, bytea, key] :
       std::vector<Rule>{{"Bool", "t", "true"},
                         {"Nullable(Bool)", "f", "false"},
                         {"Int32", "-5", "-5"},
                         {"Decimal(76, 38)", "1.500", "1.5"},
                         {"Decimal(10, 2)", "-0.00", "0"},
                         {"String", "1.500", "1.500"},
                         {"Float64", "1e+20", "100000000000000000000"},
                         {"Float32", "0.1", "0.1"},
                         {"Float64", "-Infinity", "-inf"},
                         {"Float64", "NaN", "nan"},
                         {"DateTime64(6, 'UTC')", "2020-01-01 10:00:00.5+00", "2020-01-01 10:00:00.500000"},
                         {"DateTime64(6, 'UTC')", "infinity", "2299-12-31 23:59:59.999999"},
                         {"DateTime64(6, 'UTC')", "20000-01-01 00:00:00", "2299-12-31 23:59:59.999999"},
                         {"Date32", "0044-03-15 BC", "1900-01-01"},
                         {"Time64(6)", "24:00:00", "24:00:00.000000"},
                         {"String", "\\x00ff", std::string("\0\xff", 2), true},
                         {"String", "\\x00ff", "\\x00ff"},
                         {"Array(Nullable(Int32))", "[5:6]={7,NULL}", "V37,N"},
                         {"Array(Nullable(String))", "{NULL,\"NULL\",\"a,\\\"b\"}", "N,V4E554C4C,V612C2262"},
                         {"Array(Nullable(Float64))", "{0.1}", "V302E31"},
                         {"Array(Nullable(Bool))", "{t}", "V74727565"}}) {
    const TextRule rule{type, bytea, key};
    EXPECT_EQ(rule.expected(printed), rule.found(selected)) << type << " of " << printed;
  }
}

TEST(TextRules, KeepApartWhatDiffers) {
  for (const auto& [type, printed, selected, bytea, key] :
       std::vector<Rule>{{"Decimal(10, 2)", "1.05", "1.5"},
                         {"Decimal(10, 2)", "100", "1"},
                         {"Float64", "-0", "0"},
                         {"Float64", "0.1", "0.10000000000000002"},
                         {"DateTime64(6, 'UTC')", "infinity", "2299-12-31 23:59:59.999999", false, true},
                         {"Date32", "infinity", "2299-12-31", false, true},
                         {"String", "{\"a\":  1}", "{\"a\": 1}"},
                         {"String", "a ", "a"},
                         {"Array(Nullable(Int32))", "{{1,2},{3,4}}", "V31,V32"},
                         {"Array(Nullable(String))", "{NULL}", "V4E554C4C"}}) {
    const TextRule rule{type, bytea, key};
    EXPECT_NE(rule.expected(printed), rule.found(selected)) << type << " of " << printed;
  }
}

TEST(TextRules, TellNullFromAnEmptyTextButNotFromAnEmptyArray) {
  EXPECT_NE((TextRule{"Nullable(String)"}.expected(std::nullopt)), (TextRule{"Nullable(String)"}.found("")));
  EXPECT_EQ((TextRule{"Array(Nullable(Int32))"}.expected(std::nullopt)),
            (TextRule{"Array(Nullable(Int32))"}.found("")));
}

TEST(SqlText, IsCutAtSemicolonsOutsideOfQuotes) {
  EXPECT_EQ(statements_of("A; B 'x;''y'; C \";\"; DO $$ D; E $$;  "),
            (std::vector<std::string>{"A", "B 'x;''y'", "C \";\"", "DO $$ D; E $$"}));
}

}  // namespace
}  // namespace penstock::test
