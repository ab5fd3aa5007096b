#include "dataplane/columns/key_type.hpp"

#include <gtest/gtest.h>

namespace penstock {
namespace {

bool apart(std::uint32_t oid, const char* target, int typmod = -1) {
  PgType type;
  type.oid = oid;
  type.typmod = typmod;
  return keeps_apart(type, ColumnType::parse(target));
}

constexpr std::uint32_t kInt8 = 20, kInt4 = 23, kText = 25, kTimestampTz = 1184, kNumeric = 1700,
                        kUuid = 2950, kDate = 1082, kFloat8 = 701, kBytea = 17;

TEST(KeyType, KeepsApartWhatTheTargetHoldsOrRefuses) {
  EXPECT_TRUE(apart(kInt8, "Int64"));
  EXPECT_TRUE(apart(kInt8, "UInt16")) << "what does not fit is refused";
  EXPECT_TRUE(apart(kTimestampTz, "DateTime64(6, 'UTC')"));
  EXPECT_TRUE(apart(kTimestampTz, "DateTime64(3)", 3));
  EXPECT_TRUE(apart(kTimestampTz, "DateTime", 0));
  EXPECT_TRUE(apart(kNumeric, "Decimal(38, 9)"));
  EXPECT_TRUE(apart(kUuid, "String"));
  EXPECT_TRUE(apart(kDate, "Date"));
  EXPECT_TRUE(apart(kText, "FixedString(16)"));
}

TEST(KeyType, RefusesTypesThatFoldValues) {
  EXPECT_FALSE(apart(kTimestampTz, "DateTime"));
  EXPECT_FALSE(apart(kTimestampTz, "DateTime64(3)"));
  EXPECT_FALSE(apart(kTimestampTz, "Date"));
  EXPECT_FALSE(apart(kInt8, "Float32"));
  EXPECT_FALSE(apart(kInt8, "Float64"));
  EXPECT_FALSE(apart(kInt4, "Float32"));
  EXPECT_FALSE(apart(kFloat8, "Float32"));
  EXPECT_FALSE(apart(kFloat8, "Decimal(38, 9)"));
  EXPECT_FALSE(apart(kText, "UUID")) << "in any case of its letters";
  EXPECT_FALSE(apart(kText, "Int64")) << "1 and 01";
  EXPECT_FALSE(apart(kBytea, "FixedString(16)")) << "zero bytes are added at the end";
}

}  // namespace
}  // namespace penstock
