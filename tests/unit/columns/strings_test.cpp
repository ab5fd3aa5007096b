#include <gtest/gtest.h>

#include "tests/unit/columns/decoding.hpp"

namespace penstock {
namespace {

using namespace test;
using namespace std::string_literals;

const Decoded kMalformed = refused(FieldOutcome::Malformed);

std::string counted(const std::string& text) {
  return static_cast<char>(text.size()) + text;
}

TEST(Enums, TakeTheirLabelsAndNoNumbersOfThem) {
  const std::string type = R"(Nullable(Enum8('sad' = 1, 'it\'s\n' = 3)))";
  for (const auto form : {WireForm::Text, WireForm::Binary}) {
    EXPECT_EQ(decode(enum_type(), type, "sad", form).outcome, FieldOutcome::Exact);
    EXPECT_EQ(decode(enum_type(), type, "it's\n", form).outcome, FieldOutcome::Exact);
    for (const char* other : {"3", "", "Sad", "sad "})
      EXPECT_EQ(decode(enum_type(), type, other, form), refused(FieldOutcome::Unrepresentable)) << other;
  }
}

TEST(Texts, AreTheirBytes) {
  for (const PgType& source : {kText, kVarchar, kBpchar, kName, kJson, kXml, kCitext, enum_type()}) {
    for (const std::string text : {"", "padded   ", "Zoë ✓", "{\"a\": 1, \"a\" :2}", "tab\tand\nline"}) {
      expect_both(source, "String", text, text, exact(counted(text)));
      expect_both(source, "LowCardinality(Nullable(String))", text, text, exact("\0"s + counted(text)));
    }
  }
}

TEST(Texts, TravelAsTheyAreForTypesThatTheServerCasts) {
  for (const PgType& source : {kText, kJson, enum_type()}) {
    expect_both(source, "Enum8('a' = 1)", "a", "a",
                exact("\x01"
                      "a"));
    expect_both(source, "JSON", "{}", "{}", exact("\x02{}"));
  }
  expect_both(kJsonb, "JSON", "{}", "\x01{}", exact("\x02{}"));
}

TEST(Jsonb, LosesItsVersionByteAndNothingElse) {
  expect_both(kJsonb, "String", "{\"a\": null}", "\x01{\"a\": null}", exact(counted("{\"a\": null}")));
  EXPECT_EQ(decode_binary(kJsonb, "String", ""), kMalformed);
  EXPECT_EQ(decode_binary(kJsonb, "String", "\x02{}"), kMalformed);
}

TEST(Byteas, AreRawBytes) {
  expect_both(kBytea, "String", "\\x", "", exact("\0"s));
  expect_both(kBytea, "String", "\\x00ff1aAb", "\0\xff\x1a\xab"s, exact(counted("\0\xff\x1a\xab"s)));
  expect_both(kBytea, "FixedString(2)", "\\x0001", "\0\1"s, exact(counted("\0\1"s)));
  for (const char* text : {"", "\\", "x00", "\\x0", "\\x0g", "\\xg0", "\\X00", "abc"}) {
    EXPECT_EQ(decode_text(kBytea, "String", text), kMalformed) << text;
  }
}

TEST(Byteas, LeaveNoHalfOfAMalformedValueBehind) {
  const ColumnType type = ColumnType::parse("Nullable(String)");
  const FieldDecoder decoder(kBytea, type, false);
  Column column(type);
  EXPECT_EQ(decoder.append(column, "\\x61", WireForm::Text), FieldOutcome::Exact);
  EXPECT_EQ(decoder.append(column, "\\x62zz", WireForm::Text), FieldOutcome::Malformed);
  EXPECT_EQ(decoder.append(column, "\\x63", WireForm::Text), FieldOutcome::Exact);
  EXPECT_EQ(body_of(column), "\0\0"s + "\x01" + "a" + "\x01" + "c");
}

TEST(Uuids, AreTwoHalvesInLittleEndianOrder) {
  const std::string bytes = "\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff"s;
  const Decoded expected = exact("\x77\x66\x55\x44\x33\x22\x11\x00\xff\xee\xdd\xcc\xbb\xaa\x99\x88"s);
  expect_both(kUuid, "UUID", "00112233-4455-6677-8899-aabbccddeeff", bytes, expected);
  EXPECT_EQ(decode_text(kUuid, "UUID", "00112233-4455-6677-8899-AABBCCDDEEFF"), expected);
  expect_both(kText, "UUID", "00112233-4455-6677-8899-aabbccddeeff", "00112233-4455-6677-8899-aabbccddeeff",
              expected);
  for (const char* text : {"", "00112233-4455-6677-8899-aabbccddeef", "00112233-4455-6677-8899-aabbccddeefff",
                           "001122334455-6677-8899-aabbccddeeff-", "00112233-4455-6677-8899-aabbccddeefg",
                           "00112233_4455-6677-8899-aabbccddeeff"}) {
    EXPECT_EQ(decode_text(kUuid, "UUID", text), kMalformed) << text;
    EXPECT_EQ(decode_text(kText, "UUID", text), refused(FieldOutcome::Unrepresentable)) << text;
  }
  EXPECT_EQ(decode_binary(kUuid, "UUID", bytes.substr(1)), kMalformed);
}

TEST(TextOutput, IsKeptForEveryTypeThatIsOverriddenToString) {
  for (const auto& [source, text] :
       std::vector<std::pair<PgType, std::string>>{{kNumeric, "12.50"},
                                                   {kNumeric, "NaN"},
                                                   {kFloat8, "1e+20"},
                                                   {kInt4, "-7"},
                                                   {kDate, "0044-03-15 BC"},
                                                   {kTimestamptz, "infinity"},
                                                   {kUuid, "00112233-4455-6677-8899-aabbccddeeff"},
                                                   {kInterval, "1 mon -2 days"},
                                                   {kMoney, "$1,000.00"},
                                                   {array_type(kInt4), "{{1,2},{3,4}}"},
                                                   {array_type(kText), "[0:1]={a,NULL}"},
                                                   {kVector, "[1,2,3]"}}) {
    EXPECT_FALSE(FieldDecoder::takes_binary(source, ColumnType::parse("String"))) << text;
    EXPECT_EQ(decode_text(source, "String", text), exact(counted(text)));
    EXPECT_EQ(decode_binary(source, "String", text), kMalformed) << "there is no binary form of this pair";
  }
}

TEST(TextOutput, OfABooleanIsTheSameFromEveryForm) {
  for (const char* text : {"t", "true"})
    expect_both(kBool, "String", text, "\x01",
                exact("\x01"
                      "t"));
  for (const char* text : {"f", "false"})
    expect_both(kBool, "Nullable(String)", text, "\0"s,
                exact("\0\x01"
                      "f"s));
  EXPECT_EQ(decode_text(kBool, "String", "yes"), kMalformed);
  EXPECT_EQ(decode_binary(kBool, "String", "\x07"), kMalformed);
}

TEST(Conversions, ThatCannotWorkAreKnownBeforehandAndRefusedAtEveryValue) {
  for (const auto& [source, target, text] : std::vector<std::tuple<PgType, std::string, std::string>>{
           {kUuid, "Int32", "00112233-4455-6677-8899-aabbccddeeff"},
           {kDate, "Int32", "2024-01-01"},
           {kInt4, "UUID", "1"},
           {kInt4, "DateTime", "1"},
           {kBytea, "Int8", "\\x31"},
           {kTimestamp, "Time64(6)", "x"},
           {kBool, "Decimal(9, 2)", "t"},
           {array_type(kInt4), "Int32", "{1}"},
           {kInt4, "Array(Int32)", "1"},
           {array_type(kUuid), "Array(Int32)", "{}"}}) {
    EXPECT_FALSE(FieldDecoder::converts(source, ColumnType::parse(target))) << target;
    EXPECT_FALSE(FieldDecoder::takes_binary(source, ColumnType::parse(target))) << target;
    EXPECT_EQ(decode_text(source, target, text), refused(FieldOutcome::Unrepresentable)) << target;
    EXPECT_EQ(decode(source, "Nullable(" + target + ")", text, WireForm::Text, true).outcome,
              target.starts_with("Array") ? FieldOutcome::Exact : FieldOutcome::Nulled);
  }
}

TEST(Conversions, ByDefaultAreBinaryForEveryTypeOfTheTable) {
  for (const PgType& source : {kBool,      kInt2,        kInt4, kInt8,  kFloat4, kFloat8,    kNumeric, kText,
                               kVarchar,   kBpchar,      kName, kJson,  kXml,    kCitext,    kUuid,    kDate,
                               kTimestamp, kTimestamptz, kTime, kJsonb, kBytea,  enum_type()}) {
    const ColumnType scalar = ColumnType::parse(default_column_type(source, true, {}));
    const ColumnType array = ColumnType::parse(default_column_type(array_type(source), true, {}));
    EXPECT_TRUE(FieldDecoder::takes_binary(source, scalar)) << scalar.text;
    EXPECT_TRUE(FieldDecoder::takes_binary(array_type(source), array)) << array.text;
    EXPECT_TRUE(FieldDecoder::converts(source, scalar));
  }
  for (const PgType& source :
       {kTimetz, kInterval, kInet, kMoney, kOid, kVector, kBox, numeric_type(100, 2)}) {
    const ColumnType type = ColumnType::parse(default_column_type(source, true, {}));
    EXPECT_FALSE(FieldDecoder::takes_binary(source, type)) << source.oid;
    EXPECT_TRUE(FieldDecoder::converts(source, type)) << source.oid;
  }
}

}  // namespace
}  // namespace penstock
