#include "dataplane/postgres/replication.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "dataplane/postgres/byte_reader.hpp"
#include "dataplane/postgres/catalog.hpp"
#include "dataplane/postgres/checks.hpp"
#include "dataplane/postgres/libpq.hpp"
#include "dataplane/postgres/liveness.hpp"

namespace penstock::postgres {
namespace {

using std::chrono::milliseconds;
using SteadyClock = std::chrono::steady_clock;

constexpr milliseconds kFarewell{3'000};
constexpr const char* kDoing = "streaming changes";

std::string start_sql(pg_conn* session, const StreamOptions& options) {
  // The publication is a list of identifiers inside a string literal.
  auto sql = fmt::format("START_REPLICATION SLOT {} LOGICAL {} (proto_version '1', publication_names {}",
                         quote_identifier(options.slot), options.start.text(),
                         quote_literal(quote_identifier(options.publication)));
  if (options.binary && PQserverVersion(session) >= 140000) sql += ", binary 'true'";
  return sql + ")";
}

Error publication_missing(const Endpoint& endpoint, const std::string& name) {
  return {ErrorKind::Terminal, "PublicationMissing",
          fmt::format("publication \"{}\" is not in {}", name, endpoint.text()),
          "Resync the pipe: what changed without the publication was not streamed"};
}

/// A file of the WAL that the slot needs is not there, though the slot is.
Error wal_missing(Error error) {
  error.kind = ErrorKind::Terminal;
  error.reason = "SlotLost";
  error.cure = "Raise spec.resyncGeneration to load everything anew: the slot's place in the source is gone";
  return error;
}

/// Why START_REPLICATION was refused, by the look of the slot and not by the server's words: several causes
/// share one SQLSTATE, and it differs between versions.
Error refused(const Endpoint& endpoint, const StreamOptions& options, Error error, const std::string& state) {
  if (state == "55006") {
    error.kind = ErrorKind::Transient;
    error.reason = "SlotInUse";
    error.cure = "Another client streams from this slot; it is taken over when that client has left";
    return error;
  }
  if (state != "42704" && state != "55000" && state != "58P01") return error;
  const auto slot = read_slot(endpoint, options.slot);
  if (!slot) return error;
  if (auto fault = slot_fault(endpoint, *slot)) return *std::move(fault);
  if (state == "58P01") return wal_missing(std::move(error));
  if (slot->synced) {
    error.kind = ErrorKind::Transient;
    error.reason = "SourceIsStandby";
    error.cure = "Point spec.source.postgres.host at the primary; once this standby is promoted, it streams";
    return error;
  }
  error.kind = ErrorKind::NeedsUser;
  if (slot->plugin != "pgoutput") {
    error.reason = "SlotWrongPlugin";
    error.cure = "Name a logical slot that was made with the plugin pgoutput";
  } else if (slot->database != endpoint.database) {
    error.reason = "SlotWrongDatabase";
    error.cure = fmt::format("Name a slot of database {}", endpoint.database);
  } else {
    error.cure = "Check wal_level on the source, and its log";
  }
  return error;
}

struct Outlook {
  bool published = false;
  milliseconds sender_timeout{0};  ///< 0: none
};

/// From version 18 on, a publication that is missing is skipped with a warning in the server's log.
Result<Outlook> look_ahead(pg_conn* session, const Endpoint& endpoint, const std::string& publication) {
  PENSTOCK_ASSIGN(
      const auto rows,
      run(session, endpoint,
          "SELECT setting, EXISTS (SELECT 1 FROM pg_catalog.pg_publication WHERE pubname = " +
              quote_literal(publication) + ") FROM pg_catalog.pg_settings WHERE name = 'wal_sender_timeout'",
          "looking for the publication"));
  if (PQntuples(rows.get()) != 1) return Outlook{};
  return Outlook{PQgetvalue(rows.get(), 0, 1) == std::string("t"),
                 milliseconds(std::strtoll(PQgetvalue(rows.get(), 0, 0), nullptr, 10))};
}

Result<StreamMessage> read_message(std::string_view data) {
  ByteReader in(data);
  switch (in.u8()) {
    case 'w': {
      XLogData out;
      out.start = Lsn{in.u64()};
      out.wal_end = Lsn{in.u64()};
      out.sent_at = in.i64();
      out.payload = in.bytes(static_cast<std::int64_t>(in.left()));
      if (in.ok()) return out;
      break;
    }
    case 'k': {
      Keepalive out;
      out.wal_end = Lsn{in.u64()};
      out.sent_at = in.i64();
      out.reply_requested = in.u8() != 0;
      if (in.ok()) return out;
      break;
    }
    default:
      break;
  }
  return fail(ErrorKind::Internal, "MalformedReplication",
              fmt::format("a replication message of {} bytes cannot be read", data.size()));
}

void put_number(std::string& out, std::uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8)
    out += static_cast<char>(value >> shift & 0xff);
}

std::int64_t postgres_now() {
  constexpr std::int64_t kEpochSeconds = 946'684'800;  // 2000-01-01
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count() - kEpochSeconds * 1'000'000;
}

}  // namespace

ReplicationStream::ReplicationStream(Connection session, Endpoint endpoint)
    : session_(std::move(session)), endpoint_(std::move(endpoint)) {}

ReplicationStream::ReplicationStream(ReplicationStream&& other) noexcept
    : session_(std::move(other.session_)),
      endpoint_(std::move(other.endpoint_)),
      buffer_(std::exchange(other.buffer_, nullptr)),
      confirmed_(other.confirmed_),
      received_(other.received_),
      beat_every_(other.beat_every_),
      sent_at_(other.sent_at_),
      unsent_since_(other.unsent_since_),
      heard_at_(other.heard_at_),
      asked_at_(other.asked_at_) {}

ReplicationStream::~ReplicationStream() {
  PQfreemem(buffer_);
}

Result<ReplicationStream> ReplicationStream::open(const Endpoint& endpoint, const StreamOptions& options) {
  PENSTOCK_ASSIGN(auto session, connect(endpoint, SessionKind::Replication));
  PENSTOCK_ASSIGN(const auto outlook, look_ahead(session.get(), endpoint, options.publication));
  PENSTOCK_ASSIGN(const auto result,
                  exec(session.get(), endpoint, start_sql(session.get(), options), "starting replication"));
  if (PQresultStatus(result.get()) != PGRES_COPY_BOTH) {
    auto error = error_of_result(endpoint, session.get(), result.get(), "starting replication");
    return fail(refused(endpoint, options, std::move(error), sqlstate_of(result.get())));
  }
  if (!outlook.published) return fail(publication_missing(endpoint, options.publication));
  PQsetnonblocking(session.get(), 1);
  ReplicationStream out(std::move(session), endpoint);
  out.confirmed_ = out.received_ = options.start;
  out.sent_at_ = out.heard_at_ = SteadyClock::now();
  auto patience = endpoint.silence_limit;
  if (outlook.sender_timeout > milliseconds(0)) patience = std::min(patience, outlook.sender_timeout);
  out.beat_every_ = std::clamp(patience / 3, milliseconds(1), out.beat_every_);
  return out;
}

Result<int> ReplicationStream::receive(milliseconds wait) {
  const auto deadline = SteadyClock::now() + wait;
  for (;;) {
    PQfreemem(std::exchange(buffer_, nullptr));
    const int size = PQgetCopyData(session_.get(), &buffer_, 1);
    if (size != 0) return size;
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - SteadyClock::now());
    const bool late = left <= milliseconds(0);
    if (wait_for_socket(session_.get(), false, late ? 0 : static_cast<int>(left.count()))) {
      if (PQconsumeInput(session_.get()) == 0) return -2;
      heard_at_ = SteadyClock::now();
    } else if (late) {
      return 0;
    }
  }
}

