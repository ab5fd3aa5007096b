#include "tests/unit/columns/decoding.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <iomanip>

namespace penstock {

void PrintTo(FieldOutcome outcome, std::ostream* out) {
  constexpr const char* kNames[] = {"Exact", "Clamped", "Unrepresentable", "Nulled", "Malformed"};
  *out << kNames[static_cast<int>(outcome)];
}

}  // namespace penstock

namespace penstock::test {

PgType base_type(std::uint32_t oid, std::int32_t typmod, std::string name) {
  PgType type;
  type.oid = oid;
  type.typmod = typmod;
  type.name = std::move(name);
  return type;
}

PgType array_type(PgType element, std::uint32_t oid) {
  PgType type;
  type.kind = PgType::Kind::Array;
  type.oid = oid;
  type.element = std::make_shared<const PgType>(std::move(element));
  return type;
}

PgType enum_type() {
  PgType type = base_type(16'600, -1, "public.mood");
  type.kind = PgType::Kind::Enum;
  return type;
}

PgType numeric_type(int precision, int scale) {
  return base_type(1700, ((precision << 16) | (scale & 0x7ff)) + 4, "numeric");
}

std::string big_endian(std::int64_t value, std::size_t size) {
  std::string bytes = little_endian(value, size);
  std::reverse(bytes.begin(), bytes.end());
  return bytes;
}

std::string little_endian(std::int64_t value, std::size_t size) {
  std::string bytes;
  for (std::size_t i = 0; i < size; ++i)
    bytes.push_back(static_cast<char>(value >> std::min<std::size_t>(8 * i, 63)));
  return bytes;
}

std::string binary_float(float value) {
  std::int32_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  return big_endian(bits, 4);
}

std::string binary_float(double value) {
  std::int64_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  return big_endian(bits, 8);
}

namespace {

std::string numeric_message(int weight, int sign, int display_scale, const std::vector<int>& digits) {
  std::string bytes = big_endian(static_cast<std::int64_t>(digits.size()), 2) + big_endian(weight, 2) +
                      big_endian(sign, 2) + big_endian(display_scale, 2);
  for (const int digit : digits)
    bytes += big_endian(digit, 2);
  return bytes;
}

}  // namespace

std::string binary_numeric(std::string_view text) {
  if (text == "NaN") return numeric_message(0, 0xC000, 0, {});
  if (text == "Infinity") return numeric_message(0, 0xD000, 0, {});
  if (text == "-Infinity") return numeric_message(0, 0xF000, 0, {});
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  const auto point = std::min(text.find('.'), text.size());
  std::string whole(text.substr(0, point));
  std::string fraction(point < text.size() ? text.substr(point + 1) : "");
  const int display_scale = static_cast<int>(fraction.size());
  whole.insert(0, (4 - whole.size() % 4) % 4, '0');
  fraction.append((4 - fraction.size() % 4) % 4, '0');
  std::vector<int> digits;
  for (std::size_t i = 0; i < whole.size() + fraction.size(); i += 4) {
    digits.push_back(std::stoi((whole + fraction).substr(i, 4)));
  }
  int weight = static_cast<int>(whole.size() / 4) - 1;
  while (!digits.empty() && digits.front() == 0)
    digits.erase(digits.begin()), --weight;
  while (!digits.empty() && digits.back() == 0)
    digits.pop_back();
  if (digits.empty()) weight = 0;
  return numeric_message(weight, negative ? 0x4000 : 0, display_scale, digits);
}

std::string binary_array(const std::vector<const std::string*>& elements, std::uint32_t oid) {
  const bool nulls = std::find(elements.begin(), elements.end(), nullptr) != elements.end();
  std::string bytes =
      big_endian(elements.empty() ? 0 : 1, 4) + big_endian(nulls ? 1 : 0, 4) + big_endian(oid, 4);
  if (elements.empty()) return bytes;
  bytes += big_endian(static_cast<std::int64_t>(elements.size()), 4) + big_endian(1, 4);
  for (const std::string* element : elements) {
    bytes += big_endian(element == nullptr ? -1 : static_cast<std::int64_t>(element->size()), 4);
    if (element != nullptr) bytes += *element;
  }
  return bytes;
}

std::string decimal_bytes(std::string_view digits, std::size_t size) {
  const bool negative = digits.starts_with('-');
  if (negative) digits.remove_prefix(1);
  std::vector<unsigned> bytes(size, 0);
  for (const char digit : digits) {
    unsigned carry = static_cast<unsigned>(digit - '0');
    for (unsigned& byte : bytes) {
      carry += byte * 10;
      byte = carry & 0xff;
      carry >>= 8;
    }
    EXPECT_EQ(carry, 0u) << "the test's own number is too wide";
  }
  unsigned carry = 1;
  for (unsigned& byte : bytes) {
    if (!negative) break;
    carry += ~byte & 0xff;
    byte = carry & 0xff;
    carry >>= 8;
  }
  return {bytes.begin(), bytes.end()};
}

std::ostream& operator<<(std::ostream& out, const Decoded& decoded) {
  PrintTo(decoded.outcome, &out);
  out << std::hex << std::setfill('0');
  for (const char c : decoded.body)
    out << ' ' << std::setw(2) << static_cast<int>(static_cast<unsigned char>(c));
  return out << std::dec;
}

Decoded exact(std::string body) {
  return {FieldOutcome::Exact, std::move(body)};
}
Decoded clamped(std::string body) {
  return {FieldOutcome::Clamped, std::move(body)};
}
Decoded refused(FieldOutcome outcome) {
  return {outcome, {}};
}

std::string body_of(const Column& column) {
  std::vector<std::string_view> pieces;
  column.pieces(pieces);
  std::string body;
  for (const std::string_view piece : pieces)
    body += piece;
  return body;
}

Decoded decode(const PgType& source, const std::string& target, std::string_view bytes, WireForm form,
               bool null_if_unrepresentable) {
  const ColumnType type = ColumnType::parse(target);
  const FieldDecoder decoder(source, type, null_if_unrepresentable);
  Column column(type);
  // Its own allocation, so that a sanitizer sees a read beyond the value.
  const std::vector<char> copy(bytes.begin(), bytes.end());
  const FieldOutcome outcome = decoder.append(column, {copy.data(), copy.size()}, form);
  const bool appended = outcome != FieldOutcome::Unrepresentable && outcome != FieldOutcome::Malformed;
  EXPECT_EQ(column.rows(), appended ? 1u : 0u);
  EXPECT_EQ(column.bytes(), body_of(column).size());
  return {outcome, body_of(column)};
}

void expect_both(const PgType& source, const std::string& target, std::string_view text,
                 std::string_view binary, const Decoded& expected) {
  SCOPED_TRACE(std::string(text) + " of type " + std::to_string(source.oid) + " as " + target);
  EXPECT_TRUE(FieldDecoder::takes_binary(source, ColumnType::parse(target)));
  EXPECT_EQ(decode_text(source, target, text), expected);
  EXPECT_EQ(decode_binary(source, target, binary), expected);
}

}  // namespace penstock::test
