#include "dataplane/clickhouse/server_text.hpp"

#include <charconv>

#include "core/utf8.hpp"

namespace penstock::clickhouse {
namespace {

constexpr std::size_t kTextLimit = 600;
constexpr int kUnknownException = 1002;  // UNKNOWN_EXCEPTION

/// Takes "Code: 60. DB::Exception: " off the front; ClickHouse nests it when one server asks another.
bool drop_code(std::string_view& text) {
  constexpr std::string_view kSign = "DB::Exception: ";
  if (!text.starts_with("Code: ")) return false;
  const auto at = text.find(kSign);
  if (at == std::string_view::npos || at > 40) return false;
  text.remove_prefix(at + kSign.size());
  return true;
}

/// From 25.11 on an exception in the middle of a result stands in a frame that no escaped value can look
/// like.
std::string_view framed_exception(std::string_view body) {
  const auto frame = body.find("\r\n__exception__\r\n");
  if (frame == std::string_view::npos) return {};
  const auto code = body.find("Code: ", frame);
  return code == std::string_view::npos ? body.substr(frame) : body.substr(code);
}

int code_in(std::string_view text) {
  constexpr std::string_view kSign = "Code: ";
  if (!text.starts_with(kSign)) return 0;
  text.remove_prefix(kSign.size());
  int code = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), code).ptr;
  return std::string_view(end, text.data() + text.size()).starts_with(". DB::") ? code : 0;
}

}  // namespace

std::string one_line(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool blank = static_cast<unsigned char>(c) <= ' ';
    if (!blank) out += c;
    if (blank && !out.empty() && out.back() != ' ') out += ' ';
  }
  if (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

std::string shortened(std::string text, std::size_t limit) {
  if (text.size() <= limit) return text;
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xc0) == 0x80)
    --limit;
  text.resize(limit);
  return text + "…";
}

std::string exception_text(std::string_view body) {
  if (const auto framed = framed_exception(body); !framed.empty()) body = framed;
  while (drop_code(body)) {
  }
  for (const char* end : {"Stack trace:", " (version ", "\r\n"})
    if (const auto at = body.find(end); at != std::string_view::npos && at > 0) body = body.substr(0, at);
  auto out = one_line(valid_utf8(body));
  if (const auto name = out.rfind(". ("); name != std::string::npos && out.back() == ')') out.erase(name, 1);
  while (!out.empty() && (out.back() == '.' || out.back() == ','))
    out.pop_back();
  return shortened(std::move(out), kTextLimit);
}

int exception_code(int from_header, int status, std::string_view body) {
  if (from_header != 0) return from_header;
  if (status != 200) return code_in(body);
  const auto framed = framed_exception(body);
  if (framed.empty()) return 0;
  const int code = code_in(framed);
  return code != 0 ? code : kUnknownException;
}

}  // namespace penstock::clickhouse