Result<StreamMessage> ReplicationStream::next(milliseconds wait) {
  // One look at the clock for each wait and none for what is already here.
  PQfreemem(std::exchange(buffer_, nullptr));
  int size = PQgetCopyData(session_.get(), &buffer_, 1);
  if (size == 0) {
    PENSTOCK_ASSIGN(size, receive(wait));
    if (size == 0) PENSTOCK_TRY(note_silence());
  }
  if (size > 0) return read_message(std::string_view(buffer_, static_cast<std::size_t>(size)));
  if (size == 0) return Quiet{};
  return fail(ended(size));
}

Status ReplicationStream::note_silence() {
  const auto now = SteadyClock::now();
  const auto half = endpoint_.silence_limit / 2;
  if (!asked_at_ || *asked_at_ < heard_at_) {
    if (now - heard_at_ < half) return {};
    asked_at_ = now;
    return send_status(true);
  }
  if (now - *asked_at_ < half) return {};
  if (idle_since(endpoint_, PQbackendPID(session_.get()))) {
    // An answer may have come while we looked.
    if (wait_for_socket(session_.get(), false, 0)) return {};
    return fail(stalled(endpoint_, kDoing, endpoint_.silence_limit));
  }
  asked_at_ = SteadyClock::now();  // it decodes what it does not send
  return {};
}

