#include "dataplane/columns/widening.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace penstock {
namespace {

using Kind = ColumnType::Kind;

/// Whether `wanted` holds every value of `present`, and more.
bool is_wider(const ColumnType& present, const ColumnType& wanted) {
  constexpr std::array kIntegers{Kind::Int8, Kind::Int16, Kind::Int32, Kind::Int64};
  const auto from = std::find(kIntegers.begin(), kIntegers.end(), present.kind);
  const auto to = std::find(kIntegers.begin(), kIntegers.end(), wanted.kind);
  if (from != kIntegers.end() && to != kIntegers.end()) return from < to;
  if (present.kind == Kind::Float32) return wanted.kind == Kind::Float64;
  if (present.kind == Kind::Array && wanted.kind == Kind::Array && present.element && wanted.element)
    return present.element->nullable == wanted.element->nullable &&
           is_wider(*present.element, *wanted.element);
  if (present.kind != Kind::Decimal || wanted.kind != Kind::Decimal) return false;
  const int whole = present.precision - present.scale, wanted_whole = wanted.precision - wanted.scale;
  return wanted_whole >= whole && wanted.scale >= present.scale &&
         (wanted_whole > whole || wanted.scale > present.scale);
}

/// Whether the two are one type but for NULL.
bool is_same(const ColumnType& present, const ColumnType& wanted) {
  const auto exact = [](const ColumnType& type) { return std::tuple(type.kind, type.precision, type.scale); };
  return present.kind != Kind::Other && present.kind != Kind::Array && exact(present) == exact(wanted);
}

std::string without_wrappers(const ColumnType& type) {
  std::string_view text = type.text;
  for (const std::string_view wrapper : {"LowCardinality(", "Nullable("})
    if (text.starts_with(wrapper)) text = text.substr(wrapper.size(), text.size() - wrapper.size() - 1);
  return std::string(text);
}

}  // namespace

std::optional<std::string> widened_type(const ColumnType& present, const ColumnType& wanted) {
  const bool wider = is_wider(present, wanted);
  const bool takes_null = !present.nullable && wanted.nullable;
  if (!wider && !(takes_null && is_same(present, wanted))) return std::nullopt;
  auto out = without_wrappers(wider ? wanted : present);
  if (present.nullable || wanted.nullable) out = fmt::format("Nullable({})", out);
  return present.low_cardinality ? fmt::format("LowCardinality({})", out) : out;
}

}  // namespace penstock
