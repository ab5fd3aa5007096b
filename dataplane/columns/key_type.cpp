#include "dataplane/columns/key_type.hpp"

#include <array>
#include <string_view>

namespace penstock {
namespace {

// pg_type.dat
constexpr std::uint32_t kBool = 16, kBytea = 17, kInt8 = 20, kInt2 = 21, kInt4 = 23, kFloat4 = 700,
                        kFloat8 = 701, kDate = 1082, kTime = 1083, kTimestamp = 1114, kTimestampTz = 1184,
                        kNumeric = 1700, kUuid = 2950;

bool is_integer(std::uint32_t oid) {
  return oid == kInt2 || oid == kInt4 || oid == kInt8;
}

/// Fractional digits that a value of a time type may have: the typmod, else all of them.
int fraction_of(const PgType& source) {
  return source.typmod >= 0 ? source.typmod : 6;
}

/// Types that the server makes of the text itself, one value of each text or none.
bool is_cast_one_to_one(const PgType& source, std::string_view type) {
  constexpr std::array<std::string_view, 4> kOfNumbers{"Int128", "Int256", "UInt128", "UInt256"};
  for (const auto one : kOfNumbers)
    if (type.starts_with(one)) return is_integer(source.oid);
  return type.starts_with("Enum") || (type.starts_with("FixedString") && source.oid != kBytea);
}

}  // namespace

bool keeps_apart(const PgType& source, const ColumnType& target) {
  using Kind = ColumnType::Kind;
  const auto oid = source.oid;
  switch (target.kind) {
    case Kind::String:
      return true;
    case Kind::Bool:
      return oid == kBool;
    case Kind::Int8:
    case Kind::Int16:
    case Kind::Int32:
    case Kind::Int64:
    case Kind::UInt8:
    case Kind::UInt16:
    case Kind::UInt32:
    case Kind::UInt64:
    case Kind::UInt128:
      return is_integer(oid) || oid == kBool;
    case Kind::Float32:
      return oid == kInt2 || oid == kFloat4;
    case Kind::Float64:
      return oid == kInt2 || oid == kInt4 || oid == kFloat4 || oid == kFloat8;
    case Kind::Decimal:
      return is_integer(oid) || oid == kNumeric;  // what has more digits than the target is refused
    case Kind::Uuid:
      return oid == kUuid;
    case Kind::Date:
    case Kind::Date32:
      return oid == kDate;
    case Kind::DateTime:
      return oid == kDate || ((oid == kTimestamp || oid == kTimestampTz) && source.typmod == 0);
    case Kind::DateTime64:
      return oid == kDate ||
             ((oid == kTimestamp || oid == kTimestampTz) && fraction_of(source) <= target.precision);
    case Kind::Time64:
      return oid == kTime && fraction_of(source) <= target.precision;
    case Kind::Array:
      return false;  // lower bounds are lost
    case Kind::Other:
      return is_cast_one_to_one(source, target.text);
  }
  return false;
}

}  // namespace penstock
