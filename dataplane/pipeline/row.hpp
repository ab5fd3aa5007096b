#pragma once

// One source row into a block, field by field.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/lsn.hpp"
#include "dataplane/columns/column.hpp"
#include "dataplane/pipeline/binding.hpp"
#include "dataplane/postgres/copy_reader.hpp"

namespace penstock::pipeline {

/// How many values of each bound column were moved to the edge of the target's range.
using ClampCounts = std::vector<std::uint64_t>;

/// Appends `bytes` (or NULL) to the bound column's place in the block. Fails with UnrepresentableValue
/// (BadData).
[[nodiscard]] inline FieldOutcome append_field(const BoundColumn& column, Column& to, bool null,
                                               std::string_view bytes, WireForm form) {
  if (null) {
    to.append_null();
    return FieldOutcome::Exact;
  }
  return column.decoder.append(to, bytes, form);
}

/// The control columns that close a row.
inline void append_control(const Binding& binding, Block& block, Lsn version, bool deleted, Lsn commit) {
  block.column(binding.version_index()).append_fixed(version.value);
  block.column(binding.deleted_index()).append_fixed(static_cast<std::uint8_t>(deleted));
  if (binding.append_only) block.column(binding.commit_index()).append_fixed(commit.value);
}

/// A field in the form a person reads, for naming a row's key in a message.
[[nodiscard]] std::string readable(const PgType& type, bool null, std::string_view bytes, WireForm form);

/// Appends a whole row of a load: fields in the order of binding.copy_columns(). On failure the block is as
/// before.
[[nodiscard]] Status append_loaded_row(const Binding& binding, Block& block,
                                       std::span<const postgres::FieldView> fields, Lsn version, Lsn snapshot,
                                       ClampCounts& clamped);

}  // namespace penstock::pipeline
