#include "dataplane/columns/column_type.hpp"

#include <gtest/gtest.h>

#include "tests/unit/columns/decoding.hpp"

namespace penstock {
namespace {

using Kind = ColumnType::Kind;
using namespace test;

struct Parsed {
  std::string text;
  Kind kind;
  bool nullable = false;
  bool low_cardinality = false;
  int precision = 0;
  int scale = 0;
  std::string wire = {};  ///< the text itself when empty
};

TEST(ColumnType, IsReadAsClickHousePrintsIt) {
  const std::vector<Parsed> cases{
      {"Bool", Kind::Bool},
      {"Int8", Kind::Int8},
      {"UInt64", Kind::UInt64},
      {"Float32", Kind::Float32},
      {"String", Kind::String},
      {"UUID", Kind::Uuid},
      {"Date", Kind::Date},
      {"Date32", Kind::Date32},
      {.text = "Nullable(Int32)", .kind = Kind::Int32, .nullable = true},
      {.text = "LowCardinality(String)", .kind = Kind::String, .low_cardinality = true, .wire = "String"},
      {.text = "LowCardinality(Nullable(String))",
       .kind = Kind::String,
       .nullable = true,
       .low_cardinality = true,
       .wire = "Nullable(String)"},
      {.text = "Decimal(12, 2)", .kind = Kind::Decimal, .precision = 12, .scale = 2},
      {.text = "Nullable(Decimal(76, 38))",
       .kind = Kind::Decimal,
       .nullable = true,
       .precision = 76,
       .scale = 38},
      {.text = "Decimal32(4)", .kind = Kind::Decimal, .precision = 9, .scale = 4, .wire = "Decimal(9, 4)"},
      {.text = "Decimal64(4)", .kind = Kind::Decimal, .precision = 18, .scale = 4, .wire = "Decimal(18, 4)"},
      {.text = "Decimal128(4)", .kind = Kind::Decimal, .precision = 38, .scale = 4, .wire = "Decimal(38, 4)"},
      {.text = "Decimal256(4)", .kind = Kind::Decimal, .precision = 76, .scale = 4, .wire = "Decimal(76, 4)"},
      {.text = "Decimal(5)", .kind = Kind::Decimal, .precision = 5, .wire = "Decimal(5, 0)"},
      {.text = "Decimal", .kind = Kind::Decimal, .precision = 10, .wire = "Decimal(10, 0)"},
      {.text = "DateTime", .kind = Kind::DateTime, .wire = "DateTime('UTC')"},
      {.text = "DateTime('Europe/Berlin')", .kind = Kind::DateTime, .wire = "DateTime('UTC')"},
      {.text = "DateTime64(6, 'UTC')", .kind = Kind::DateTime64, .precision = 6},
      {.text = "DateTime64(3)", .kind = Kind::DateTime64, .precision = 3, .wire = "DateTime64(3, 'UTC')"},
      {.text = "DateTime64", .kind = Kind::DateTime64, .precision = 3, .wire = "DateTime64(3, 'UTC')"},
      {.text = "Time64(6)", .kind = Kind::Time64, .precision = 6},
      {.text = " Nullable( DateTime64(6,'UTC') ) ",
       .kind = Kind::DateTime64,
       .nullable = true,
       .precision = 6,
       .wire = "Nullable(DateTime64(6, 'UTC'))"},
  };
  for (const Parsed& expected : cases) {
    SCOPED_TRACE(expected.text);
    const ColumnType type = ColumnType::parse(expected.text);
    EXPECT_EQ(type.kind, expected.kind);
    EXPECT_EQ(type.nullable, expected.nullable);
    EXPECT_EQ(type.low_cardinality, expected.low_cardinality);
    EXPECT_EQ(type.precision, expected.precision);
    EXPECT_EQ(type.scale, expected.scale);
    EXPECT_EQ(type.wire_text(), expected.wire.empty() ? expected.text : expected.wire);
  }
}

TEST(ColumnType, LeavesWhatItDoesNotKnowToTheServer) {
  for (const std::string text : {"Enum8('a' = 1, 'it\\'s, (not' = 2)",
                                 "FixedString(16)",
                                 "SimpleAggregateFunction(max, UInt64)",
                                 "JSON",
                                 "JSON(a.b UInt32)",
                                 "Int128",
                                 "IPv4",
                                 "Map(String, Int32)",
                                 "Tuple(a Int32, b String)",
                                 "Time",
                                 "LowCardinality(FixedString(2))",
                                 "Decimal(77, 2)",
                                 "Decimal(5, 6)",
                                 "Decimal(x)",
                                 "Decimal32(1, 2)",
                                 "DateTime64(10)",
                                 "DateTime64(6, UTC)",
                                 "DateTime()",
                                 "Nullable(Array(Int32))",
                                 "Array(Int32",
                                 "Array)Int32(",
                                 "int",
                                 "",
                                 "(",
                                 ")",
                                 "()",
                                 "'"}) {
    SCOPED_TRACE(text);
    const ColumnType type = ColumnType::parse(text);
    EXPECT_EQ(type.kind, Kind::Other);
    EXPECT_EQ(type.text, text);
    EXPECT_EQ(type.wire_text(), "String");
  }
  EXPECT_EQ(ColumnType::parse("Nullable(Enum8('a' = 1))").wire_text(), "Nullable(String)");
}

TEST(ColumnType, ReadsTheElementsOfArrays) {
  const ColumnType type = ColumnType::parse("Array(LowCardinality(Nullable(String)))");
  ASSERT_EQ(type.kind, Kind::Array);
  EXPECT_FALSE(type.nullable);
  EXPECT_TRUE(type.element->nullable);
  EXPECT_TRUE(type.element->low_cardinality);
  EXPECT_EQ(type.wire_text(), "Array(Nullable(String))");
  EXPECT_EQ(ColumnType::parse("Array(Array(Decimal(9,2)))").wire_text(), "Array(Array(Decimal(9, 2)))");
  EXPECT_EQ(ColumnType::parse("Array(Enum8('a' = 1))").wire_text(), "Array(String)");
}

TEST(ColumnType, DoesNotFollowADeepNestDown) {
  std::string deep;
  for (int i = 0; i < 100'000; ++i)
    deep += "Array(";
  EXPECT_EQ(ColumnType::parse(deep + "Int8" + std::string(100'000, ')')).kind, Kind::Other);
}

struct Default {
  PgType type;
  std::string text;
  std::string nullable;
};

TEST(DefaultColumnType, FollowsTheTable) {
  const std::vector<Default> cases{
      {kBool, "Bool", "Nullable(Bool)"},
      {kInt2, "Int16", "Nullable(Int16)"},
      {kInt4, "Int32", "Nullable(Int32)"},
      {kInt8, "Int64", "Nullable(Int64)"},
      {kFloat4, "Float32", "Nullable(Float32)"},
      {kFloat8, "Float64", "Nullable(Float64)"},
      {kNumeric, "Decimal(76, 38)", "Nullable(Decimal(76, 38))"},
      {numeric_type(12, 2), "Decimal(12, 2)", "Nullable(Decimal(12, 2))"},
      {numeric_type(76, 76), "Decimal(76, 76)", "Nullable(Decimal(76, 76))"},
      {numeric_type(77, 2), "String", "Nullable(String)"},
      {numeric_type(1000, 0), "String", "Nullable(String)"},
      {numeric_type(3, -2), "Decimal(5, 0)", "Nullable(Decimal(5, 0))"},
      {numeric_type(70, -6), "Decimal(76, 0)", "Nullable(Decimal(76, 0))"},
      {numeric_type(70, -7), "String", "Nullable(String)"},
      {numeric_type(3, 5), "Decimal(5, 5)", "Nullable(Decimal(5, 5))"},
      {numeric_type(3, 77), "String", "Nullable(String)"},
      {numeric_type(1000, -1000), "String", "Nullable(String)"},
      {kText, "String", "Nullable(String)"},
      {kVarchar, "String", "Nullable(String)"},
      {kBpchar, "String", "Nullable(String)"},
      {kXml, "String", "Nullable(String)"},
      {kCitext, "String", "Nullable(String)"},
      {kName, "String", "Nullable(String)"},
      {kJson, "String", "Nullable(String)"},
      {kJsonb, "String", "Nullable(String)"},
      {kBytea, "String", "Nullable(String)"},
      {kUuid, "UUID", "Nullable(UUID)"},
      {kDate, "Date32", "Nullable(Date32)"},
      {kTimestamp, "DateTime64(6, 'UTC')", "Nullable(DateTime64(6, 'UTC'))"},
      {kTimestamptz, "DateTime64(6, 'UTC')", "Nullable(DateTime64(6, 'UTC'))"},
      {kTime, "Time64(6)", "Nullable(Time64(6))"},
      {kTimetz, "String", "Nullable(String)"},
      {kInterval, "String", "Nullable(String)"},
      {kInet, "String", "Nullable(String)"},
      {kMoney, "String", "Nullable(String)"},
      {kOid, "String", "Nullable(String)"},
      {base_type(0, -1, "public.geometry"), "String", "Nullable(String)"},
      {enum_type(), "LowCardinality(String)", "LowCardinality(Nullable(String))"},
      {kVector, "Array(Float32)", "Array(Float32)"},
      {base_type(17'000, -1, "halfvec"), "Array(Float32)", "Array(Float32)"},
      {array_type(kInt4), "Array(Nullable(Int32))", "Array(Nullable(Int32))"},
      {array_type(numeric_type(5, 1)), "Array(Nullable(Decimal(5, 1)))", "Array(Nullable(Decimal(5, 1)))"},
      {array_type(enum_type()), "Array(LowCardinality(Nullable(String)))",
       "Array(LowCardinality(Nullable(String)))"},
      {array_type(kTime), "Array(Nullable(Time64(6)))", "Array(Nullable(Time64(6)))"},
      {array_type(kInet), "String", "Nullable(String)"},
      {array_type(kVector), "String", "Nullable(String)"},
  };
  for (const Default& expected : cases) {
    SCOPED_TRACE(expected.text + " from " + std::to_string(expected.type.oid) + " " + expected.type.name);
    EXPECT_EQ(default_column_type(expected.type, false, {}), expected.text);
    EXPECT_EQ(default_column_type(expected.type, true, {}), expected.nullable);
  }
}

TEST(DefaultColumnType, KeepsTimesAsTextWhereTheServerHasNoTime64) {
  EXPECT_EQ(default_column_type(kTime, false, {.time64 = false}), "String");
  EXPECT_EQ(default_column_type(array_type(kTime), false, {.time64 = false}), "Array(Nullable(String))");
}

TEST(DefaultColumnType, TakesAnArraysTypmodForItsElements) {
  PgType type = array_type(kNumeric);
  type.typmod = numeric_type(7, 3).typmod;
  EXPECT_EQ(default_column_type(type, false, {}), "Array(Nullable(Decimal(7, 3)))");
}

TEST(DefaultColumnType, OfWhatPrintsWithoutBracesIsString) {
  PgType oidvector = array_type(kOid, 30);
  EXPECT_EQ(default_column_type(oidvector, false, {}), "String");
  PgType composite = base_type(20'000, -1, "public.vector");
  composite.kind = PgType::Kind::Other;
  EXPECT_EQ(default_column_type(composite, false, {}), "String");
}

}  // namespace
}  // namespace penstock
