#include "dataplane/pipeline/key_value.hpp"

#include <gtest/gtest.h>

namespace penstock::pipeline {
namespace {

using postgres::pgoutput::Field;

constexpr std::uint32_t kInt4 = 23, kText = 25, kFloat8 = 701, kNumeric = 1700;

PgType type_of(std::uint32_t oid) {
  PgType out;
  out.oid = oid;
  return out;
}

PgType array_of(std::uint32_t oid) {
  PgType out;
  out.kind = PgType::Kind::Array;
  out.element = std::make_shared<const PgType>(type_of(oid));
  return out;
}

bool same(const PgType& source, const char* target, const Field& before, const Field& after) {
  const auto type = ColumnType::parse(target);
  return same_key_value({"id", source, true, true, true, false, FieldDecoder(source, type, false), false},
                        type, before, after);
}

bool same_texts(const PgType& source, const char* target, const char* before, const char* after) {
  return same(source, target, {Field::Kind::Text, before}, {Field::Kind::Text, after});
}

TEST(SameKeyValue, IsThatOfTheTarget) {
  EXPECT_TRUE(same_texts(type_of(kNumeric), "Decimal(76, 38)", "1", "1.00"));
  EXPECT_TRUE(same_texts(type_of(kNumeric), "Int64", "1", "1.00"));
  EXPECT_TRUE(same_texts(type_of(kNumeric), "Float64", "-0", "0.0"));
  EXPECT_TRUE(same_texts(type_of(kFloat8), "Float64", "-0", "0"));
  EXPECT_TRUE(same_texts(type_of(kFloat8), "Float32", "-0", "0"));
  EXPECT_TRUE(same_texts(type_of(kFloat8), "Nullable(Float64)", "-0", "0"));
  EXPECT_TRUE(same_texts(array_of(kFloat8), "Array(Float64)", "{1,-0}", "{1,0}"));
  EXPECT_TRUE(same_texts(type_of(kInt4), "Int32", "7", "7"));
}

TEST(SameKeyValue, IsNoOtherOne) {
  EXPECT_FALSE(same_texts(type_of(kNumeric), "Decimal(76, 38)", "1", "1.01"));
  EXPECT_FALSE(same_texts(type_of(kNumeric), "String", "1", "1.00"))
      << "two keys, as ClickHouse compares them";
  EXPECT_FALSE(same_texts(type_of(kText), "String", "a", "A"));
  EXPECT_FALSE(same_texts(type_of(kFloat8), "Float64", "NaN", "0"));
  EXPECT_FALSE(same_texts(array_of(kFloat8), "Array(Float64)", "{}", "{0}"));
  EXPECT_FALSE(same_texts(array_of(kFloat8), "Array(Float64)", "{0,0}", "{0}"));
}

TEST(SameKeyValue, OfNullIsNullAlone) {
  const Field null{Field::Kind::Null, {}};
  const Field zero{Field::Kind::Text, "0"};
  EXPECT_TRUE(same(type_of(kInt4), "Nullable(Int32)", null, null));
  EXPECT_FALSE(same(type_of(kInt4), "Nullable(Int32)", null, zero));
  EXPECT_FALSE(same(type_of(kFloat8), "Nullable(Float64)", null, zero));
}

TEST(SameKeyValue, IsNoneThatTheTargetCannotHold) {
  EXPECT_FALSE(same_texts(type_of(kNumeric), "Int8", "1000", "1000.0"));
  EXPECT_TRUE(same_texts(type_of(kNumeric), "Int8", "1000", "1000")) << "nothing has changed";
}

}  // namespace
}  // namespace penstock::pipeline
