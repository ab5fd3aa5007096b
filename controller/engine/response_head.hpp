#pragma once

#include <string>
#include <string_view>

namespace penstock::engine {

/// An answer's status line and header fields (RFC 9112). No value can end its field and begin another:
/// control characters become '?'.
class ResponseHead {
 public:
  ResponseHead(int status, bool http_1_0, bool keep_alive);

  void add(std::string_view name, std::string_view value);
  /// All of it, with the empty line that ends it.
  [[nodiscard]] std::string text() const { return text_ + "\r\n"; }

 private:
  std::string text_;
};

/// True for what must not stand in a header field: U+0000 to U+001F, and DEL.
[[nodiscard]] bool has_control_character(std::string_view text);

}  // namespace penstock::engine
