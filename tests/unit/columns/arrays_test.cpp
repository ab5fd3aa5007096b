#include <gtest/gtest.h>

#include "tests/unit/columns/decoding.hpp"

namespace penstock {
namespace {

using namespace test;
using namespace std::string_literals;

const Decoded kMalformed = refused(FieldOutcome::Malformed);
const Decoded kUnrepresentable = refused(FieldOutcome::Unrepresentable);

/// The body of one row of Array(Nullable(String)); nullptr is NULL.
std::string strings_body(const std::vector<const char*>& elements) {
  std::string body = little_endian(static_cast<std::int64_t>(elements.size()), 8);
  for (const char* element : elements)
    body += static_cast<char>(element == nullptr);
  for (const char* element : elements) {
    const std::string text = element == nullptr ? "" : element;
    body += static_cast<char>(text.size()) + text;
  }
  return body;
}

std::string texts(const std::vector<const char*>& elements) {
  std::vector<std::string> kept(elements.size());
  std::vector<const std::string*> pointers;
  for (std::size_t i = 0; i < elements.size(); ++i) {
    if (elements[i] != nullptr) kept[i] = elements[i];
    pointers.push_back(elements[i] == nullptr ? nullptr : &kept[i]);
  }
  return binary_array(pointers);
}

TEST(Arrays, OfTextKeepEveryElement) {
  for (const auto& [text, elements] : std::vector<std::pair<std::string, std::vector<const char*>>>{
           {"{}", {}},
           {"{a}", {"a"}},
           {"{a,b c,\"\"}", {"a", "b c", ""}},
           {"{NULL,\"NULL\",null,\"null\"}", {nullptr, "NULL", "null", "null"}},
           {R"({"a,b","{}","q\"q","b\\s","\\"})", {"a,b", "{}", "q\"q", "b\\s", "\\"}},
           {"[0:2]={a,b,c}", {"a", "b", "c"}},
           {"[-3:-2]={a,NULL}", {"a", nullptr}},
           {"{Zoë,\" x \"}", {"Zoë", " x "}}}) {
    expect_both(array_type(kText), "Array(Nullable(String))", text, texts(elements),
                exact(strings_body(elements)));
    expect_both(array_type(enum_type()), "Array(LowCardinality(Nullable(String)))", text, texts(elements),
                exact(strings_body(elements)));
  }
}

TEST(Arrays, OfNumbersDatesAndTheRestAreDecodedElementByElement) {
  const std::string one = big_endian(1, 4);
  const std::string minus = big_endian(-7, 4);
  expect_both(array_type(kInt4), "Array(Nullable(Int32))", "{1,NULL,-7}",
              binary_array({&one, nullptr, &minus}, 23),
              exact(little_endian(3, 8) + "\0\1\0"s + little_endian(1, 4) + little_endian(0, 4) +
                    little_endian(-7, 4)));
  expect_both(array_type(kInt4), "Array(Int64)", "{1,-7}", binary_array({&one, &minus}, 23),
              exact(little_endian(2, 8) + little_endian(1, 8) + little_endian(-7, 8)));
  const std::string half = binary_numeric("0.5");
  expect_both(array_type(kNumeric), "Array(Decimal(9, 2))", "{0.5}", binary_array({&half}, 1700),
              exact(little_endian(1, 8) + little_endian(50, 4)));
  const std::string json = "\x01{\"a\": \"b\"}";
  expect_both(array_type(kJsonb), "Array(Nullable(String))", R"({"{\"a\": \"b\"}"})",
              binary_array({&json}, 3802), exact(strings_body({"{\"a\": \"b\"}"})));
  const std::string raw = "\x01\xff";
  expect_both(array_type(kBytea), "Array(Nullable(String))", R"({"\\x01ff"})", binary_array({&raw}, 17),
              exact(strings_body({"\x01\xff"})));
  const std::string yes = "\x01";
  expect_both(array_type(kBool), "Array(Bool)", "{t}", binary_array({&yes}, 16),
              exact(little_endian(1, 8) + "\x01"));
  const std::string midnight = big_endian(0, 8);
  expect_both(array_type(kTimestamptz), "Array(DateTime64(6, 'UTC'))", "{\"2000-01-01 00:00:00+00\"}",
              binary_array({&midnight}, 1184),
              exact(little_endian(1, 8) + little_endian(946'684'800'000'000, 8)));
}

