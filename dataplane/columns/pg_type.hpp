#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace penstock {

/// The type of a source column, with domains already replaced by what they stand on (PostgreSQL docs,
/// "pg_type").
struct PgType {
  enum class Kind { Base, Enum, Array, Other };  ///< Other: composites, ranges, pseudo-types: text only

  std::uint32_t oid = 0;     ///< of the base type; built-in ones are those of pg_type.dat and never change
  std::int32_t typmod = -1;  ///< as in pg_attribute (numeric: ((p << 16) | (s & 0x7ff)) + 4), -1 for none
  Kind kind = Kind::Base;
  std::string name;                       ///< format_type(): "numeric(12,2)", "public.mood[]": for people
  std::shared_ptr<const PgType> element;  ///< of an array

  bool operator==(const PgType& other) const {
    return oid == other.oid && typmod == other.typmod && kind == other.kind;
  }
};

}  // namespace penstock
