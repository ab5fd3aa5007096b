#include <array>

#include "dataplane/columns/default_text.hpp"
#include "dataplane/columns/field_decoder.hpp"
#include "dataplane/columns/value_text.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace penstock {
namespace {

PgType base(std::uint32_t oid, std::int32_t typmod = -1) {
  PgType type;
  type.oid = oid;
  type.typmod = typmod;
  return type;
}

PgType array_of(std::uint32_t element) {
  PgType type;
  type.kind = PgType::Kind::Array;
  type.element = std::make_shared<const PgType>(base(element));
  return type;
}

// bool, bytea, name, int8, int2, int4, text, oid, json, xml, float4, float8, money, inet, bpchar, varchar,
// date, time, timestamp, timestamptz, interval, timetz, numeric, numeric(12,3), uuid, jsonb; arrays of int4,
// text, numeric, timestamptz; a type of an extension.
const std::vector<PgType>& sources() {
  static const std::vector<PgType> kAll = {
      base(16),    base(17),   base(19),     base(20),     base(21),       base(23),
      base(25),    base(26),   base(114),    base(142),    base(700),      base(701),
      base(790),   base(869),  base(1042),   base(1043),   base(1082),     base(1083),
      base(1114),  base(1184), base(1186),   base(1266),   base(1700),     base(1700, ((12 << 16) | 3) + 4),
      base(2950),  base(3802), array_of(23), array_of(25), array_of(1700), array_of(1184),
      base(16'400)};
  return kAll;
}

const std::vector<ColumnType>& wanted_types() {
  static const std::vector<ColumnType> kAll = [] {
    std::vector<ColumnType> out;
    for (const auto* text : {"Bool",
                             "Int8",
                             "Int16",
                             "Int32",
                             "Int64",
                             "UInt8",
                             "UInt64",
                             "Int256",
                             "UInt128",
                             "Float32",
                             "Float64",
                             "Decimal(9, 2)",
                             "Decimal(18, 6)",
                             "Decimal(38, 10)",
                             "Decimal(76, 30)",
                             "String",
                             "LowCardinality(Nullable(String))",
                             "UUID",
                             "Date",
                             "Date32",
                             "DateTime",
                             "DateTime64(6)",
                             "DateTime64(9, 'UTC')",
                             "Time64(6)",
                             "Nullable(Int32)",
                             "Array(String)",
                             "Array(Nullable(Int64))",
                             "Array(Decimal(38, 10))",
                             "Array(Array(DateTime64(3)))",
                             "Enum8('a' = 1, 'b' = 2)",
                             "JSON"})
      out.push_back(ColumnType::parse(text));
    return out;
  }();
  return kAll;
}

struct Outcome {
  FieldOutcome outcome;
  std::string body;
  bool operator==(const Outcome&) const = default;
};

bool appends(FieldOutcome outcome) {
  return outcome == FieldOutcome::Exact || outcome == FieldOutcome::Clamped ||
         outcome == FieldOutcome::Nulled;
}

// Appends behind a row that is there already, takes the row back again, and leaves nothing of it.
Outcome decode(const PgType& source, const ColumnType& target, std::string_view bytes, WireForm form) {
  const FieldDecoder decoder(source, target, false);
  Column column(target);
  column.append_null();
  const auto before = column.bytes();
  Outcome out{decoder.append(column, bytes, form), {}};
  FUZZ_REQUIRE(column.rows() == (appends(out.outcome) ? 2U : 1U));
  std::vector<std::string_view> pieces;
  column.pieces(pieces);
  for (const auto piece : pieces)
    out.body += piece;
  FUZZ_REQUIRE(out.body.size() == column.bytes());
  column.truncate(1);
  FUZZ_REQUIRE(column.bytes() == before);
  return out;
}

}  // namespace

// A field of COPY or pgoutput: source type, target type and form are chosen by the first two bytes. A value
// that both forms can have arrives alike in both.
PENSTOCK_FUZZ(field_value, bytes) {
  if (bytes.size() < 2) return;
  const auto first = static_cast<unsigned char>(bytes[0]);
  const auto second = static_cast<unsigned char>(bytes[1]);
  const auto& source = sources()[(first & 0x7FU) % sources().size()];
  const auto& target = wanted_types()[second % wanted_types().size()];
  const std::vector<char> value(bytes.begin() + 2, bytes.end());  // of its own size, for reads beyond it
  const std::string_view field(value.data(), value.size());
  (void)ColumnType::parse(field);
  if ((first & 0x80U) != 0) {
    (void)decode(source, target, field, WireForm::Text);
    return;
  }
  const auto text = value_text(source, field);
  if (!FieldDecoder::takes_binary(source, target)) return;
  const auto decoded = decode(source, target, field, WireForm::Binary);
  if (text && decoded.outcome != FieldOutcome::Malformed)
    FUZZ_REQUIRE(decode(source, target, *text, WireForm::Text) == decoded);
}

}  // namespace penstock
