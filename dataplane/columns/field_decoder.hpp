#pragma once

// A source field's bytes to a value in a column, once, without a string or allocation in between. The result
// is the same for the binary form (COPY binary, pgoutput binary) and the text form, what the type's
// output function prints (pgoutput text).

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "dataplane/columns/column.hpp"
#include "dataplane/columns/pg_type.hpp"

namespace penstock {

enum class WireForm { Binary, Text };

/// What became of one value.
enum class FieldOutcome {
  Exact,
  Clamped,  ///< a date or time outside of the target's range, moved to its edge (counted by the caller)
  Unrepresentable,  ///< a number the target cannot hold; nothing was appended (or NULL, if asked for: Nulled)
  Nulled,           ///< unrepresentable, NULL appended because the column says `unrepresentable: Null`
  NotNullable,      ///< NULL for a column that holds none; nothing was appended
  Malformed,        ///< the bytes are not a value of the type; nothing was appended
};

class FieldDecoder;

/// How values of one source type become values of one column type; FieldDecoder's inside.
struct Conversion {
  /// Appends one value, or nothing when the outcome is Unrepresentable or Malformed.
  using Append = FieldOutcome (*)(const Conversion&, Column&, std::string_view);

  Append binary = nullptr;  ///< none: the pair has only a text form
  Append text = nullptr;
  int precision = 0;  ///< of the target, as in ColumnType
  int scale = 0;
  char delimiter = ',';  ///< between an array's elements in text
  std::shared_ptr<const FieldDecoder> element;
  std::shared_ptr<const std::vector<std::string>> labels;  ///< of an Enum, sorted
};

class FieldDecoder {
 public:
  /// Whether a column of `source` for `target` is decoded from its binary form; if not, COPY must
  /// select what the type's output function prints (not `column::text`, which differs for inet and others),
  /// and pgoutput must run in text mode for its table.
  [[nodiscard]] static bool takes_binary(const PgType& source, const ColumnType& target);

  /// Whether any value of `source` can become one of `target`; if not (uuid for Int32), every value is
  /// Unrepresentable.
  [[nodiscard]] static bool converts(const PgType& source, const ColumnType& target);

  /// `null_if_unrepresentable` has an effect where `target` takes NULL: Nullable types, and arrays, whose
  /// NULL is [].
  FieldDecoder(const PgType& source, const ColumnType& target, bool null_if_unrepresentable);

  /// Appends one value that is not NULL (NULL: call column.append_null()). Never throws on any bytes, never
  /// reads beyond them. Binary is only valid where takes_binary(); Text always is. `column` is of the
  /// target's type.
  [[nodiscard]] FieldOutcome append(Column& column, std::string_view bytes, WireForm form) const {
    const Conversion::Append convert = form == WireForm::Binary ? conversion_.binary : conversion_.text;
    if (convert == nullptr) return FieldOutcome::Malformed;
    const FieldOutcome outcome = convert(conversion_, column, bytes);
    if (outcome != FieldOutcome::Unrepresentable || !null_if_unrepresentable_) return outcome;
    column.append_null();
    return FieldOutcome::Nulled;
  }

 private:
  Conversion conversion_;
  bool null_if_unrepresentable_ = false;
};

}  // namespace penstock
