#include "dataplane/clickhouse/http_exchange.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace penstock::clickhouse {
namespace {

constexpr std::size_t kErrorBodyLimit = 64U << 10;

bool equal_folded(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

/// The number at the beginning of `text`, 0 when there is none.
int leading_number(std::string_view text) {
  while (!text.empty() && text.front() == ' ')
    text.remove_prefix(1);
  int value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const auto begin = std::min(text.find_first_not_of(kBlank), text.size());
  return std::string(text.substr(begin, text.find_last_not_of(kBlank) + 1 - begin));
}

}  // namespace

HttpExchange::HttpExchange(const HttpRequest& request) : request_(request), pieces_(request.body) {
  for (const auto part : request.body)
    size_ += part.size();
}

bool HttpExchange::begin() {
  if (begun_ && handed_out_ > 0 && (request_.more || !request_.repeatable)) return false;
  begun_ = true;
  piece_ = offset_ = handed_out_ = 0;
  return true;
}

std::size_t HttpExchange::read(char* to, std::size_t room) {
  std::size_t done = 0;
  while (done < room && (piece_ < pieces_.size() || (done == 0 && fetch_more()))) {
    const auto rest = pieces_[piece_].substr(offset_);
    const auto part = std::min(rest.size(), room - done);
    if (part > 0) std::memcpy(to + done, rest.data(), part);
    done += part;
    offset_ += part;
    if (part == rest.size()) {
      ++piece_;
      offset_ = 0;
    }
  }
  handed_out_ += done;
  return done;
}

/// What is there goes out first: more is fetched only when nothing is left.
bool HttpExchange::fetch_more() {
  if (!request_.more || ended_) return false;
  fetched_.clear();
  given_up_ = !request_.more(fetched_);
  ended_ = given_up_ || fetched_.empty();
  pieces_ = fetched_;
  piece_ = offset_ = 0;
  return !ended_;
}

void HttpExchange::take_head(std::string_view line) {
  taken_ += line.size();
  if (line.starts_with("HTTP/")) {
    answer_ = {};
    if (const auto space = line.find(' '); space != std::string_view::npos)
      answer_.status = leading_number(line.substr(space));
    return;
  }
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return;
  const auto name = line.substr(0, colon);
  const auto value = line.substr(colon + 1);
  if (equal_folded(name, "X-ClickHouse-Exception-Code")) answer_.exception_code = leading_number(value);
  if (equal_folded(name, "X-ClickHouse-Server-Display-Name")) answer_.server = trimmed(value);
  if (!equal_folded(name, "Keep-Alive")) return;
  if (const auto at = value.find("timeout="); at != std::string_view::npos)
    idle_limit_ = leading_number(value.substr(at + 8));
}

bool HttpExchange::take_body(std::string_view part) {
  taken_ += part.size();
  auto& body = answer_.body;
  if (answer_.status >= 300) {
    body += part.substr(0, kErrorBodyLimit - std::min(kErrorBodyLimit, body.size()));
    return true;
  }
  too_large_ = body.size() + part.size() > request_.answer_limit;
  if (!too_large_) body += part;
  return !too_large_;
}

}  // namespace penstock::clickhouse
