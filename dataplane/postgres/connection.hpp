#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "core/call_limits.hpp"
#include "core/result.hpp"
#include "core/secret.hpp"

struct pg_conn;
struct pg_cancel;

namespace penstock::postgres {

enum class Tls { VerifyFull, Require, Disable };

/// Where the source is and how to get in. PEM texts may be empty.
struct Endpoint {
  std::string host;  ///< name, address, or a directory with a Unix socket
  int port = 5432;
  std::string database;
  std::string user;
  Secret password;
  Tls tls = Tls::VerifyFull;
  std::string ca_pem;
  std::string client_certificate_pem;
  Secret client_key_pem;
  std::string application_name = "penstock";
  /// A connection that has passed nothing for so long, though something was to come, is given up.
  std::chrono::milliseconds silence_limit{20'000};
  CallLimits limits{};

  bool operator==(const Endpoint&) const = default;
  /// "host:port/database as user", for messages.
  [[nodiscard]] std::string text() const;
};

enum class SessionKind {
  Sql,
  Replication,
  Look  ///< for one short statement: the settings of long sessions are left as they are
};

struct CloseConnection {
  void operator()(pg_conn* connection) const;
};
/// A libpq connection; closed when it goes. One thread at a time.
using Connection = std::unique_ptr<pg_conn, CloseConnection>;

/// Opens a session within 10 s, the name's look-up included, or what the endpoint's limits allow; with TCP
/// keep-alives, and every setting pinned that changes how a value is written: TimeZone UTC, DateStyle ISO,
/// IntervalStyle postgres, bytea_output hex, extra_float_digits 3, lc_monetary C, search_path pg_catalog,
/// client_encoding UTF8; every timeout off, but for statement_timeout at limits.answer; row_security off, so
/// that a policy that would hide rows is an error; the walsender's session likewise, with wal_sender_timeout
/// at three times the silence_limit. No setting of the role or the database wins over these. TLS without a
/// ca_pem: VerifyFull takes the system's authorities, Require any. Errors: SourceUnreachable, SourceStarting,
/// TooManyConnections (Transient), HostNotFound, AuthenticationFailed, ConnectionNotPermitted,
/// DatabaseNotFound, TlsFailed, NotPostgres (NeedsUser), ….
[[nodiscard]] Result<Connection> connect(const Endpoint& endpoint, SessionKind kind = SessionKind::Sql);

/// Cancels what runs on a session, from another thread (PostgreSQL docs, "Canceling Queries in Progress"):
/// the call that waits there then fails with reason StatementCancelled. Made on the session's own thread
/// before it waits; cancel() is thread-safe, takes 2 s at most, may come late or not at all, and does no harm
/// when nothing runs.
class Canceller {
 public:
  explicit Canceller(pg_conn* session);
  void cancel() const;

 private:
  std::shared_ptr<pg_cancel> request_;
};

/// Turns what libpq or the server said (SQLSTATE, message) into an Error; `doing`: "connecting".
[[nodiscard]] Error error_of(const Endpoint& endpoint, const std::string& sqlstate,
                             const std::string& message, const std::string& doing);

}  // namespace penstock::postgres
