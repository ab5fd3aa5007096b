#pragma once

#include <string>
#include <utility>

namespace penstock {

/// Text that must not be seen: a password, a token, a private key. It has no formatter and no stream
/// operator, so that printing one does not compile; `reveal()` is the one way out, for the call that needs
/// it.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}

  [[nodiscard]] const std::string& reveal() const { return value_; }
  [[nodiscard]] bool empty() const { return value_.empty(); }
  bool operator==(const Secret&) const = default;

 private:
  std::string value_;
};

/// `text` with every occurrence of `secret` replaced by "***": for messages that come from a server or
/// library.
[[nodiscard]] std::string redact(std::string text, const Secret& secret);

}  // namespace penstock
