#include "dataplane/pipeline/key_value.hpp"

#include <cmath>
#include <cstring>
#include <string_view>
#include <vector>

#include "dataplane/pipeline/row.hpp"

namespace penstock::pipeline {
namespace {

using postgres::pgoutput::Field;

bool append(const BoundColumn& column, Column& to, const Field& field) {
  const auto form = field.kind == Field::Kind::Binary ? WireForm::Binary : WireForm::Text;
  const auto outcome = append_field(column, to, field.kind == Field::Kind::Null, field.bytes, form);
  return outcome != FieldOutcome::Unrepresentable && outcome != FieldOutcome::Malformed;
}

/// As ClickHouse compares them in a sorting key: 0 is −0, and one NaN is another.
template <typename Float>
bool same_floats(std::string_view one, std::string_view other) {
  if (one.size() != other.size()) return false;
  for (std::size_t at = 0; at + sizeof(Float) <= one.size(); at += sizeof(Float)) {
    Float a = 0;
    Float b = 0;
    std::memcpy(&a, one.data() + at, sizeof a);
    std::memcpy(&b, other.data() + at, sizeof b);
    if (a != b && !(std::isnan(a) && std::isnan(b))) return false;
  }
  return true;
}

bool same_values(const ColumnType& type, std::string_view one, std::string_view other) {
  if (type.kind == ColumnType::Kind::Array) return same_values(*type.element, one, other);
  if (type.kind == ColumnType::Kind::Float32) return same_floats<float>(one, other);
  if (type.kind == ColumnType::Kind::Float64) return same_floats<double>(one, other);
  return one == other;
}

}  // namespace

bool same_key_value(const BoundColumn& column, const ColumnType& type, const Field& before,
                    const Field& after) {
  if (before.kind == after.kind && before.bytes == after.bytes) return true;
  Column one(type);
  Column other(type);
  if (!append(column, one, before) || !append(column, other, after)) return false;
  std::vector<std::string_view> pieces;
  std::vector<std::string_view> others;
  one.pieces(pieces);
  other.pieces(others);
  if (pieces.size() != others.size()) return false;
  // What is NULL and where arrays end comes before the values.
  for (std::size_t at = 0; at + 1 < pieces.size(); ++at)
    if (pieces[at] != others[at]) return false;
  return same_values(type, pieces.back(), others.back());
}

}  // namespace penstock::pipeline
