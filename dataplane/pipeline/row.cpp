#include "dataplane/pipeline/row.hpp"

#include <fmt/format.h>

#include "dataplane/columns/value_text.hpp"

namespace penstock::pipeline {
namespace {

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
  constexpr std::size_t kMost = 100;
  if (null) return "NULL";
  if (form == WireForm::Text) return std::string(bytes.substr(0, kMost));
  if (const auto text = value_text(type, bytes)) return text->substr(0, kMost);
  return fmt::format("a {}", type.name);
}

Status append_loaded_row(const Binding& binding, Block& block, std::span<const postgres::FieldView> fields,
                         const RowVersion& version, ClampCounts& clamped) {
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
  append_control(binding, block, version, false);
  return {};
}

}  // namespace penstock::pipeline
