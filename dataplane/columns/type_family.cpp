#include "dataplane/columns/type_family.hpp"

#include <string_view>

namespace penstock {

namespace {

/// "public.vector(3)" -> "vector".
std::string_view bare_name(std::string_view name) {
  name = name.substr(0, name.find('('));
  const auto dot = name.rfind('.');
  return dot == std::string_view::npos ? name : name.substr(dot + 1);
}

TypeFamily family_by_name(std::string_view name) {
  name = bare_name(name);
  if (name == "citext") return TypeFamily::Text;
  if (name == "vector" || name == "halfvec") return TypeFamily::Vector;
  return TypeFamily::Other;
}

TypeFamily family_by_oid(const PgType& type) {
  switch (type.oid) {
    case 16:
      return TypeFamily::Bool;
    case 17:
      return TypeFamily::Bytea;
    case 20:
      return TypeFamily::Int8;
    case 21:
      return TypeFamily::Int2;
    case 23:
      return TypeFamily::Int4;
    case 26:
      return TypeFamily::Oid;
    case 19:    // name
    case 25:    // text
    case 114:   // json
    case 142:   // xml: with client_encoding UTF8 xml_send gives what xml_out does
    case 1042:  // bpchar
    case 1043:  // varchar
      return TypeFamily::Text;
    case 700:
      return TypeFamily::Float4;
    case 701:
      return TypeFamily::Float8;
    case 1082:
      return TypeFamily::Date;
    case 1083:
      return TypeFamily::Time;
    case 1114:
    case 1184:
      return TypeFamily::Timestamp;
    case 1700:
      return TypeFamily::Numeric;
    case 2950:
      return TypeFamily::Uuid;
    case 3802:
      return TypeFamily::Jsonb;
    default:
      return family_by_name(type.name);
  }
}

/// int2vector and oidvector have elements but print without braces.
bool prints_as_array(const PgType& type) {
  return type.element != nullptr && type.oid != 22 && type.oid != 30;
}

}  // namespace

TypeFamily family_of(const PgType& type) {
  switch (type.kind) {
    case PgType::Kind::Base:
      return family_by_oid(type);
    case PgType::Kind::Enum:
      return TypeFamily::Text;
    case PgType::Kind::Array:
      return prints_as_array(type) ? TypeFamily::Array : TypeFamily::Other;
    case PgType::Kind::Other:
      break;
  }
  return TypeFamily::Other;
}

NumericTypmod read_numeric_typmod(std::int32_t typmod) {
  constexpr std::int32_t kHeader = 4;  // VARHDRSZ
  if (typmod < kHeader) return {};
  const std::int32_t packed = typmod - kHeader;
  const std::int32_t scale = packed & 0x7ff;  // eleven bits, two's complement
  return {.unbounded = false, .precision = (packed >> 16) & 0xffff, .scale = (scale ^ 1024) - 1024};
}

}  // namespace penstock
