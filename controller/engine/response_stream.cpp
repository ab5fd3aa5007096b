#include "controller/engine/response_stream.hpp"

#include <fmt/format.h>

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

}  // namespace

std::string random_uuid() {
  const std::uint64_t high = (random_source()() & ~0xF000ULL) | 0x4000ULL;
  const std::uint64_t low = (random_source()() & ~(3ULL << 62U)) | (1ULL << 63U);
  return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32U, (high >> 16U) & 0xFFFFU,
                     high & 0xFFFFU, low >> 48U, low & 0xFFFFFFFFFFFFULL);
}

bool send_plain(HttpConnection& connection, const RequestHead& head, int status, std::string_view body,
                bool keep_alive) {
  ResponseHead answer(status, head.http_1_0, keep_alive);
  answer.add("Content-Type", "text/plain; charset=UTF-8");
  answer.add("Content-Length", std::to_string(body.size()));
  return connection.write(answer.text(), head.method == "HEAD" ? std::string_view() : body);
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

ResponseHead ResponseStream::begin_head(int status) const {
  ResponseHead head(status, http_1_0_, keep_alive_);
  head.add("Content-Type", content_type(status == 200 ? options_.format : "TabSeparated"));
  head.add("X-ClickHouse-Server-Display-Name", identity_->display_name);
  head.add("X-ClickHouse-Query-Id", options_.query_id);
  head.add("X-ClickHouse-Format", options_.format);
  head.add("X-ClickHouse-Timezone", identity_->timezone);
  head.add("X-ClickHouse-Exception-Tag", exception_tag_);
  return head;
}

std::string ResponseStream::summary_json(const StatementSummary& summary) const {
  const auto elapsed =
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now() - begun_);
  return fmt::format(R"({{"read_rows":"{}","read_bytes":"{}","written_rows":"{}","written_bytes":"{}",)"
                     R"("total_rows_to_read":"0","result_rows":"{}","result_bytes":"{}","elapsed_ns":"{}"}})",
                     summary.read_rows, summary.read_bytes, summary.written_rows, summary.written_bytes,
                     summary.result_rows, summary.result_bytes, elapsed.count());
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
  ResponseHead head = begin_head(200);
  head.add("X-ClickHouse-Summary", summary_json({}));
  if (!http_1_0_) head.add("Transfer-Encoding", "chunked");
  if (options_.coding != Coding::Identity) {
    head.add("Content-Encoding", name_of(options_.coding));
    deflater_.emplace(options_.coding);
  }
  reusable_ = connection_->write(head.text());
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

void ResponseStream::send_whole(ResponseHead head, std::string_view body) {
  head.add("Content-Length", std::to_string(body.size()));
  reusable_ = connection_->write(head.text(), is_head_ ? std::string_view() : body) && keep_alive_;
}

void ResponseStream::finish(const StatementSummary& summary) {
  if (streaming_) {
    const bool sent = send_piece({}, true);
    reusable_ = sent && (http_1_0_ || is_head_ || connection_->write("0\r\n\r\n")) && keep_alive_;
    return;
  }
  if (too_large_) return fail({});
  ResponseHead head = begin_head(200);
  head.add("X-ClickHouse-Summary", summary_json(summary));
  if (options_.coding != Coding::Identity && !held_.empty()) {
    head.add("Content-Encoding", name_of(options_.coding));
    held_ = Deflater(options_.coding).compress(held_, true);
  }
  send_whole(std::move(head), held_);
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
  ResponseHead head = begin_head(http_status(error.code));
  head.add("X-ClickHouse-Exception-Code", std::to_string(error.code));
  send_whole(std::move(head), body);
}

}  // namespace penstock::engine
