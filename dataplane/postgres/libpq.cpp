#include "dataplane/postgres/libpq.hpp"

#include <openssl/ssl.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "dataplane/postgres/liveness.hpp"

namespace penstock::postgres {

void CloseConnection::operator()(pg_conn* connection) const {
  PQfinish(connection);
}

std::string on_one_line(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c != '\n' && c != '\r' && c != '\t') {
      out += c;
    } else if (!out.empty() && out.back() != ' ') {
      out += ' ';
    }
  }
  while (!out.empty() && out.back() == ' ')
    out.pop_back();
  return out;
}

std::string sqlstate_of(const PGresult* result) {
  const char* state = result == nullptr ? nullptr : PQresultErrorField(result, PG_DIAG_SQLSTATE);
  return state == nullptr ? "" : state;
}

Error error_of_result(const Endpoint& endpoint, pg_conn* session, const PGresult* result,
                      const std::string& doing) {
  const char* primary = result == nullptr ? nullptr : PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  if (primary == nullptr) return error_of(endpoint, sqlstate_of(result), PQerrorMessage(session), doing);
  std::string message = primary;
  if (const char* detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL))
    message += std::string(": ") + detail;
  return error_of(endpoint, sqlstate_of(result), message, doing);
}

Error error_of_verbose(const Endpoint& endpoint, std::string message, const std::string& doing) {
  const std::string_view marker = "failed: ";
  if (const auto at = message.find(marker);
      message.rfind("connection to ", 0) == 0 && at != std::string::npos)
    message.erase(0, at + marker.size());
  std::string state;
  const auto code = message.find(":  ");
  if (code != std::string::npos && message.size() > code + 10 && message.compare(code + 8, 2, ": ") == 0) {
    state = message.substr(code + 3, 5);
    message.erase(0, code + 10);
    for (const char* tail : {"\nLINE ", "\nLOCATION:"})
      message.erase(std::min(message.find(tail), message.size()));
  }
  return error_of(endpoint, state, message, doing);
}

namespace {

bool in_copy(const PGresult* result) {
  const auto status = PQresultStatus(result);
  return status == PGRES_COPY_OUT || status == PGRES_COPY_IN || status == PGRES_COPY_BOTH;
}

/// Sends all that libpq still holds. A server that does not read is waited for as one that does not answer.
Status send_out(pg_conn* session, const Endpoint& endpoint, const std::string& doing) {
  Patience patience(session, endpoint);
  for (int left = PQflush(session); left != 0; left = PQflush(session)) {
    if (left < 0) return {};  // the result says what happened
    PENSTOCK_TRY(patience.wait(doing, true));
  }
  return {};
}

/// libpq ends a statement at its first NUL.
Status check_statement(const std::string& sql, const std::string& doing) {
  if (sql.find('\0') == std::string::npos) return {};
  return fail(ErrorKind::NeedsUser, "SourceParameterInvalid",
              doing + ": a name in the statement holds a NUL character, which PostgreSQL has none of",
              "Correct the names in spec.tables and spec.source.postgres");
}

/// `send` puts the statement into libpq's buffer.
template <typename Send>
Result<ResultHandle> exec_sent(pg_conn* session, const Endpoint& endpoint, const std::string& doing,
                               Send send) {
  discard_results(session);
  PQsetnonblocking(session, 1);
  const bool sent = send() == 1;
  const auto out = sent ? send_out(session, endpoint, doing) : Status{};
  PQsetnonblocking(session, 0);
  PENSTOCK_TRY(out);
  if (!sent) return ResultHandle();
  return answer(session, endpoint, doing);
}

}  // namespace

Result<ResultHandle> answer(pg_conn* session, const Endpoint& endpoint, const std::string& doing) {
  Patience patience(session, endpoint);
  ResultHandle last;
  while (true) {
    while (PQisBusy(session) == 1) {
      PENSTOCK_TRY(patience.wait(doing));
      if (PQconsumeInput(session) == 0) break;  // the result says what happened
    }
    ResultHandle next(PQgetResult(session));
    if (!next) return last;
    last = std::move(next);
    if (in_copy(last.get())) return last;
  }
}

