#include "dataplane/postgres/connection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "core/thread.hpp"
#include "dataplane/postgres/libpq.hpp"
#include "dataplane/postgres/private_file.hpp"
#include "dataplane/postgres/resolve.hpp"
#include "dataplane/postgres/stranger.hpp"

namespace penstock::postgres {
namespace {

using std::chrono::milliseconds;
using SteadyClock = std::chrono::steady_clock;

constexpr milliseconds kConnectLimit{10'000};
constexpr milliseconds kCancelLimit{2'000};
/// Between two looks at whether a wait is to end.
constexpr milliseconds kSlice{200};
// Where libpq must find nothing: no ~/.pgpass or ~/.postgresql of whoever runs the process takes part.
constexpr const char* kNowhere = "/nonexistent/penstock";

// Settings sent in the startup packet rank above those of ALTER ROLE and ALTER DATABASE. All are known to
// every version from 13 and free to set; beside those that change how a value is written: jit costs more than
// it gives for a range of a table, and a role that is read-only by default still has a publication to make.
constexpr const char* kPinnedSettings =
    "-c TimeZone=UTC -c DateStyle=ISO,MDY -c IntervalStyle=postgres -c bytea_output=hex -c "
    "extra_float_digits=3 "
    "-c lc_monetary=C -c search_path=pg_catalog -c quote_all_identifiers=off -c "
    "standard_conforming_strings=on "
    "-c row_security=off -c default_transaction_read_only=off -c default_transaction_isolation=read\\ "
    "committed "
    "-c lock_timeout=0 -c idle_in_transaction_session_timeout=0 -c jit=off";

bool is_socket(const std::string& host) {
  return !host.empty() && (host.front() == '/' || host.front() == '@');
}

std::optional<std::string> system_authorities() {
  for (const char* path : {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
                           "/etc/ssl/cert.pem", "/etc/ssl/ca-bundle.pem"}) {
    std::error_code ignored;
    if (std::filesystem::exists(path, ignored)) return path;
  }
  return std::nullopt;
}

/// What libpq is told: keywords and values, and the files that some values name.
class Parameters {
 public:
  static Result<Parameters> of(const Endpoint& endpoint, SessionKind kind, const std::string& address) {
    Parameters out;
    out.set("host", endpoint.host);
    out.set("hostaddr", address);
    out.set("port", std::to_string(endpoint.port));
    out.set("dbname", endpoint.database);
    out.set("user", endpoint.user);
    out.set("password", endpoint.password.reveal());
    out.set("passfile", kNowhere);
    out.set("application_name", endpoint.application_name);
    out.set("client_encoding", "UTF8");
    out.set("options", options_of(endpoint, kind));
    out.set("gssencmode", "disable");
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(endpoint.silence_limit).count();
    out.set("keepalives_idle", std::to_string(std::max<std::int64_t>(seconds / 2, 1)));
    out.set("keepalives_interval", std::to_string(std::max<std::int64_t>(seconds / 6, 1)));
    out.set("keepalives_count", "3");
    out.set("tcp_user_timeout", std::to_string(endpoint.silence_limit.count()));
    if (kind == SessionKind::Replication) out.set("replication", "database");
    PENSTOCK_TRY(out.set_tls(endpoint));
    PENSTOCK_TRY(out.check_for_nul());
    return out;
  }

  [[nodiscard]] Connection start() const {
    std::vector<const char*> keywords, values;
    for (const auto& [keyword, value] : pairs_) {
      keywords.push_back(keyword.c_str());
      values.push_back(value.c_str());
    }
    keywords.push_back(nullptr);
    values.push_back(nullptr);
    return Connection(PQconnectStartParams(keywords.data(), values.data(), 0));
  }

  /// `text` with the names of files in memory replaced by what they hold.
  [[nodiscard]] std::string readable(std::string text) const {
    for (const auto& [file, what] : files_) {
      for (auto at = text.find(file.path()); at != std::string::npos; at = text.find(file.path()))
        text.replace(at, file.path().size(), what);
    }
    return text;
  }

 private:
  static std::string options_of(const Endpoint& endpoint, SessionKind kind) {
    auto out = fmt::format("{} -c statement_timeout={}", kPinnedSettings, endpoint.limits.answer.count());
    if (kind == SessionKind::Replication)
      out += fmt::format(" -c wal_sender_timeout={}", 3 * endpoint.silence_limit.count());
    return out;
  }

  /// libpq would take what stands before it for the whole.
  [[nodiscard]] Status check_for_nul() const {
    for (const auto& [keyword, value] : pairs_)
      if (value.find('\0') != std::string::npos)
        return fail(ErrorKind::NeedsUser, "SourceParameterInvalid",
                    fmt::format("what PostgreSQL is to be told as {} holds a NUL byte", keyword),
                    "Correct it in spec.source.postgres, or in the Secret that it names");
    return {};
  }

  void set(std::string keyword, std::string value) {
    pairs_.emplace_back(std::move(keyword), std::move(value));
  }

  Status set_file(const std::string& keyword, const std::string& text, const char* what) {
    if (text.empty()) {
      set(keyword, kNowhere);
      return {};
    }
    PENSTOCK_ASSIGN(auto file, PrivateFile::hold(text));
    set(keyword, file.path());
    files_.emplace_back(std::move(file), what);
    return {};
  }

  Status set_tls(const Endpoint& endpoint) {
    if (endpoint.tls == Tls::Disable || is_socket(endpoint.host)) {
      set("sslmode", "disable");
      return {};
    }
    set("sslmode", endpoint.tls == Tls::VerifyFull ? "verify-full" : "require");
    PENSTOCK_TRY(set_file("sslcert", endpoint.client_certificate_pem, "<client certificate>"));
    PENSTOCK_TRY(set_file("sslkey", endpoint.client_key_pem.reveal(), "<client key>"));
    set("sslpassword", "-");  // without one, OpenSSL asks for an encrypted key's on the terminal
    set("sslcrl", kNowhere);
    if (endpoint.tls != Tls::VerifyFull || !endpoint.ca_pem.empty())
      return set_file("sslrootcert", endpoint.ca_pem, "<tls.caSecretRef>");
    const auto system = system_authorities();
    if (!system)
      return fail(ErrorKind::NeedsUser, "TlsFailed", "this system has no certificate authorities of its own",
                  "Name the server's in spec.source.postgres.tls.caSecretRef");
    set("sslrootcert", *system);
    return {};
  }

  std::vector<std::pair<std::string, std::string>> pairs_;
  std::vector<std::pair<PrivateFile, const char*>> files_;
};

/// Drives a started connection to its end; false when `limit` has passed, or it was stopped.
bool complete(pg_conn* session, milliseconds limit, const std::stop_token& stop) {
  const auto deadline = SteadyClock::now() + limit;
  auto step = PGRES_POLLING_WRITING;
  while (step != PGRES_POLLING_OK && step != PGRES_POLLING_FAILED) {
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - SteadyClock::now());
    if (left <= milliseconds(0) || stop.stop_requested()) return false;
    if (wait_for_socket(session, step == PGRES_POLLING_WRITING,
                        static_cast<int>(std::min(left, kSlice).count())))
      step = PQconnectPoll(session);
  }
  return true;
}

Result<Connection> attempt(const Endpoint& endpoint, SessionKind kind, const std::string& address,
                           milliseconds limit) {
  PENSTOCK_ASSIGN(const auto parameters, Parameters::of(endpoint, kind, address));
  auto session = parameters.start();
  if (!session) return fail(ErrorKind::Transient, "SourceUnreachable", "out of memory for a connection");
  PQsetErrorVerbosity(session.get(), PQERRORS_VERBOSE);
  PQsetNoticeProcessor(
      session.get(), [](void*, const char*) {}, nullptr);
  const auto& stop = endpoint.limits.stop;
  if (PQstatus(session.get()) != CONNECTION_BAD && !complete(session.get(), limit, stop)) {
    if (stop.stop_requested()) return interrupted("connecting");
    return fail(
        error_of(endpoint, "", fmt::format("no answer within {} s", limit.count() / 1000), "connecting"));
  }
  if (PQstatus(session.get()) != CONNECTION_OK)
    return fail(error_of_verbose(endpoint, parameters.readable(PQerrorMessage(session.get())), "connecting"));
  PQsetErrorVerbosity(session.get(), PQERRORS_DEFAULT);
  return session;
}

/// Timeouts that only newer servers know and older ones would refuse in the startup packet. And a database
/// without an encoding gives its bytes as they are: it converts nothing, but would refuse what is no UTF-8.
Status pin_newer_settings(pg_conn* session, const Endpoint& endpoint) {
  std::string sql;
  const char* encoding = PQparameterStatus(session, "server_encoding");
  if (encoding != nullptr && std::string_view(encoding) == "SQL_ASCII")
    sql += "SET client_encoding = 'SQL_ASCII';";
  if (PQserverVersion(session) >= 140000) sql += "SET idle_session_timeout = 0;";
  if (PQserverVersion(session) >= 170000) sql += "SET transaction_timeout = 0;";
  if (sql.empty()) return {};
  PENSTOCK_TRY(run(session, endpoint, sql, "setting up the session"));
  return {};
}

/// Where libpq itself found fault, what answers there may be no PostgreSQL at all: then that is what is
/// wrong, and nothing of what it said is repeated, which libpq does with some of it.
Error unless_a_stranger(const Endpoint& endpoint, SessionKind kind, const std::string& address, Error error) {
  const bool of_libpq =
      error.reason == "SourceUnreachable" || error.reason == "NotPostgres" || error.reason == "TlsFailed";
  if (!of_libpq || kind == SessionKind::Look || address.empty() || endpoint.limits.stop.stop_requested())
    return error;
  const auto stranger = stranger_at(address, endpoint.port);
  if (stranger.empty()) return error;
  return {ErrorKind::NeedsUser, "NotPostgres",
          fmt::format("what answers at {}:{} is not a PostgreSQL server: it {}", endpoint.host, endpoint.port,
                      stranger),
          "Check spec.source.postgres.host and port"};
}

}  // namespace

std::string Endpoint::text() const {
  return fmt::format("{}:{}/{} as {}", host, port, database, user);
}

Result<Connection> connect(const Endpoint& endpoint, SessionKind kind) {
  std::vector<std::string> addresses{""};
  const auto limit = endpoint.limits.look(kConnectLimit);
  if (!is_socket(endpoint.host)) {
    PENSTOCK_ASSIGN(addresses, resolve(endpoint, limit));
  }
  const auto share = limit / addresses.size();
  for (std::size_t at = 0;; ++at) {
    auto session = attempt(endpoint, kind, addresses[at], share);
    if (session) {
      if (kind != SessionKind::Look) PENSTOCK_TRY(pin_newer_settings(session->get(), endpoint));
      return session;
    }
    // An address that answers, with a refusal too, has the last word.
    if (at + 1 == addresses.size() || session.error().reason != "SourceUnreachable")
      return fail(unless_a_stranger(endpoint, kind, addresses[at], std::move(session).error()));
  }
}

Canceller::Canceller(pg_conn* session) : request_(PQgetCancel(session), &PQfreeCancel) {}

void Canceller::cancel() const {
  if (!request_) return;
  struct Sent {
    std::mutex mutex;
    std::condition_variable changed;
    bool done = false;
  };
  const auto sent = std::make_shared<Sent>();
  // PQcancel() waits for the server without a limit.
  auto thread = start_thread("cancelling a statement", [request = request_, sent] {
    std::array<char, 256> why{};
    PQcancel(request.get(), why.data(), static_cast<int>(why.size()));
    const std::lock_guard lock(sent->mutex);
    sent->done = true;
    sent->changed.notify_all();
  });
  if (!thread) return;  // it may have come late as well
  thread->detach();
  std::unique_lock lock(sent->mutex);
  sent->changed.wait_for(lock, kCancelLimit, [&] { return sent->done; });
}

}  // namespace penstock::postgres
