#include "dataplane/columns/column.hpp"

#include <gtest/gtest.h>

#include "tests/unit/columns/decoding.hpp"

namespace penstock {
namespace {

using namespace std::string_literals;
using test::body_of;
using test::little_endian;

Column column_of(const std::string& type) {
  return Column(ColumnType::parse(type));
}

TEST(Column, KeepsFixedValuesSideBySide) {
  Column column = column_of("Int32");
  column.append_fixed<std::int32_t>(1);
  column.append_fixed<std::int32_t>(-2);
  EXPECT_EQ(column.rows(), 2u);
  EXPECT_EQ(body_of(column), "\x01\0\0\0\xfe\xff\xff\xff"s);
}

TEST(Column, SendsTheNullMapBeforeTheValues) {
  Column column = column_of("Nullable(Int16)");
  column.append_fixed<std::int16_t>(7);
  column.append_null();
  EXPECT_EQ(body_of(column), "\0\x01\x07\0\0\0"s);
  EXPECT_EQ(column.bytes(), 6u);
}

TEST(Column, PrefixesStringsWithTheirLength) {
  Column column = column_of("String");
  column.append_string("ab");
  column.append_string({});
  column.append_string(std::string(300, 'x'));
  EXPECT_EQ(body_of(column), "\x02"s + "ab" + "\0"s + "\xac\x02"s + std::string(300, 'x'));
}

TEST(Column, SendsAnArraysEndsBeforeItsElements) {
  Column column = column_of("Array(Nullable(String))");
  column.element().append_string("a");
  column.element().append_null();
  column.close_array();
  column.append_null();
  EXPECT_EQ(column.rows(), 2u);
  EXPECT_EQ(body_of(column), little_endian(2, 8) + little_endian(2, 8) + "\0\x01"s + "\x01" + "a" + "\0"s);
  EXPECT_EQ(column.bytes(), body_of(column).size());
}

TEST(Column, SendsNothingForNoRows) {
  for (const char* type : {"Int8", "Nullable(String)", "Array(String)"})
    EXPECT_EQ(body_of(column_of(type)), "") << type;
}

TEST(Column, HasAValueForNullInEveryTypeThatHasNone) {
  EXPECT_EQ(body_of([] {
              Column c = column_of("UUID");
              c.append_null();
              return c;
            }()),
            std::string(16, '\0'));
  const std::vector<std::pair<std::string, std::string>> cases{{"Bool", "\0"s},
                                                               {"Decimal(9, 2)", std::string(4, '\0')},
                                                               {"Decimal(10, 2)", std::string(8, '\0')},
                                                               {"Decimal(19, 2)", std::string(16, '\0')},
                                                               {"Decimal(76, 38)", std::string(32, '\0')},
                                                               {"Date", "\0\0"s},
                                                               {"Date32", std::string(4, '\0')},
                                                               {"DateTime64(6, 'UTC')", std::string(8, '\0')},
                                                               {"String", "\0"s},
                                                               {"Array(Int8)", std::string(8, '\0')}};
  for (const auto& [type, body] : cases) {
    Column column = column_of(type);
    column.append_null();
    EXPECT_EQ(body_of(column), body) << type;
    EXPECT_EQ(column.rows(), 1u) << type;
  }
}

TEST(Column, WritesATextThatTheServerCanCastWhereAStringStandsForAnotherType) {
  const std::vector<std::pair<std::string, std::string>> cases{{"JSON", "{}"},
                                                               {"JSON(max_dynamic_paths=8)", "{}"},
                                                               {"Enum8('it\\'s' = -1, 'b' = 2)", "it's"},
                                                               {"IPv4", "0.0.0.0"},
                                                               {"UInt256", "0"},
                                                               {"FixedString(3)", ""},
                                                               {"Enum8()", ""},
                                                               {"Enum8('a", "a"}};
  for (const auto& [type, text] : cases) {
    Column column = column_of(type);
    column.append_null();
    EXPECT_EQ(body_of(column), static_cast<char>(text.size()) + text) << type;
  }
}

TEST(Column, TakesRowsOfEveryKindBack) {
  for (const std::string type : {"Int64", "Nullable(Decimal(76, 38))", "Nullable(UUID)"}) {
    Column column = column_of(type);
    for (int i = 0; i < 3; ++i)
      column.append_null();
    Column shorter = column_of(type);
    shorter.append_null();
    column.truncate(1);
    EXPECT_EQ(column.rows(), 1u) << type;
    EXPECT_EQ(body_of(column), body_of(shorter)) << type;
  }
}

TEST(Column, TakesStringsBackByTheirEnds) {
  Column column = column_of("Nullable(String)");
  column.append_string("first");
  column.append_null();
  column.append_string(std::string(200, 'x'));
  column.truncate(2);
  EXPECT_EQ(body_of(column), "\0\x01"s + "\x05" + "first" + "\0"s);
  column.append_string("z");
  column.truncate(0);
  EXPECT_EQ(column.bytes(), 0u);
}

TEST(Column, TakesElementsOfAnUnclosedArrayBack) {
  Column column = column_of("Array(String)");
  column.element().append_string("kept");
  column.close_array();
  column.element().append_string("half");
  column.truncate(column.rows());
  EXPECT_EQ(column.element().rows(), 1u);
  column.element().append_string("next");
  column.close_array();
  column.truncate(1);
  EXPECT_EQ(body_of(column), little_endian(1, 8) + "\x04" + "kept");
}

TEST(Column, IgnoresATruncateToMoreRowsThanThereAre) {
  Column column = column_of("Int8");
  column.append_fixed<std::int8_t>(1);
  column.truncate(5);
  EXPECT_EQ(column.rows(), 1u);
}

TEST(Column, IsEmptyButUsableAfterClear) {
  Column column = column_of("Array(Nullable(Int8))");
  column.element().append_fixed<std::int8_t>(1);
  column.close_array();
  column.clear();
  EXPECT_EQ(column.bytes(), 0u);
  column.element().append_fixed<std::int8_t>(2);
  column.close_array();
  EXPECT_EQ(body_of(column), little_endian(1, 8) + "\0\x02"s);
}

TEST(Column, KeepsItsMemoryOverClear) {
  Column column = column_of("String");
  const auto fill = [&] {
    for (int i = 0; i < 1'000; ++i)
      column.append_string("some text");
    std::vector<std::string_view> pieces;
    column.pieces(pieces);
    return pieces.front().data();
  };
  const char* const before = fill();
  column.clear();
  EXPECT_EQ(fill(), before);
}

TEST(Column, MovesWithItsContent) {
  Column column = column_of("Array(String)");
  column.element().append_string("a");
  column.close_array();
  Column moved = std::move(column);
  EXPECT_EQ(body_of(moved), little_endian(1, 8) + "\x01" + "a");
  column = column_of("Int8");
  column.append_fixed<std::int8_t>(1);
  EXPECT_EQ(body_of(column), "\x01");
}

TEST(Column, GrowsToManyRows) {
  Column column = column_of("Nullable(String)");
  std::string expected;
  for (int i = 0; i < 10'000; ++i) {
    column.append_string(std::to_string(i));
    expected += static_cast<char>(std::to_string(i).size()) + std::to_string(i);
  }
  EXPECT_EQ(body_of(column), std::string(10'000, '\0') + expected);
}

std::string joined(const Block& block) {
  std::vector<std::string> scratch;
  std::vector<std::string_view> pieces;
  block.native_pieces(scratch, pieces);
  std::string bytes;
  for (const std::string_view piece : pieces)
    bytes += piece;
  return bytes;
}

TEST(Block, IsWrittenAsTheNativeFormatHasIt) {
  Block block(
      {{"id", ColumnType::parse("UInt8")}, {"t", ColumnType::parse("LowCardinality(Nullable(String))")}});
  block.column(0).append_fixed<std::uint8_t>(5);
  block.column(1).append_string("x");
  block.column(0).append_fixed<std::uint8_t>(6);
  block.column(1).append_null();
  EXPECT_EQ(joined(block), "\x02\x02"s + "\x02" + "id" + "\x05" + "UInt8" + "\x05\x06" +  //
                               "\x01" + "t" + "\x10" + "Nullable(String)" + "\0\x01"s + "\x01" + "x" + "\0"s);
  EXPECT_EQ(block.bytes(), 2u + 2u + 3u);
}

TEST(Block, WritesAsManyHeadersAsItHasColumnsIntoAUsedScratch) {
  Block block({{"a", ColumnType::parse("Int8")}, {"b", ColumnType::parse("Int8")}});
  block.column(0).append_fixed<std::int8_t>(1);
  block.column(1).append_fixed<std::int8_t>(2);
  std::vector<std::string> scratch{"left", "over", "from", "before"};
  std::vector<std::string_view> pieces;
  block.native_pieces(scratch, pieces);
  EXPECT_EQ(scratch.size(), 2u);
  EXPECT_EQ(pieces.size(), 4u);
}

TEST(Block, WithoutRowsStillNamesItsColumns) {
  const Block block({{"a", ColumnType::parse("Int8")}});
  EXPECT_EQ(joined(block), "\x01\0"s + "\x01" + "a" + "\x04" + "Int8");
}

TEST(Block, TakesAHalfWrittenRowBack) {
  Block block({{"a", ColumnType::parse("Int8")}, {"b", ColumnType::parse("Array(Int8)")}});
  for (int i = 0; i < 2; ++i) {
    block.column(0).append_fixed<std::int8_t>(1);
    block.column(1).append_null();
  }
  block.column(0).append_fixed<std::int8_t>(3);
  block.column(1).element().append_fixed<std::int8_t>(4);
  block.truncate(2);
  EXPECT_EQ(block.column(0).rows(), 2u);
  EXPECT_EQ(block.column(1).element().rows(), 0u);
  block.clear();
  EXPECT_EQ(block.rows(), 0u);
  EXPECT_EQ(block.name(1), "b");
  EXPECT_EQ(block.width(), 2u);
}

}  // namespace
}  // namespace penstock