Error ReplicationStream::ended(int size) {
  ResultHandle result;
  if (size == -1) {
    auto end = answer(session_.get(), endpoint_, kDoing);
    if (!end) return end.error();
    result = *std::move(end);
  }
  const auto status = PQresultStatus(result.get());
  if (size == -1 && status != PGRES_FATAL_ERROR)
    return {ErrorKind::Transient, "SourceUnreachable",
            fmt::format("PostgreSQL {} ended the stream: it is shutting down", endpoint_.text()), ""};
  auto error = error_of_result(endpoint_, session_.get(), result.get(), kDoing);
  const auto state = sqlstate_of(result.get());
  if (state == "42704") {  // raised when the first change is decoded without it
    error.kind = ErrorKind::Terminal;
    error.reason = "PublicationMissing";
    error.cure = "Resync the pipe: what changed without the publication was not streamed";
  } else if (state == "58P01") {
    error = wal_missing(std::move(error));
  } else if (state == "54000") {
    error.reason = "RowTooLarge";
    error.cure =
        "A row of more than 1 GB cannot be sent, and its change stays in the WAL. Make it smaller, or "
        "exclude a "
        "column of it, then raise spec.resyncGeneration";
  }
  return error;
}

Status ReplicationStream::confirm(Lsn flushed, Lsn received) {
  confirmed_ = std::max(confirmed_, flushed);
  received_ = std::max(confirmed_, received);
  return send_status(false);
}

Status ReplicationStream::beat() {
  return SteadyClock::now() - sent_at_ < beat_every_ / 2 ? Status{} : send_status(false);
}

Status ReplicationStream::send_status(bool reply_wanted) {
  sent_at_ = SteadyClock::now();
  const auto broken = [&] {
    return fail(error_of(endpoint_, "", PQerrorMessage(session_.get()), "confirming changes"));
  };
  int left = PQflush(session_.get());
  if (left == 0) {
    std::string message = "r";
    put_number(message, received_.value);   // written
    put_number(message, confirmed_.value);  // flushed: the slot may move to here
    put_number(message, confirmed_.value);  // applied
    put_number(message, static_cast<std::uint64_t>(postgres_now()));
    message += reply_wanted ? '\1' : '\0';
    if (PQputCopyData(session_.get(), message.data(), static_cast<int>(message.size())) < 0) return broken();
    left = PQflush(session_.get());
  }
  if (left < 0) return broken();
  // What the peer does not take now goes out before the next one, which says all that this one did.
  if (left == 0)
    unsent_since_.reset();
  else if (!unsent_since_)
    unsent_since_ = sent_at_;
  else if (sent_at_ - *unsent_since_ >= endpoint_.silence_limit)
    return fail(stalled(endpoint_, "confirming changes", endpoint_.silence_limit));
  return {};
}

void ReplicationStream::close() {
  if (!session_) return;
  if (PQstatus(session_.get()) == CONNECTION_OK && PQputCopyEnd(session_.get(), nullptr) == 1) {
    PQflush(session_.get());
    // What is still on its way is taken: a socket closed with unread data is reset, and a reset may overtake
    // the last confirmation.
    const auto deadline = SteadyClock::now() + kFarewell;
    for (auto size = Result<int>(1); size && *size >= 0 && SteadyClock::now() < deadline;) {
      size = receive(milliseconds(100));
      PQflush(session_.get());
    }
  }
  PQfreemem(std::exchange(buffer_, nullptr));
  session_.reset();
}

}  // namespace penstock::postgres
