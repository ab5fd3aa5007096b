#include "controller/engine/response_head.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>

namespace penstock::engine {
namespace {

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 411:
      return "Length Required";
    case 413:
      return "Request Entity Too Large";
    case 415:
      return "Unsupported Media Type";
    case 421:
      return "Misdirected Request";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    default:
      return "Internal Server Error";
  }
}

}  // namespace

bool has_control_character(std::string_view text) {
  return std::any_of(text.begin(), text.end(), is_control);
}

ResponseHead::ResponseHead(int status, bool http_1_0, bool keep_alive)
    : text_(fmt::format("HTTP/{} {} {}\r\n", http_1_0 ? "1.0" : "1.1", status, reason_phrase(status))) {
  add("Date", fmt::format("{:%a, %d %b %Y %H:%M:%S GMT}", fmt::gmtime(std::time(nullptr))));
  add("Connection", keep_alive ? "Keep-Alive" : "Close");
  if (keep_alive) add("Keep-Alive", "timeout=30");
}

void ResponseHead::add(std::string_view name, std::string_view value) {
  text_ += name;
  text_ += ": ";
  const auto begin = static_cast<std::ptrdiff_t>(text_.size());
  text_ += value;
  std::replace_if(text_.begin() + begin, text_.end(), is_control, '?');
  text_ += "\r\n";
}

}  // namespace penstock::engine
