#pragma once

// A source field's bytes to a value in a column, once, without a string or allocation in between. The result is
// the same for the binary form (COPY binary, pgoutput binary) and the text form (pgoutput text, `::text`).

#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.hpp"
#include "dataplane/columns/column.hpp"
#include "dataplane/columns/pg_type.hpp"

namespace penstock {

enum class WireForm { Binary, Text };

/// What became of one value.
enum class FieldOutcome {
  Exact,
  Clamped,          ///< a date or time outside of the target's range, moved to its edge (counted by the caller)
  Unrepresentable,  ///< a number the target cannot hold; nothing was appended (or NULL, if asked for: Nulled)
  Nulled,           ///< unrepresentable, NULL appended because the column says `unrepresentable: Null`
  Malformed,        ///< the bytes are not a value of the type; nothing was appended
};

class FieldDecoder {
 public:
  /// Whether a column of `source` for `target` is decoded from its binary form; if not, it must be selected as
  /// `column::text` in COPY, and pgoutput must run in text mode for its table.
  [[nodiscard]] static bool takes_binary(const PgType& source, const ColumnType& target);

  FieldDecoder(const PgType& source, const ColumnType& target, bool null_if_unrepresentable);

  /// Appends one value that is not NULL (NULL: call column.append_null()). Never throws on any bytes, never reads
  /// beyond them. Binary is only valid where takes_binary(); Text always is.
  [[nodiscard]] FieldOutcome append(Column& column, std::string_view bytes, WireForm form) const;

 private:
  using Append = FieldOutcome (*)(const FieldDecoder&, Column&, std::string_view);
  Append binary_ = nullptr;
  Append text_ = nullptr;
  int source_scale_ = 0;
  int precision_ = 0;
  int scale_ = 0;
  bool null_if_unrepresentable_ = false;
  std::shared_ptr<const FieldDecoder> element_;
};

}  // namespace penstock
