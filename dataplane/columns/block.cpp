#include <array>
#include <utility>

#include "dataplane/columns/column.hpp"

namespace penstock {

namespace {

void append_varint(std::string& out, std::uint64_t value) {
  std::array<char, kMaxVarint> bytes{};
  out.append(bytes.data(), write_varint(bytes.data(), value));
}

void append_counted(std::string& out, std::string_view text) {
  append_varint(out, text.size());
  out.append(text);
}

}  // namespace

Block::Block(const std::vector<Field>& fields) {
  names_.reserve(fields.size());
  columns_.reserve(fields.size());
  for (const Field& field : fields) {
    names_.push_back(field.name);
    columns_.emplace_back(field.type);
  }
}

std::size_t Block::bytes() const {
  std::size_t sum = 0;
  for (const Column& column : columns_)
    sum += column.bytes();
  return sum;
}

void Block::truncate(std::size_t rows) {
  for (Column& column : columns_)
    column.truncate(rows);
}

void Block::clear() {
  truncate(0);
}

// ClickHouse docs, "Native format": counts of columns and rows, then each column's name, type and body.
void Block::native_pieces(std::vector<std::string>& scratch, std::vector<std::string_view>& out) const {
  scratch.assign(columns_.size(), {});  // its final size at once: short strings move with their vector
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    assert(columns_[i].rows() == rows());
    std::string& header = scratch[i];
    if (i == 0) {
      append_varint(header, columns_.size());
      append_varint(header, rows());
    }
    append_counted(header, names_[i]);
    append_counted(header, columns_[i].type().wire_text());
    out.emplace_back(header);
    columns_[i].pieces(out);
  }
}

}  // namespace penstock
