#pragma once

// Typed column buffers: values are appended once, in ClickHouse's own memory layout, and leave as a Native
// block without another copy per value. No allocation per value: buffers grow geometrically and keep their
// capacity.

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/columns/byte_buffer.hpp"
#include "dataplane/columns/column_type.hpp"

namespace penstock {

/// One column of a block. Not thread-safe; movable. Append calls must match the type's kind (checked by
/// assert).
class Column {
 public:
  explicit Column(ColumnType type);
  Column(Column&&) noexcept = default;
  Column& operator=(Column&&) noexcept = default;

  [[nodiscard]] const ColumnType& type() const { return type_; }
  [[nodiscard]] std::size_t rows() const { return rows_; }
  [[nodiscard]] std::size_t bytes() const;  ///< payload, not capacity

  /// A value of fixed width in little-endian order, as ClickHouse stores it (Int32: 4 bytes, UUID: two
  /// UInt64).
  template <typename T>
  void append_fixed(const T& value) {
    append_raw(&value, sizeof value);
  }
  void append_raw(const void* data, std::size_t size);
  void append_string(std::string_view value);
  /// A string value of `size` bytes that the caller writes at the returned place, before any other call.
  [[nodiscard]] char* append_string_space(std::size_t size);
  /// Whether NULL is a value of its own here, or an array's [].
  [[nodiscard]] bool takes_null() const { return type_.nullable || element_; }
  /// NULL where the type is Nullable, else the type's default value (0, '', 1970-01-01, [], the first of an
  /// Enum): for what was not sent. A NULL that was sent is another value than those: ask takes_null() first.
  void append_null();
  /// Array: append the elements to `element()`, then close the row.
  [[nodiscard]] Column& element() { return *element_; }
  void close_array();

  /// Takes back rows beyond `rows` (a row that failed half-way). `element()` rows included, those of an array
  /// that was not closed too.
  void truncate(std::size_t rows);
  void clear();  ///< keeps the capacity

  /// The column's body in the Native format, appended as pieces that stay valid until the next append.
  void pieces(std::vector<std::string_view>& out) const;

 private:
  void mark_present() {
    if (type_.nullable) nulls_.append_byte(0);
    ++rows_;
  }

  ColumnType type_;
  std::size_t width_ = 0;  // of a value; 0 for strings and arrays
  std::size_t rows_ = 0;
  std::string default_;                 // what a String body holds where there is no value
  ByteBuffer data_;                     // fixed values, or varint-length-prefixed strings
  ByteBuffer nulls_;                    // one byte a row, Nullable only
  std::vector<std::uint64_t> offsets_;  // Array: end offsets of rows; strings: end byte of rows, for truncate
  std::unique_ptr<Column> element_;
};

/// A batch of rows for one table: named columns of equal length.
class Block {
 public:
  struct Field {
    std::string name;
    ColumnType type;
  };
  explicit Block(const std::vector<Field>& fields);

  [[nodiscard]] std::size_t rows() const { return columns_.empty() ? 0 : columns_.front().rows(); }
  [[nodiscard]] std::size_t bytes() const;
  [[nodiscard]] std::size_t width() const { return columns_.size(); }
  [[nodiscard]] Column& column(std::size_t index) { return columns_[index]; }
  [[nodiscard]] const Column& column(std::size_t index) const { return columns_[index]; }
  [[nodiscard]] const std::string& name(std::size_t index) const { return names_[index]; }
  void truncate(std::size_t rows);
  void clear();

  /// The block in the Native format (no block info: what HTTP uses at protocol revision 0): `scratch` is
  /// replaced by a header string per column, and pieces of it and of the columns' memory are appended to
  /// `out`. Valid until the block changes or `scratch` changes or dies.
  void native_pieces(std::vector<std::string>& scratch, std::vector<std::string_view>& out) const;

 private:
  std::vector<std::string> names_;
  std::vector<Column> columns_;
};

/// Writes `value` as ClickHouse's VarUInt (LEB128: seven bits a byte, lowest first) and returns the end.
/// At most kMaxVarint bytes.
inline constexpr std::size_t kMaxVarint = 10;
inline char* write_varint(char* out, std::uint64_t value) {
  while (value >= 0x80) {
    *out++ = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  *out++ = static_cast<char>(value);
  return out;
}

inline void Column::append_raw(const void* data, std::size_t size) {
  assert(size == width_);
  data_.append(data, size);
  mark_present();
}

inline char* Column::append_string_space(std::size_t size) {
  assert(width_ == 0 && !element_);
  char* const start = data_.room(size + kMaxVarint);
  char* const text = write_varint(start, size);
  data_.grown(static_cast<std::size_t>(text - start) + size);
  offsets_.push_back(data_.size());
  mark_present();
  return text;
}

inline void Column::append_string(std::string_view value) {
  char* const text = append_string_space(value.size());
  if (!value.empty()) std::memcpy(text, value.data(), value.size());
}

}  // namespace penstock
