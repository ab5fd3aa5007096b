#pragma once

// Tools of these tests: values of PostgreSQL in both wire forms, and what a decoder made of them.

#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/columns/field_decoder.hpp"

namespace penstock {
void PrintTo(FieldOutcome outcome, std::ostream* out);
}

namespace penstock::test {

[[nodiscard]] PgType base_type(std::uint32_t oid, std::int32_t typmod = -1, std::string name = {});
[[nodiscard]] PgType array_type(PgType element, std::uint32_t oid = 0);
[[nodiscard]] PgType enum_type();
/// numeric(precision, scale).
[[nodiscard]] PgType numeric_type(int precision, int scale);

inline const PgType kBool = base_type(16);
inline const PgType kBytea = base_type(17);
inline const PgType kName = base_type(19);
inline const PgType kInt8 = base_type(20);
inline const PgType kInt2 = base_type(21);
inline const PgType kInt4 = base_type(23);
inline const PgType kText = base_type(25);
inline const PgType kOid = base_type(26);
inline const PgType kJson = base_type(114);
inline const PgType kXml = base_type(142);
inline const PgType kBox = base_type(603);
inline const PgType kFloat4 = base_type(700);
inline const PgType kFloat8 = base_type(701);
inline const PgType kMoney = base_type(790);
inline const PgType kInet = base_type(869);
inline const PgType kBpchar = base_type(1042);
inline const PgType kVarchar = base_type(1043);
inline const PgType kDate = base_type(1082);
inline const PgType kTime = base_type(1083);
inline const PgType kTimestamp = base_type(1114);
inline const PgType kTimestamptz = base_type(1184);
inline const PgType kInterval = base_type(1186);
inline const PgType kTimetz = base_type(1266);
inline const PgType kNumeric = base_type(1700);
inline const PgType kUuid = base_type(2950);
inline const PgType kJsonb = base_type(3802);
inline const PgType kCitext = base_type(16'400, -1, "public.citext");
inline const PgType kVector = base_type(16'500, -1, "public.vector(3)");

/// `size` low bytes of `value` in network order.
[[nodiscard]] std::string big_endian(std::int64_t value, std::size_t size);
/// The same in the order of ClickHouse.
[[nodiscard]] std::string little_endian(std::int64_t value, std::size_t size);
[[nodiscard]] std::string binary_float(float value);
[[nodiscard]] std::string binary_float(double value);
/// numeric_send()'s form of "-12.50", "NaN", "Infinity".
[[nodiscard]] std::string binary_numeric(std::string_view text);
/// array_send()'s form of one dimension; an element of nullptr is NULL.
[[nodiscard]] std::string binary_array(const std::vector<const std::string*>& elements,
                                       std::uint32_t oid = 25);
/// Decimal digits with an optional sign as two's complement of `size` bytes, lowest first.
[[nodiscard]] std::string decimal_bytes(std::string_view digits, std::size_t size);

/// What a decoder answered, and the column's body in the Native format afterwards.
struct Decoded {
  FieldOutcome outcome = FieldOutcome::Exact;
  std::string body;
  bool operator==(const Decoded&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Decoded& decoded);

[[nodiscard]] Decoded exact(std::string body);
[[nodiscard]] Decoded clamped(std::string body);
/// Nothing appended.
[[nodiscard]] Decoded refused(FieldOutcome outcome);

[[nodiscard]] std::string body_of(const Column& column);
[[nodiscard]] Decoded decode(const PgType& source, const std::string& target, std::string_view bytes,
                             WireForm form, bool null_if_unrepresentable = false);
[[nodiscard]] inline Decoded decode_text(const PgType& source, const std::string& target,
                                         std::string_view bytes) {
  return decode(source, target, bytes, WireForm::Text);
}
[[nodiscard]] inline Decoded decode_binary(const PgType& source, const std::string& target,
                                           std::string_view bytes) {
  return decode(source, target, bytes, WireForm::Binary);
}

/// Both forms of one value have this result.
void expect_both(const PgType& source, const std::string& target, std::string_view text,
                 std::string_view binary, const Decoded& expected);

}  // namespace penstock::test
