#include "dataplane/columns/column.hpp"

#include <bit>

#include "dataplane/columns/default_text.hpp"

namespace penstock {

static_assert(std::endian::native == std::endian::little, "columns are kept as ClickHouse sends them");

namespace {

std::size_t fixed_width(const ColumnType& type) {
  using Kind = ColumnType::Kind;
  switch (type.kind) {
    case Kind::Bool:
    case Kind::Int8:
    case Kind::UInt8:
      return 1;
    case Kind::Int16:
    case Kind::UInt16:
    case Kind::Date:
      return 2;
    case Kind::Int32:
    case Kind::UInt32:
    case Kind::Float32:
    case Kind::Date32:
    case Kind::DateTime:
      return 4;
    case Kind::Int64:
    case Kind::UInt64:
    case Kind::Float64:
    case Kind::DateTime64:
    case Kind::Time64:
      return 8;
    case Kind::Uuid:
    case Kind::UInt128:
      return 16;
    case Kind::Decimal:
      return type.precision <= 9 ? 4 : type.precision <= 18 ? 8 : type.precision <= 38 ? 16 : 32;
    case Kind::String:
    case Kind::Array:
    case Kind::Other:
      return 0;
  }
  return 0;
}

std::string_view as_bytes(const std::vector<std::uint64_t>& numbers) {
  return {reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(std::uint64_t)};
}

}  // namespace

Column::Column(ColumnType type) : type_(std::move(type)), width_(fixed_width(type_)) {
  if (type_.kind == ColumnType::Kind::Other && !type_.nullable) default_ = default_text(type_);
  if (type_.kind == ColumnType::Kind::Array) element_ = std::make_unique<Column>(*type_.element);
}

std::size_t Column::bytes() const {
  const std::size_t own = data_.size() + nulls_.size();
  return element_ ? own + as_bytes(offsets_).size() + element_->bytes() : own;
}

void Column::append_null() {
  if (element_) return close_array();
  if (width_ != 0) {
    data_.append_zeros(width_);
    mark_present();
  } else {
    append_string(default_);
  }
  if (type_.nullable) {
    nulls_.shrink(nulls_.size() - 1);
    nulls_.append_byte(1);
  }
}

void Column::close_array() {
  assert(element_);
  offsets_.push_back(element_->rows());
  mark_present();
}

void Column::truncate(std::size_t rows) {
  if (rows > rows_) return;
  rows_ = rows;
  if (type_.nullable) nulls_.shrink(rows);
  if (width_ != 0) return data_.shrink(rows * width_);
  offsets_.resize(rows);
  const std::size_t end = rows == 0 ? 0 : offsets_.back();
  if (element_) {
    element_->truncate(end);
  } else {
    data_.shrink(end);
  }
}

void Column::clear() {
  truncate(0);
}

void Column::pieces(std::vector<std::string_view>& out) const {
  if (rows_ == 0) return;
  if (type_.nullable) out.push_back(nulls_.view());
  if (element_) {
    out.push_back(as_bytes(offsets_));
    element_->pieces(out);
  } else {
    out.push_back(data_.view());
  }
}

}  // namespace penstock
