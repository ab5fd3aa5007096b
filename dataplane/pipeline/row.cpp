#include "dataplane/pipeline/row.hpp"

#include <fmt/format.h>

namespace penstock::pipeline {
namespace {

std::int64_t big_endian(std::string_view bytes) {
  std::uint64_t value = !bytes.empty() && (bytes.front() & 0x80) ? ~std::uint64_t{0} : 0;
  for (const char c : bytes)
    value = value << 8 | static_cast<unsigned char>(c);
  return static_cast<std::int64_t>(value);
}

std::string uuid_text(std::string_view bytes) {
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    if (at == 4 || at == 6 || at == 8 || at == 10) out += '-';
    out += fmt::format("{:02x}", static_cast<unsigned char>(bytes[at]));
  }
  return out;
}

std::string key_of(const Binding& binding, std::span<const postgres::FieldView> fields) {
  std::string names;
  std::string values;
  for (std::size_t at = 0; at < binding.columns.size(); ++at) {
    const auto& column = binding.columns[at];
    if (!column.key) continue;
    names += (names.empty() ? "" : ", ") + column.name;
    values += (values.empty() ? "" : ", ") + readable(column.source_type, fields[at].null, fields[at].bytes,
                                                      column.as_text ? WireForm::Text : WireForm::Binary);
  }
  return names.empty() ? "" : fmt::format(", key ({})=({})", names, values);
}

}  // namespace

std::string readable(const PgType& type, bool null, std::string_view bytes, WireForm form) {
  constexpr std::uint32_t kInt8 = 20, kInt2 = 21, kInt4 = 23, kText = 25, kBpchar = 1042, kVarchar = 1043,
                          kUuid = 2950;
  if (null) return "NULL";
  if (form == WireForm::Text || type.oid == kText || type.oid == kBpchar || type.oid == kVarchar)
    return std::string(bytes.substr(0, 100));
  if (type.oid == kInt2 || type.oid == kInt4 || type.oid == kInt8) return std::to_string(big_endian(bytes));
  if (type.oid == kUuid) return uuid_text(bytes);
  return fmt::format("a {}", type.name);
}

Status append_loaded_row(const Binding& binding, Block& block, std::span<const postgres::FieldView> fields,
                         Lsn version, Lsn snapshot, ClampCounts& clamped) {
  const auto before = block.rows();
  for (std::size_t at = 0; at < binding.columns.size(); ++at) {
    const auto& column = binding.columns[at];
    const auto form = column.as_text ? WireForm::Text : WireForm::Binary;
    const auto outcome = append_field(column, block.column(at), fields[at].null, fields[at].bytes, form);
    if (outcome == FieldOutcome::Exact) continue;
    if (outcome == FieldOutcome::Clamped || outcome == FieldOutcome::Nulled) {
      ++clamped[at];
      continue;
    }
    block.truncate(before);
    return fail(unrepresentable(binding, column, key_of(binding, fields), outcome));
  }
  // Below every commit that the snapshot does not see, above every one that it does.
  append_control(binding, block, version, false, Lsn{snapshot.value - 1});
  return {};
}

}  // namespace penstock::pipeline
