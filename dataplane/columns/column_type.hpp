#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/result.hpp"
#include "dataplane/columns/pg_type.hpp"

namespace penstock {

/// A ClickHouse column type as the encoder sees it (ClickHouse docs, "Data types", "Native format").
struct ColumnType {
  enum class Kind {
    Bool,
    Int8,
    Int16,
    Int32,
    Int64,
    UInt8,
    UInt16,
    UInt32,
    UInt64,
    UInt128,  ///< of control columns alone: parse() leaves it to the server, as Other
    Float32,
    Float64,
    Decimal,  ///< width by precision: ≤ 9: 32, ≤ 18: 64, ≤ 38: 128, ≤ 76: 256 bit
    String,
    Uuid,
    Date,
    Date32,
    DateTime,
    DateTime64,
    Time64,
    Array,
    Other  ///< any type we do not encode ourselves: sent as String and cast by the server
  };

  Kind kind = Kind::String;
  bool nullable = false;
  bool low_cardinality = false;
  int precision = 0;                          ///< Decimal: digits; DateTime64, Time64: fractional digits
  int scale = 0;                              ///< Decimal
  std::shared_ptr<const ColumnType> element;  ///< Array
  std::string text;                           ///< as ClickHouse writes it: "LowCardinality(Nullable(String))"

  [[nodiscard]] static ColumnType parse(std::string_view text);
  /// UInt128, sent as its sixteen bytes.
  [[nodiscard]] static ColumnType uint128();
  /// The type name in a Native block's header. The server casts it to the column's own type where they differ
  /// (LowCardinality and Other travel as String).
  [[nodiscard]] std::string wire_text() const;
};

/// What the destination can hold; from its version.
struct TargetFeatures {
  bool time64 = true;  ///< Time64 type (25.6 and newer, where enabled)
};

/// The ClickHouse type that a source column gets when the manifest names none (data.md, "Types").
/// `nullable`: the column may hold NULL and is not part of the sorting key.
[[nodiscard]] std::string default_column_type(const PgType& type, bool nullable,
                                              const TargetFeatures& features);

}  // namespace penstock
