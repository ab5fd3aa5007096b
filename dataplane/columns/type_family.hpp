#pragma once

#include "dataplane/columns/pg_type.hpp"

namespace penstock {

/// Source types that are decoded alike.
enum class TypeFamily {
  Bool,
  Int2,
  Int4,
  Int8,
  Oid,
  Float4,
  Float8,
  Numeric,
  Text,   ///< binary form = text form: text, varchar, char(n), name, json, xml, citext, enums
  Jsonb,  ///< binary form: a version byte, then the text
  Bytea,
  Uuid,
  Date,
  Timestamp,  ///< with or without time zone
  Time,
  Vector,  ///< pgvector's vector and halfvec
  Array,   ///< of a known element type
  Other    ///< known by its text output only
};

/// Built-in types by oid (PostgreSQL source, pg_type.dat: they never change), those of extensions by name.
[[nodiscard]] TypeFamily family_of(const PgType& type);

/// A numeric's declared digits; `unbounded` where there are none.
struct NumericTypmod {
  bool unbounded = true;
  int precision = 0;
  int scale = 0;  ///< may be negative, or larger than the precision (PostgreSQL 15 and newer)
};
/// PostgreSQL source, numeric.c, make_numeric_typmod().
[[nodiscard]] NumericTypmod read_numeric_typmod(std::int32_t typmod);

}  // namespace penstock
