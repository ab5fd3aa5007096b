#include "dataplane/columns/field_decoder.hpp"

#include "dataplane/columns/conversions.hpp"

namespace penstock {

namespace {

using Kind = ColumnType::Kind;

FieldOutcome never(const Conversion& /*conversion*/, Column& /*column*/, std::string_view /*bytes*/) {
  return FieldOutcome::Unrepresentable;
}

/// What an array's elements are; those of a vector are float4, those of a text that may hold an array are
/// text.
PgType element_of(const PgType& source) {
  constexpr std::uint32_t kText = 25;
  constexpr std::uint32_t kFloat4 = 700;
  const TypeFamily family = family_of(source);
  if (family == TypeFamily::Array) return *source.element;
  PgType element;
  element.oid = family == TypeFamily::Vector ? kFloat4 : kText;
  return element;
}

conversions::Forms array_forms(const PgType& source, const ColumnType& target) {
  conversions::Forms forms = conversions::to_array(family_of(source));
  const PgType element = element_of(source);
  if (!FieldDecoder::converts(element, *target.element)) return {};
  if (!FieldDecoder::takes_binary(element, *target.element)) forms.binary = nullptr;
  return forms;
}

conversions::Forms choose(const PgType& source, const ColumnType& target) {
  const TypeFamily family = family_of(source);
  switch (target.kind) {
    case Kind::Other:
      if (const auto forms = conversions::to_wide_integer(target)) return *forms;
      if (conversions::enum_labels(target)) return conversions::to_enum(family);
      return conversions::to_string(family);
    case Kind::String:
      return conversions::to_string(family);
    case Kind::Uuid:
      return conversions::to_uuid(family);
    case Kind::Float32:
    case Kind::Float64:
      return conversions::to_float(family, target.kind);
    case Kind::Decimal:
      return conversions::to_decimal(family, target.precision);
    case Kind::Date:
    case Kind::Date32:
    case Kind::DateTime:
    case Kind::DateTime64:
      return conversions::to_instant(family, target);
    case Kind::Time64:
      return conversions::to_time(family);
    case Kind::Array:
      return array_forms(source, target);
    default:
      return conversions::to_integer(family, target.kind);
  }
}

/// box is the one type whose arrays are delimited otherwise (PostgreSQL docs, pg_type.typdelim).
char delimiter_of(const PgType& element) {
  constexpr std::uint32_t kBox = 603;
  return element.oid == kBox ? ';' : ',';
}

}  // namespace

bool FieldDecoder::takes_binary(const PgType& source, const ColumnType& target) {
  return choose(source, target).binary != nullptr;
}

bool FieldDecoder::converts(const PgType& source, const ColumnType& target) {
  return choose(source, target).text != nullptr;
}

FieldDecoder::FieldDecoder(const PgType& source, const ColumnType& target, bool null_if_unrepresentable)
    : null_if_unrepresentable_(null_if_unrepresentable && (target.nullable || target.kind == Kind::Array)) {
  const conversions::Forms forms = choose(source, target);
  conversion_.binary = forms.binary;
  conversion_.text = forms.text == nullptr ? never : forms.text;
  conversion_.precision = target.precision;
  conversion_.scale = target.scale;
  if (auto labels = conversions::enum_labels(target); labels && target.kind == Kind::Other)
    conversion_.labels = std::make_shared<const std::vector<std::string>>(*std::move(labels));
  if (target.kind != Kind::Array) return;
  const PgType element = element_of(source);
  conversion_.delimiter = delimiter_of(element);
  conversion_.element =
      std::make_shared<const FieldDecoder>(element, *target.element, null_if_unrepresentable);
}

}  // namespace penstock
