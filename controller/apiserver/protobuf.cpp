#include "controller/apiserver/protobuf.hpp"

#include <bit>

namespace penstock::apiserver {

namespace {
constexpr std::uint32_t kVarint = 0;
constexpr std::uint32_t kFixed64 = 1;
constexpr std::uint32_t kDelimited = 2;
constexpr std::uint32_t kFixed32 = 5;
}  // namespace

void ProtoWriter::raw(std::uint64_t value) {
  for (; value >= 0x80U; value >>= 7U) {
    text_ += static_cast<char>((value & 0x7FU) | 0x80U);
  }
  text_ += static_cast<char>(value);
}

void ProtoWriter::varint(std::uint32_t field, std::uint64_t value) {
  raw((std::uint64_t{field} << 3U) | kVarint);
  raw(value);
}

void ProtoWriter::real(std::uint32_t field, double value) {
  raw((std::uint64_t{field} << 3U) | kFixed64);
  const auto bits = std::bit_cast<std::uint64_t>(value);
  for (unsigned byte = 0; byte < 8; ++byte) {
    text_ += static_cast<char>((bits >> (byte * 8U)) & 0xFFU);
  }
}

void ProtoWriter::bytes(std::uint32_t field, std::string_view value) {
  raw((std::uint64_t{field} << 3U) | kDelimited);
  raw(value.size());
  text_ += value;
}

std::optional<std::uint64_t> ProtoReader::varint() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && !text_.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(text_.front());
    text_.remove_prefix(1);
    value |= std::uint64_t{byte & 0x7FU} << shift;
    if ((byte & 0x80U) == 0) return value;
  }
  return std::nullopt;
}

std::optional<std::uint64_t> ProtoReader::fixed(std::size_t width) {
  if (text_.size() < width) return std::nullopt;
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < width; ++i) {
    value |= std::uint64_t{static_cast<unsigned char>(text_[i])} << (8 * i);
  }
  text_.remove_prefix(width);
  return value;
}

std::optional<ProtoField> ProtoReader::fail() {
  failed_ = true;
  return std::nullopt;
}

std::optional<ProtoField> ProtoReader::next() {
  if (failed_ || text_.empty()) return std::nullopt;
  const auto tag = varint();
  if (!tag || (*tag >> 3U) == 0 || (*tag >> 3U) > 0x1FFFFFFFU) return fail();
  ProtoField field{.number = static_cast<std::uint32_t>(*tag >> 3U)};
  const auto wire = static_cast<std::uint32_t>(*tag & 7U);
  if (wire == kDelimited) {
    const auto size = varint();
    if (!size || *size > text_.size()) return fail();
    field.bytes = text_.substr(0, *size);
    field.delimited = true;
    text_.remove_prefix(*size);
    return field;
  }
  std::optional<std::uint64_t> value;
  if (wire == kVarint) value = varint();
  if (wire == kFixed64) value = fixed(8);
  if (wire == kFixed32) value = fixed(4);
  if (!value) return fail();
  field.value = *value;
  return field;
}

}  // namespace penstock::apiserver