Result<ResultHandle> exec(pg_conn* session, const Endpoint& endpoint, const std::string& sql,
                          const std::string& doing) {
  PENSTOCK_TRY(check_statement(sql, doing));
  return exec_sent(session, endpoint, doing, [&] { return PQsendQuery(session, sql.c_str()); });
}

Result<ResultHandle> exec_with(pg_conn* session, const Endpoint& endpoint, const std::string& sql,
                               const StatementParameters& parameters, const std::string& doing) {
  PENSTOCK_TRY(check_statement(sql, doing));
  return exec_sent(session, endpoint, doing, [&] {
    return PQsendQueryParams(session, sql.c_str(), static_cast<int>(parameters.values.size()), nullptr,
                             parameters.values.data(), parameters.lengths.data(), parameters.formats.data(),
                             parameters.binary_result ? 1 : 0);
  });
}

namespace {

bool succeeded(const PGresult* result) {
  switch (PQresultStatus(result)) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_COPY_OUT:
    case PGRES_COPY_BOTH:
    case PGRES_EMPTY_QUERY:
      return true;
    default:
      return false;
  }
}

}  // namespace

Result<ResultHandle> run(pg_conn* session, const Endpoint& endpoint, const std::string& sql,
                         const std::string& doing) {
  PENSTOCK_ASSIGN(auto result, exec(session, endpoint, sql, doing));
  if (succeeded(result.get())) return result;
  return fail(error_of_result(endpoint, session, result.get(), doing));
}

Result<ResultHandle> run_waiting(pg_conn* session, const Endpoint& endpoint, const std::string& sql,
                                 const std::string& doing, const std::function<Status()>& waiting,
                                 const StatementParameters* parameters) {
  using Steady = std::chrono::steady_clock;
  constexpr std::chrono::milliseconds kBetween{50};
  PENSTOCK_TRY(check_statement(sql, doing));
  PENSTOCK_ASSIGN(const auto guard, StallGuard::over(session, endpoint));
  const int sent = parameters == nullptr
                       ? PQsendQuery(session, sql.c_str())
                       : PQsendQueryParams(session, sql.c_str(), static_cast<int>(parameters->values.size()),
                                           nullptr, parameters->values.data(), parameters->lengths.data(),
                                           parameters->formats.data(), parameters->binary_result ? 1 : 0);
  if (sent == 0) return fail(error_of_result(endpoint, session, nullptr, doing));
  for (auto called = Steady::now(); PQisBusy(session) != 0;) {
    const bool readable = wait_for_socket(session, false, static_cast<int>(kBetween.count()));
    if (readable && PQconsumeInput(session) == 0)
      return fail(error_of_result(endpoint, session, nullptr, doing));
    if (readable && Steady::now() - called < kBetween) continue;
    PENSTOCK_TRY(waiting());
    called = Steady::now();
  }
  ResultHandle result(PQgetResult(session));
  discard_results(session);
  if (succeeded(result.get())) return result;
  return fail(error_of_result(endpoint, session, result.get(), doing));
}

void discard_results(pg_conn* session) {
  // A COPY that has not ended is answered with the same result for ever.
  for (ResultHandle result(PQgetResult(session)); result && !in_copy(result.get());)
    result.reset(PQgetResult(session));
}

std::string first_value(const PGresult* result) {
  if (PQntuples(result) == 0 || PQnfields(result) == 0 || PQgetisnull(result, 0, 0) == 1) return {};
  return PQgetvalue(result, 0, 0);
}

std::string quote_literal(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') out += '\'';
    out += c;
  }
  return out + "'";
}

bool wait_for_socket(pg_conn* session, bool for_write, int wait_ms) {
  // The rest of a TLS record is in OpenSSL's hands: the socket would not tell of it.
  if (auto* tls = static_cast<SSL*>(PQsslStruct(session, "OpenSSL"));
      !for_write && tls && SSL_pending(tls) > 0)
    return true;
  pollfd socket{PQsocket(session), static_cast<short>(for_write ? POLLOUT : POLLIN), 0};
  // A socket that libpq has given up, or an error: "ready", for the next call of libpq to say what it is.
  if (socket.fd < 0) return true;
  const int ready = ::poll(&socket, 1, wait_ms);
  return ready > 0 || (ready < 0 && errno != EINTR);
}

}  // namespace penstock::postgres
