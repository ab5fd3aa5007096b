#include "dataplane/postgres/copy_reader.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include <chrono>
#include <utility>

#include "dataplane/postgres/byte_reader.hpp"
#include "dataplane/postgres/libpq.hpp"
#include "dataplane/postgres/liveness.hpp"

namespace penstock::postgres {
namespace {

constexpr std::string_view kSignature("PGCOPY\n\377\r\n\0", 11);
constexpr std::uint32_t kCriticalFlags =
    0xffff0000;  // "a reader should abort on an unexpected bit set in this range"
constexpr const char* kDoing = "reading rows with COPY";

tl::unexpected<Error> malformed(const char* what) {
  return fail(ErrorKind::Internal, "MalformedCopy", fmt::format("binary COPY data: {}", what));
}

/// Takes the header off the front of the data: it comes together with the first row.
Result<std::string_view> after_header(std::string_view data) {
  ByteReader in(data);
  if (in.bytes(kSignature.size()) != kSignature) return malformed("no signature");
  const auto flags = in.u32();
  const auto extension = in.i32();
  in.bytes(extension);
  if (!in.ok()) return malformed("the header is cut short");
  if ((flags & kCriticalFlags) != 0) return malformed("unknown flags in the header");
  return in.bytes(static_cast<std::int64_t>(in.left()));
}

/// Takes what is still on its way of a COPY that was cancelled, for as long as a server that is well needs;
/// false: it is not at its end.
bool drain(pg_conn* session) {
  constexpr std::chrono::seconds kLimit{2};
  constexpr int kSliceMs = 100;
  const auto deadline = std::chrono::steady_clock::now() + kLimit;
  const auto wait = [&] {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    return !wait_for_socket(session, false, kSliceMs) || PQconsumeInput(session) == 1;
  };
  for (int size = 1; size >= 0;) {
    char* row = nullptr;
    size = PQgetCopyData(session, &row, 1);
    PQfreemem(row);
    if (size == 0 && !wait()) return false;
  }
  while (PQisBusy(session) == 1)
    if (!wait()) return false;
  discard_results(session);
  return true;
}

bool is_trailer(std::string_view data) {
  return data == std::string_view("\377\377", 2);
}

}  // namespace

Status parse_copy_row(std::string_view tuple, std::size_t columns, std::vector<FieldView>& out) {
  ByteReader in(tuple);
  const auto count = in.i16();
  if (count < 0 || static_cast<std::size_t>(count) != columns)
    return malformed("another number of fields than asked");
  out.resize(columns);
  for (auto& field : out) {
    const auto size = in.i32();
    field.null = size == -1;
    field.bytes = field.null ? std::string_view{} : in.bytes(size);
  }
  if (!in.finished()) return malformed("a row is cut short or too long");
  return {};
}

CopyReader::CopyReader(pg_conn* session, Endpoint endpoint, std::size_t columns)
    : session_(session), endpoint_(std::move(endpoint)), columns_(columns) {}

CopyReader::CopyReader(CopyReader&& other) noexcept
    : session_(other.session_),
      endpoint_(std::move(other.endpoint_)),
      columns_(other.columns_),
      row_(std::exchange(other.row_, nullptr)),
      header_seen_(other.header_seen_),
      finished_(std::exchange(other.finished_, true)),
      fields_(std::move(other.fields_)) {}

CopyReader::~CopyReader() {
  PQfreemem(row_);
  if (finished_ || PQstatus(session_) != CONNECTION_OK) return;
  Canceller(session_).cancel();
  // The next statement finds the session of a server that does not heed it closed.
  if (!drain(session_)) ::shutdown(PQsocket(session_), SHUT_RDWR);
}

Result<CopyReader> CopyReader::start(pg_conn* session, const Endpoint& endpoint, const std::string& sql,
                                     std::size_t columns) {
  PENSTOCK_ASSIGN(const auto result, run(session, endpoint, sql, kDoing));
  if (PQresultStatus(result.get()) != PGRES_COPY_OUT || PQbinaryTuples(result.get()) != 1)
    return fail(ErrorKind::Internal, "MalformedCopy", "the statement is not a binary COPY TO STDOUT");
  return CopyReader(session, endpoint, columns);
}

/// The size of the row now in row_; < 0: there is none, as libpq says it.
Result<int> CopyReader::receive() {
  PQfreemem(std::exchange(row_, nullptr));
  Patience patience(session_, endpoint_);
  while (true) {
    const int size = PQgetCopyData(session_, &row_, 1);
    if (size != 0) return size;
    if (auto come = patience.wait(kDoing); !come) {
      finished_ = true;  // nothing can be cancelled through it any more
      return fail(std::move(come).error());
    }
    if (PQconsumeInput(session_) == 0) return -2;
  }
}

Result<std::span<const FieldView>> CopyReader::next() {
  while (!finished_) {
    PENSTOCK_ASSIGN(const int size, receive());
    if (size < 0) {
      finished_ = true;
      PENSTOCK_ASSIGN(const auto end, answer(session_, endpoint_, kDoing));
      const bool good = size == -1 && PQresultStatus(end.get()) == PGRES_COMMAND_OK;
      if (!good) {
        auto error = error_of_result(endpoint_, session_, end.get(), kDoing);
        discard_results(session_);
        return fail(std::move(error));
      }
      discard_results(session_);
      break;
    }
    std::string_view data(row_, static_cast<std::size_t>(size));
    if (!std::exchange(header_seen_, true)) {
      PENSTOCK_ASSIGN(data, after_header(data));
    }
    if (data.empty() || is_trailer(data)) continue;
    PENSTOCK_TRY(parse_copy_row(data, columns_, fields_));
    return std::span<const FieldView>(fields_);
  }
  return std::span<const FieldView>();
}

}  // namespace penstock::postgres