TEST(Arrays, AreClampedWhereAnElementIs) {
  const std::string first = big_endian(INT32_MIN, 4);
  const std::string fine = big_endian(-10'957, 4);
  expect_both(array_type(kDate), "Array(Date32)", "{-infinity,1970-01-01}",
              binary_array({&first, &fine}, 1082),
              clamped(little_endian(2, 8) + little_endian(-25'567, 4) + little_endian(0, 4)));
}

TEST(Arrays, WithAnUnrepresentableElementAreRefusedOrHaveNullThere) {
  const std::string nan = binary_numeric("NaN");
  const std::string one = binary_numeric("1");
  const std::string binary = binary_array({&one, &nan}, 1700);
  expect_both(array_type(kNumeric), "Array(Nullable(Decimal(9, 0)))", "{1,NaN}", binary, kUnrepresentable);
  const Decoded with_null{FieldOutcome::Nulled,
                          little_endian(2, 8) + "\0\1"s + little_endian(1, 4) + little_endian(0, 4)};
  EXPECT_EQ(decode(array_type(kNumeric), "Array(Nullable(Decimal(9, 0)))", "{1,NaN}", WireForm::Text, true),
            with_null);
  EXPECT_EQ(decode(array_type(kNumeric), "Array(Nullable(Decimal(9, 0)))", binary, WireForm::Binary, true),
            with_null);
  EXPECT_EQ(decode(array_type(kNumeric), "Array(Decimal(9, 0))", "{1,NaN}", WireForm::Text, true),
            (Decoded{FieldOutcome::Nulled, little_endian(0, 8)}));
}

TEST(Arrays, WithNullForAnElementTypeThatHasNoneAreRefused) {
  const std::string one = big_endian(1, 4);
  expect_both(array_type(kInt4), "Array(Int32)", "{1,NULL}", binary_array({&one, nullptr}, 23),
              kUnrepresentable);
}

TEST(Arrays, OfManyDimensionsAreUnrepresentable) {
  const std::string binary = big_endian(2, 4) + big_endian(0, 4) + big_endian(23, 4) + big_endian(1, 4) +
                             big_endian(1, 4) + big_endian(1, 4) + big_endian(1, 4) + big_endian(4, 4) +
                             big_endian(9, 4);
  expect_both(array_type(kInt4), "Array(Nullable(Int32))", "{{9}}", binary, kUnrepresentable);
  EXPECT_EQ(decode_text(array_type(kInt4), "Array(Nullable(Int32))", "[0:0][1:1]={{9}}"), kUnrepresentable);
  EXPECT_EQ(decode(array_type(kInt4), "Array(Nullable(Int32))", "{{9}}", WireForm::Text, true),
            (Decoded{FieldOutcome::Nulled, little_endian(0, 8)}));
}

TEST(Arrays, LeaveEarlierRowsAloneWhenTheyFail) {
  const ColumnType type = ColumnType::parse("Array(Nullable(Int32))");
  const FieldDecoder decoder(array_type(kInt4), type, false);
  Column column(type);
  ASSERT_EQ(decoder.append(column, "{1,2}", WireForm::Text), FieldOutcome::Exact);
  EXPECT_EQ(decoder.append(column, "{3,4,x}", WireForm::Text), FieldOutcome::Malformed);
  EXPECT_EQ(decoder.append(column, "{5,99999999999}", WireForm::Text), FieldOutcome::Unrepresentable);
  ASSERT_EQ(decoder.append(column, "{6}", WireForm::Text), FieldOutcome::Exact);
  EXPECT_EQ(body_of(column), little_endian(2, 8) + little_endian(3, 8) + std::string(3, '\0') +
                                 little_endian(1, 4) + little_endian(2, 4) + little_endian(6, 4));
}

TEST(Arrays, RefuseTextThatIsNoArray) {
  for (const char* text : {"",         "{",      "}",       "{a",        "a}",       "{,}",      "{a,}",
                           "{,a}",     "{a,,b}", "{\"a}",   "{\"a\\\"}", "{\"a\"b}", "{a\"b\"}", "{a}}",
                           "[0:1]{a}", "[0:1]=", "[x]={a}", "[",         "{a\\}",    "{} ",      "{\"\\"}) {
    EXPECT_EQ(decode_text(array_type(kText), "Array(Nullable(String))", text), kMalformed) << text;
  }
}

TEST(Arrays, RefuseBytesThatAreNoArray) {
  const std::string good = texts({"ab", nullptr, "c"});
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_EQ(decode_binary(array_type(kText), "Array(Nullable(String))", good.substr(0, size)), kMalformed)
        << size;
  }
  EXPECT_EQ(decode_binary(array_type(kText), "Array(Nullable(String))", good + "x"), kMalformed);
  for (const std::int64_t dimensions : {-1, 7}) {
    EXPECT_EQ(decode_binary(array_type(kText), "Array(Nullable(String))",
                            big_endian(dimensions, 4) + good.substr(4)),
              kMalformed);
  }
  EXPECT_EQ(decode_binary(array_type(kText), "Array(Nullable(String))",
                          good.substr(0, 12) + big_endian(INT32_MAX, 4) + good.substr(16)),
            kMalformed);
  EXPECT_EQ(decode_binary(array_type(kText), "Array(Nullable(String))",
                          good.substr(0, 20) + big_endian(-2, 4) + good.substr(24)),
            kMalformed);
}

TEST(Arrays, OfBoxesAreDelimitedBySemicolons) {
  EXPECT_EQ(decode_text(array_type(kBox), "Array(Nullable(String))", "{(1,1),(0,0);(2,2),(1,1)}"),
            exact(strings_body({"(1,1),(0,0)", "(2,2),(1,1)"})));
}

TEST(Arrays, AreReadFromATextThatHoldsOne) {
  expect_both(kText, "Array(Int32)", "{1}", "{1}", exact(little_endian(1, 8) + little_endian(1, 4)));
  expect_both(kText, "Array(Int32)", "1", "1", kUnrepresentable);
}

TEST(Vectors, AreArraysOfFloats) {
  const auto body = [](const std::vector<float>& values) {
    std::string bytes = little_endian(static_cast<std::int64_t>(values.size()), 8);
    return bytes.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
  };
  EXPECT_EQ(decode_text(kVector, "Array(Float32)", "[1,-2.5,3e-07]"), exact(body({1, -2.5F, 3e-7F})));
  EXPECT_EQ(decode_text(kVector, "Array(Float64)", "[]"), exact(body({})));
  for (const char* text : {"", "[", "[1", "1]", "[1,]", "[,1]", "[a]", "{1}"}) {
    EXPECT_EQ(decode_text(kVector, "Array(Float32)", text), kMalformed) << text;
  }
}

}  // namespace
}  // namespace penstock
