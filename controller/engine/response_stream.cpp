#include "controller/engine/response_stream.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>
#include <random>

#include "controller/engine/output_format.hpp"

namespace penstock::engine {
namespace {

constexpr std::size_t kHeldBack = 1U << 20U;
constexpr std::size_t kHoldAllLimit = 256U << 20U;
constexpr std::size_t kExceptionTagLength = 16;

std::mt19937_64& random_source() {
  thread_local std::mt19937_64 source(std::random_device{}());
  return source;
}

std::string random_tag() {
  std::uniform_int_distribution<int> letter('a', 'z');
  std::string tag(kExceptionTagLength, ' ');
  for (char& c : tag)
    c = static_cast<char>(letter(random_source()));
  return tag;
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

std::string status_line(int status, bool http_1_0, bool keep_alive) {
  const std::time_t now = std::time(nullptr);
  return fmt::format(
      "HTTP/{} {} {}\r\nDate: {:%a, %d %b %Y %H:%M:%S GMT}\r\n{}", http_1_0 ? "1.0" : "1.1", status,
      reason_phrase(status), fmt::gmtime(now),
      keep_alive ? "Connection: Keep-Alive\r\nKeep-Alive: timeout=30\r\n" : "Connection: Close\r\n");
}

}  // namespace

std::string random_uuid() {
  const std::uint64_t high = (random_source()() & ~0xF000ULL) | 0x4000ULL;
  const std::uint64_t low = (random_source()() & ~(3ULL << 62U)) | (1ULL << 63U);
  return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32U, (high >> 16U) & 0xFFFFU,
                     high & 0xFFFFU, low >> 48U, low & 0xFFFFFFFFFFFFULL);
}

bool send_plain(HttpConnection& connection, const RequestHead& head, int status, std::string_view body,
                bool keep_alive) {
  const std::string text =
      fmt::format("{}Content-Type: text/plain; charset=UTF-8\r\nContent-Length: {}\r\n\r\n",
                  status_line(status, head.http_1_0, keep_alive), body.size());
  return connection.write(text, head.method == "HEAD" ? std::string_view() : body);
}

ResponseStream::ResponseStream(HttpConnection& connection, const RequestHead& head,
                               const ServerIdentity& identity)
    : connection_(&connection),
      identity_(&identity),
      begun_(std::chrono::steady_clock::now()),
      is_head_(head.method == "HEAD"),
      http_1_0_(head.http_1_0),
      keep_alive_(head.keep_alive),
      exception_tag_(random_tag()) {}

void ResponseStream::set_options(Options options) {
  options_ = std::move(options);
}

std::string ResponseStream::head_text(int status, std::string_view extra) const {
  return fmt::format(
      "{}Content-Type: {}\r\n"
      "X-ClickHouse-Server-Display-Name: {}\r\nX-ClickHouse-Query-Id: {}\r\nX-ClickHouse-Format: {}\r\n"
      "X-ClickHouse-Timezone: {}\r\nX-ClickHouse-Exception-Tag: {}\r\n{}\r\n",
      status_line(status, http_1_0_, keep_alive_),
      content_type(status == 200 ? options_.format : "TabSeparated"), identity_->display_name,
      options_.query_id, options_.format, identity_->timezone, exception_tag_, extra);
}

std::string ResponseStream::summary_field(const StatementSummary& summary) const {
  const auto elapsed =
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - begun_);
  return fmt::format(
      R"(X-ClickHouse-Summary: {{"read_rows":"{}","read_bytes":"{}","written_rows":"{}","written_bytes":"{}",)"
      R"("total_rows_to_read":"0","result_rows":"{}","result_bytes":"{}","elapsed_ns":"{}"}})"
      "\r\n",
      summary.read_rows, summary.read_bytes, summary.written_rows, summary.written_bytes, summary.result_rows,
      summary.result_bytes, elapsed.count());
}

bool ResponseStream::write(std::string_view data) {
  if (!reusable_) return false;
  if (streaming_) return send_piece(data, false);
  if (options_.hold_all && held_.size() + data.size() > kHoldAllLimit) {
    too_large_ = true;
    held_ = {};
    return false;
  }
  held_ += data;
  if (options_.hold_all || held_.size() < kHeldBack) return true;
  return start_streaming();
}

bool ResponseStream::start_streaming() {
  streaming_ = true;
  if (http_1_0_) keep_alive_ = false;
  std::string fields = summary_field({});
  if (!http_1_0_) fields += "Transfer-Encoding: chunked\r\n";
  if (options_.coding != Coding::Identity) {
    fields += fmt::format("Content-Encoding: {}\r\n", name_of(options_.coding));
    deflater_.emplace(options_.coding);
  }
  reusable_ = connection_->write(head_text(200, fields));
  const std::string held = std::exchange(held_, {});
  return reusable_ && send_piece(held, false);
}

bool ResponseStream::send_piece(std::string_view data, bool last) {
  std::string compressed;
  if (deflater_) {
    compressed = deflater_->compress(data, last);
    data = compressed;
  }
  if (data.empty() || is_head_ || !reusable_) return reusable_;
  if (http_1_0_) {
    reusable_ = connection_->write(data);
  } else {
    reusable_ = connection_->write(fmt::format("{:x}\r\n", data.size()), data, "\r\n");
  }
  return reusable_;
}

void ResponseStream::send_whole(int status, std::string_view fields, std::string_view body) {
  const std::string text = head_text(status, fmt::format("{}Content-Length: {}\r\n", fields, body.size()));
  reusable_ = connection_->write(text, is_head_ ? std::string_view() : body) && keep_alive_;
}

void ResponseStream::finish(const StatementSummary& summary) {
  if (streaming_) {
    const bool sent = send_piece({}, true);
    reusable_ = sent && (http_1_0_ || is_head_ || connection_->write("0\r\n\r\n")) && keep_alive_;
    return;
  }
  if (too_large_) return fail({});
  std::string fields = summary_field(summary);
  if (options_.coding != Coding::Identity && !held_.empty()) {
    fields += fmt::format("Content-Encoding: {}\r\n", name_of(options_.coding));
    held_ = Deflater(options_.coding).compress(held_, true);
  }
  send_whole(200, fields, held_);
}

void ResponseStream::fail(const ServerError& reason) {
  const ServerError error =
      too_large_
          ? make_error(ErrorCode::MemoryLimitExceeded,
                       "The result is too large to be held back as wait_end_of_query asks; leave that out")
          : reason;
  const std::string body = error_body(error, identity_->version);
  if (streaming_) {
    // In one piece: clients look for the whole block at the end of what they read last.
    (void)send_piece(fmt::format("\r\n__exception__\r\n{0}\r\n{1}{2} {0}\r\n__exception__\r\n",
                                 exception_tag_, body, body.size()),
                     true);
    reusable_ = false;
    return;
  }
  if (!reusable_) return;
  send_whole(http_status(error.code), fmt::format("X-ClickHouse-Exception-Code: {}\r\n", error.code), body);
}

}  // namespace penstock::engine
