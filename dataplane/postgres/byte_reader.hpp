#pragma once

#include <cstdint>
#include <string_view>

namespace penstock::postgres {

/// Takes numbers in network order and text off the front of a message. Nothing is read beyond its end: a take
/// that does not fit yields 0 or "", and from then on ok() is false and every take yields nothing.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] std::size_t left() const { return rest_.size(); }
  /// All was taken and all of it was there.
  [[nodiscard]] bool finished() const { return ok_ && rest_.empty(); }

  std::uint8_t u8() { return static_cast<std::uint8_t>(number<1>()); }
  std::int16_t i16() { return static_cast<std::int16_t>(number<2>()); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(number<4>()); }
  std::int32_t i32() { return static_cast<std::int32_t>(number<4>()); }
  std::uint64_t u64() { return number<8>(); }
  std::int64_t i64() { return static_cast<std::int64_t>(number<8>()); }

  /// `size` bytes; a negative size does not fit.
  std::string_view bytes(std::int64_t size) {
    if (!ok_ || size < 0 || static_cast<std::uint64_t>(size) > rest_.size()) return refuse();
    const auto out = rest_.substr(0, static_cast<std::size_t>(size));
    rest_.remove_prefix(out.size());
    return out;
  }

  /// Text up to a zero byte, which is taken too.
  std::string_view text() {
    const auto end = rest_.find('\0');
    if (!ok_ || end == std::string_view::npos) return refuse();
    const auto out = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return out;
  }

 private:
  template <std::size_t size>
  std::uint64_t number() {
    if (!ok_ || rest_.size() < size) {
      refuse();
      return 0;
    }
    std::uint64_t out = 0;
    for (std::size_t at = 0; at < size; ++at)
      out = out << 8 | static_cast<std::uint8_t>(rest_[at]);
    rest_.remove_prefix(size);
    return out;
  }

  std::string_view refuse() {
    ok_ = false;
    rest_ = {};
    return {};
  }

  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace penstock::postgres
