#include "dataplane/columns/widening.hpp"

#include <gtest/gtest.h>

namespace penstock {
namespace {

std::string widened(const char* present, const char* wanted) {
  return widened_type(ColumnType::parse(present), ColumnType::parse(wanted)).value_or("");
}

TEST(Widening, TakesTheWiderType) {
  EXPECT_EQ(widened("Int32", "Int64"), "Int64");
  EXPECT_EQ(widened("Nullable(Int16)", "Int64"), "Nullable(Int64)");
  EXPECT_EQ(widened("Int16", "Nullable(Int32)"), "Nullable(Int32)");
  EXPECT_EQ(widened("Float32", "Float64"), "Float64");
  EXPECT_EQ(widened("Decimal(10, 2)", "Decimal(12, 4)"), "Decimal(12, 4)");
  EXPECT_EQ(widened("Array(Nullable(Int32))", "Array(Nullable(Int64))"), "Array(Nullable(Int64))");
}

TEST(Widening, TakesNull) {
  EXPECT_EQ(widened("String", "Nullable(String)"), "Nullable(String)");
  EXPECT_EQ(widened("LowCardinality(String)", "LowCardinality(Nullable(String))"),
            "LowCardinality(Nullable(String))");
  EXPECT_EQ(widened("DateTime64(6, 'UTC')", "Nullable(DateTime64(6, 'UTC'))"),
            "Nullable(DateTime64(6, 'UTC'))");
}

TEST(Widening, LeavesWhatHoldsTheValuesOrNeverWould) {
  EXPECT_EQ(widened("Int64", "Int64"), "");
  EXPECT_EQ(widened("Nullable(Int64)", "Int64"), "");
  EXPECT_EQ(widened("Int64", "Int32"), "") << "narrower values fit as they are";
  EXPECT_EQ(widened("Int32", "String"), "");
  EXPECT_EQ(widened("Decimal(10, 2)", "Decimal(12, 6)"), "") << "fewer digits before the point";
  EXPECT_EQ(widened("Int32", "Float64"), "");
  EXPECT_EQ(widened("Array(Int64)", "Array(Int32)"), "");
  EXPECT_EQ(widened("Array(Int32)", "Array(String)"), "");
}

}  // namespace
}  // namespace penstock
