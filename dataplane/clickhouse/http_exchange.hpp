#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "dataplane/clickhouse/http.hpp"

namespace penstock::clickhouse {

/// One request under way and what has come back of its answer, apart from the library that moves the bytes.
class HttpExchange {
 public:
  explicit HttpExchange(const HttpRequest& request);

  /// Of the body; -1: not known before its end.
  [[nodiscard]] std::int64_t size() const { return request_.more ? -1 : static_cast<std::int64_t>(size_); }
  /// A connection stood and the request was about to go.
  [[nodiscard]] bool begun() const { return begun_; }
  /// Some of the body was handed out, so that the server may have acted on it.
  [[nodiscard]] bool sent() const { return begun_ && (handed_out_ > 0 || size() == 0); }
  [[nodiscard]] bool too_large() const { return too_large_; }
  [[nodiscard]] bool given_up() const { return given_up_; }
  /// Seconds that the server keeps an idle connection, as it says; 0: it does not say.
  [[nodiscard]] long idle_limit() const { return idle_limit_; }
  [[nodiscard]] HttpAnswer& answer() { return answer_; }
  /// Bytes, in both directions.
  [[nodiscard]] std::size_t moved() const { return handed_out_ + taken_; }

  /// Back to the body's first byte, before the request goes out (again); false when it has left already, in
  /// part or whole, and must not be sent twice.
  [[nodiscard]] bool begin();
  /// The next bytes of the body, at most `room`; 0 at its end, or when the request was given up.
  std::size_t read(char* to, std::size_t room);
  /// A line of the answer's head, status line included.
  void take_head(std::string_view line);
  /// A part of the answer's body; false when it is larger than the request allows.
  [[nodiscard]] bool take_body(std::string_view part);

 private:
  [[nodiscard]] bool fetch_more();

  const HttpRequest& request_;
  std::vector<std::string_view> fetched_;
  std::span<const std::string_view> pieces_;  // the body, or what was fetched last
  std::size_t size_ = 0;
  std::size_t piece_ = 0;
  std::size_t offset_ = 0;
  std::size_t handed_out_ = 0;
  std::size_t taken_ = 0;
  bool begun_ = false;
  bool too_large_ = false;
  bool ended_ = false;
  bool given_up_ = false;
  long idle_limit_ = 0;
  HttpAnswer answer_;
};

}  // namespace penstock::clickhouse
