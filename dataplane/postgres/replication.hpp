#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "core/lsn.hpp"
#include "dataplane/postgres/connection.hpp"

namespace penstock::postgres {

/// PostgreSQL docs, "Streaming Replication Protocol": XLogData and primary keepalive.
struct XLogData {
  Lsn start;
  Lsn wal_end;
  std::int64_t sent_at = 0;
  std::string_view payload;
};  ///< until next()
struct Keepalive {
  Lsn wal_end;
  std::int64_t sent_at = 0;
  bool reply_requested = false;
};
struct Quiet {};  ///< nothing came within the wait
using StreamMessage = std::variant<XLogData, Keepalive, Quiet>;

struct StreamOptions {
  std::string slot;
  std::string publication;
  Lsn start;  ///< the checkpoint; the server starts from the later of this and the slot's confirmed LSN
  bool binary = false;  ///< ask for binary fields; PostgreSQL 13 sends text all the same (see Field::kind)
};

/// START_REPLICATION on a slot. One thread. Errors: SlotLost (Terminal: missing or invalidated), SlotInUse
/// (Transient), PublicationMissing (Terminal), SourceUnreachable (Transient) ….
/// A server that is silent is asked for a reply, and the stream given up (SourceUnreachable) when none comes
/// within the endpoint's silence_limit though the server is not at work; a send never blocks. A publication
/// that is dropped while the stream runs ends it with PublicationMissing up to PostgreSQL 17; from 18 on the
/// server goes on without it, and only a look at the catalog tells.
class ReplicationStream {
 public:
  [[nodiscard]] static Result<ReplicationStream> open(const Endpoint& endpoint, const StreamOptions& options);
  ReplicationStream(ReplicationStream&&) noexcept;
  ReplicationStream& operator=(ReplicationStream&&) = delete;
  ~ReplicationStream();

  /// The next message. Drains what libpq has buffered without a system call; else waits at most `wait`.
  [[nodiscard]] Result<StreamMessage> next(std::chrono::milliseconds wait);
  /// Standby status update: everything up to `flushed` is safe at the destination. Never goes back.
  [[nodiscard]] Status confirm(Lsn flushed, Lsn received);
  /// The same as confirmed last, unless the server has heard of us just now.
  [[nodiscard]] Status beat();
  /// How often the server wants to hear of us, at least: its wal_sender_timeout is three times that or more.
  [[nodiscard]] std::chrono::milliseconds beat_every() const { return beat_every_; }
  /// Ends the COPY and the session politely, after what was confirmed.
  void close();

 private:
  using Time = std::chrono::steady_clock::time_point;
  ReplicationStream(Connection session, Endpoint endpoint);
  /// The size of the message now in buffer_; 0: none came; < 0: the stream has ended, as libpq says it.
  [[nodiscard]] Result<int> receive(std::chrono::milliseconds wait);
  [[nodiscard]] Error ended(int size);
  [[nodiscard]] Status send_status(bool reply_wanted);
  /// Nothing can be read at present.
  [[nodiscard]] Status note_silence();
  Connection session_;
  Endpoint endpoint_;
  char* buffer_ = nullptr;
  Lsn confirmed_, received_;
  std::chrono::milliseconds beat_every_{5'000};
  Time sent_at_{};
  std::optional<Time> unsent_since_;  ///< the peer reads nothing
  Time heard_at_{};                   ///< when something came last
  std::optional<Time> asked_at_;      ///< for a reply
};

}  // namespace penstock::postgres
