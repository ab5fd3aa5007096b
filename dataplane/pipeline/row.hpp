#pragma once

// One source row into a block, field by field.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/row_version.hpp"
#include "dataplane/columns/column.hpp"
#include "dataplane/pipeline/binding.hpp"
#include "dataplane/postgres/copy_reader.hpp"

namespace penstock::pipeline {

/// How many values of each bound column were moved to the edge of the target's range.
using ClampCounts = std::vector<std::uint64_t>;

/// Appends `bytes` (or NULL) to the bound column's place in the block. `deleted`: of a tombstone, whose
/// values beside the key nobody reads. On an outcome that is an error a value may have been appended all the
/// same.
[[nodiscard]] inline FieldOutcome append_field(const BoundColumn& column, Column& to, bool null,
                                               std::string_view bytes, WireForm form, bool deleted = false) {
  if (null) {
    if (!to.takes_null() && !deleted) return FieldOutcome::NotNullable;
    to.append_null();
    return FieldOutcome::Exact;
  }
  const auto outcome = column.decoder.append(to, bytes, form);
  // Two keys that are moved to the edge of the target's range would be one.
  return outcome == FieldOutcome::Clamped && column.exact ? FieldOutcome::Unrepresentable : outcome;
}

/// The control columns that close a row.
inline void append_control(const Binding& binding, Block& block, const RowVersion& version, bool deleted) {
  block.column(binding.version_index()).append_fixed(version.words());
  block.column(binding.deleted_index()).append_fixed(static_cast<std::uint8_t>(deleted));
}

/// A field in the form a person reads, for naming a row's key in a message.
[[nodiscard]] std::string readable(const PgType& type, bool null, std::string_view bytes, WireForm form);

/// Appends a whole row of a load: fields in the order of binding.copy_columns(). On failure the block is as
/// before.
[[nodiscard]] Status append_loaded_row(const Binding& binding, Block& block,
                                       std::span<const postgres::FieldView> fields, const RowVersion& version,
                                       ClampCounts& clamped);

}  // namespace penstock::pipeline
