#include <array>
#include <cstdint>

#include "dataplane/columns/conversions.hpp"

namespace penstock::conversions {

namespace {

/// The value of a hexadecimal digit, -1 for what is none.
int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// Two hexadecimal digits for each byte of `out`; false where one is none.
bool decode_hex(const char* digits, std::size_t count, char* out) {
  int bad = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const int high = hex_value(digits[2 * i]);
    const int low = hex_value(digits[2 * i + 1]);
    bad |= high | low;
    out[i] = static_cast<char>(high * 16 + low);
  }
  return bad >= 0;
}

FieldOutcome bytes_as_they_are(const Conversion& /*conversion*/, Column& column, std::string_view bytes) {
  column.append_string(bytes);
  return FieldOutcome::Exact;
}

/// PostgreSQL source, jsonb.c, jsonb_send(): a version, always 1, before the text.
FieldOutcome jsonb_binary(const Conversion& /*conversion*/, Column& column, std::string_view bytes) {
  if (bytes.empty() || bytes.front() != 1) return FieldOutcome::Malformed;
  column.append_string(bytes.substr(1));
  return FieldOutcome::Exact;
}

/// \x and hexadecimal digits: bytea_output is pinned to hex.
FieldOutcome bytea_text(const Conversion& /*conversion*/, Column& column, std::string_view bytes) {
  if (!bytes.starts_with("\\x") || bytes.size() % 2 != 0) return FieldOutcome::Malformed;
  const std::size_t size = (bytes.size() - 2) / 2;
  char* const out = column.append_string_space(size);
  if (decode_hex(bytes.data() + 2, size, out)) return FieldOutcome::Exact;
  column.truncate(column.rows() - 1);
  return FieldOutcome::Malformed;
}

FieldOutcome bool_binary(const Conversion& /*conversion*/, Column& column, std::string_view bytes) {
  if (bytes.size() != 1 || static_cast<unsigned char>(bytes[0]) > 1) return FieldOutcome::Malformed;
  column.append_string(bytes[0] == 1 ? "t" : "f");
  return FieldOutcome::Exact;
}

/// boolout's t and f; a cast to text says true and false.
FieldOutcome bool_text(const Conversion& /*conversion*/, Column& column, std::string_view bytes) {
  const bool yes = bytes == "t" || bytes == "true";
  if (!yes && bytes != "f" && bytes != "false") return FieldOutcome::Malformed;
  column.append_string(yes ? "t" : "f");
  return FieldOutcome::Exact;
}

/// A UUID as ClickHouse keeps it: two UInt64, the text's first half first, each in little-endian order.
FieldOutcome store_uuid(Column& column, const char* bytes) {
  std::array<char, 16> stored;
  for (std::size_t i = 0; i < 8; ++i) {
    stored[i] = bytes[7 - i];
    stored[8 + i] = bytes[15 - i];
  }
  column.append_fixed(stored);
  return FieldOutcome::Exact;
}

FieldOutcome uuid_binary(const Conversion& /*conversion*/, Column& column, std::string_view bytes) {
  return bytes.size() == 16 ? store_uuid(column, bytes.data()) : FieldOutcome::Malformed;
}

/// Hexadecimal digits in groups of 8-4-4-4-12.
FieldOutcome uuid_text(const Conversion& /*conversion*/, Column& column, std::string_view bytes) {
  if (bytes.size() != 36) return FieldOutcome::Malformed;
  constexpr std::array<std::size_t, 5> kGroups{4, 2, 2, 2, 6};
  std::array<char, 16> value;
  const char* digits = bytes.data();
  char* out = value.data();
  for (std::size_t group = 0; group < kGroups.size(); ++group) {
    if (group > 0 && *digits++ != '-') return FieldOutcome::Malformed;
    if (!decode_hex(digits, kGroups[group], out)) return FieldOutcome::Malformed;
    digits += 2 * kGroups[group];
    out += kGroups[group];
  }
  return store_uuid(column, value.data());
}

}  // namespace

Forms to_string(TypeFamily source) {
  switch (source) {
    case TypeFamily::Bool:
      return {bool_binary, bool_text};
    case TypeFamily::Bytea:
      return {bytes_as_they_are, bytea_text};
    case TypeFamily::Jsonb:
      return {jsonb_binary, bytes_as_they_are};
    case TypeFamily::Text:
      return {bytes_as_they_are, bytes_as_they_are};
    default:
      return {nullptr, bytes_as_they_are};
  }
}

Forms to_uuid(TypeFamily source) {
  return source == TypeFamily::Uuid ? Forms{uuid_binary, uuid_text} : from_foreign_text<uuid_text>(source);
}

}  // namespace penstock::conversions
