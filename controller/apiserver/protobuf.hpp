#pragma once

// The wire format of Protocol Buffers (protobuf.dev, "Encoding"), as much of it as a few small messages need.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace penstock::apiserver {

/// Builds a message, field by field. Empty strings are written (presence matters to some readers); the
/// callers leave out what they do not want.
class ProtoWriter {
 public:
  void varint(std::uint32_t field, std::uint64_t value);
  void boolean(std::uint32_t field, bool value) { varint(field, value ? 1 : 0); }
  void real(std::uint32_t field, double value);
  void bytes(std::uint32_t field, std::string_view value);
  void message(std::uint32_t field, const ProtoWriter& value) { bytes(field, value.text_); }

  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  void raw(std::uint64_t value);
  std::string text_;
};

/// One field as it is on the wire.
struct ProtoField {
  std::uint32_t number = 0;
  std::uint64_t value = 0;   ///< varint and fixed-width fields
  std::string_view bytes{};  ///< length-delimited fields; a view into what is read
  bool delimited = false;
};

/// Reads the fields of one message in turn. Hostile input ends in `failed()`, never further.
class ProtoReader {
 public:
  explicit ProtoReader(std::string_view text) : text_(text) {}

  /// Nothing at the end, or at a fault.
  [[nodiscard]] std::optional<ProtoField> next();
  [[nodiscard]] bool failed() const { return failed_; }

 private:
  std::optional<std::uint64_t> varint();
  std::optional<std::uint64_t> fixed(std::size_t width);
  std::optional<ProtoField> fail();

  std::string_view text_;
  bool failed_ = false;
};

}  // namespace penstock::apiserver
