// The rules that the random tables are judged by: what they ask for, and that they see a planted fault.

#include "tests/types/type_rule.hpp"

#include <gtest/gtest.h>

#include "tests/types/number_forms.hpp"
#include "tests/types/target_values.hpp"

namespace penstock::types {
namespace {

using Kind = Expected::Kind;

TypeRule rule(Family family, const std::string& target) {
  return {family, Family::Other, target, false, false};
}

TEST(TypeRule, TakesWhatIsExactAndRefusesTheRest) {
  struct Case {
    Family family;
    std::string target, printed, text;  ///< no text: it cannot be held
  };
  for (const Case& c : {Case{Family::Integer, "Int8", "-128", "-128"},
                        {Family::Integer, "Int8", "128", ""},
                        {Family::Integer, "UInt64", "-1", ""},
                        {Family::Numeric, "Int32", "12.00", "12"},
                        {Family::Numeric, "Int32", "12.5", ""},
                        {Family::Numeric, "Decimal(4, 2)", "12.50", "125e-1"},
                        {Family::Numeric, "Decimal(4, 2)", "100.00", ""},
                        {Family::Numeric, "Decimal(4, 2)", "0.001", ""},
                        {Family::Numeric, "Decimal(4, 2)", "NaN", ""},
                        {Family::Integer, "Float32", "16777217", ""},
                        {Family::Float8, "Float32", "1e+300", ""},
                        {Family::Float8, "Float64", "-0", bits_of(-0.0)},
                        {Family::Bool, "UInt8", "t", "1"},
                        {Family::Bytea, "String", "\\x0061", std::string("\0a", 2)},
                        {Family::Text, "UUID", "no", ""}}) {
    const auto outcome = expected(rule(c.family, c.target), c.printed);
    EXPECT_EQ(outcome.kind, c.text.empty() ? Kind::Unrepresentable : Kind::Value)
        << c.target << ' ' << c.printed;
    EXPECT_EQ(outcome.text, c.text);
  }
}

TEST(TypeRule, MovesMomentsIntoTheirRangeButNotThoseOfAKey) {
  const auto text_of = [](const std::string& target, const std::string& printed) {
    return expected(rule(Family::Timestamp, target), printed);
  };
  EXPECT_EQ(text_of("Date32", "infinity").text, "120529");
  EXPECT_EQ(text_of("Date32", "0044-03-15 00:00:00 BC").text, "-25567");
  EXPECT_FALSE(text_of("Date32", "2299-12-31 23:59:59.999999").moved);
  EXPECT_TRUE(text_of("DateTime64(6, 'UTC')", "2300-01-01 00:00:00+00").moved);
  EXPECT_EQ(text_of("DateTime64(0, 'UTC')", "1969-12-31 23:59:59.5").text, "-1");
  EXPECT_EQ(text_of("DateTime('UTC')", "2106-02-07 06:28:16").text, "4294967295");
  auto key = rule(Family::Date, "Date32");
  key.key = true;
  EXPECT_EQ(expected(key, "1899-12-31").kind, Kind::Unrepresentable);
}

TEST(TypeRule, KnowsWhereNullMayStand) {
  auto one = rule(Family::Numeric, "Nullable(Decimal(4, 2))");
  EXPECT_EQ(expected(one, std::nullopt).kind, Kind::Null);
  EXPECT_EQ(expected(one, "NaN").kind, Kind::Unrepresentable);
  one.null_if_unrepresentable = true;
  EXPECT_EQ(expected(one, "NaN").kind, Kind::Null);
  EXPECT_TRUE(expected(one, "NaN").moved);
  TypeRule many{Family::Array, Family::Integer, "Array(Int8)", false, true};
  EXPECT_EQ(expected(many, "{1,NULL}").text, "") << "an array that cannot be held is [] where NULL may stand";
  many.target = "Array(Nullable(Int8))";
  EXPECT_EQ(expected(many, "[0:2]={1,NULL,300}").text, "V31,N,N");
  EXPECT_EQ(expected(many, "{{1},{2}}").text, "");
}

TEST(ValueFault, IsSaidOfEveryPlantedFault) {
  const auto one = rule(Family::Text, "Nullable(String)");
  const Held held{"\0\1a", "a"};
  EXPECT_EQ(value_fault(one, "a", held, held), "");
  EXPECT_NE(value_fault(one, "b", held, held), "");
  EXPECT_NE(value_fault(one, std::nullopt, held, held), "");
  EXPECT_NE(value_fault(one, "a", held, {"\1", std::nullopt}), "") << "the stream has NULL";
  EXPECT_NE(value_fault(one, "", {"\1", std::nullopt}, {"\1", std::nullopt}), "") << "NULL is not ''";
  const auto number = rule(Family::Numeric, "Decimal(4, 2)");
  EXPECT_NE(value_fault(number, "1.25", {"", "1.2"}, {"", "1.2"}), "");
  EXPECT_EQ(value_fault(number, "1.20", {"", "1.2"}, {"", "1.2"}), "");
}

}  // namespace
}  // namespace penstock::types
