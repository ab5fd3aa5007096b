#include "controller/apiserver/base64.hpp"

#include <algorithm>
#include <cstdint>

namespace penstock::apiserver {

namespace {
constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
}

std::string base64_encode(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    for (std::size_t j = 0; j < 3; ++j) {
      group = (group << 8U) | (j < count ? static_cast<unsigned char>(bytes[i + j]) : 0U);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      text += j <= count ? kAlphabet[(group >> (18U - 6U * j)) & 0x3FU] : '=';
    }
  }
  return text;
}

std::optional<std::string> base64_decode(std::string_view text) {
  std::string bytes;
  std::uint32_t group = 0;
  std::size_t count = 0;
  std::size_t padding = 0;
  for (const char c : text) {
    if (c == '\n' || c == '\r') continue;
    const auto value = kAlphabet.find(c);
    if (c == '=') {
      ++padding;
    } else if (value == std::string_view::npos || padding > 0) {
      return std::nullopt;
    }
    group = (group << 6U) | (c == '=' ? 0U : static_cast<std::uint32_t>(value));
    if (++count % 4 != 0) continue;
    if (padding > 2) return std::nullopt;
    for (std::size_t i = 0; i + padding < 3; ++i) {
      bytes += static_cast<char>((group >> (16U - 8U * i)) & 0xFFU);
    }
    group = 0;
  }
  if (count % 4 != 0) return std::nullopt;
  return bytes;
}

}  // namespace penstock::apiserver
