#include "dataplane/postgres/libpq.hpp"

#include <poll.h>

#include <algorithm>
#include <cerrno>

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

Result<ResultHandle> run(pg_conn* session, const Endpoint& endpoint, const std::string& sql,
                         const std::string& doing) {
  ResultHandle result(PQexec(session, sql.c_str()));
  switch (PQresultStatus(result.get())) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_COPY_OUT:
    case PGRES_COPY_BOTH:
    case PGRES_EMPTY_QUERY:
      return result;
    default:
      return fail(error_of_result(endpoint, session, result.get(), doing));
  }
}

void discard_results(pg_conn* session) {
  const auto in_copy = [](const PGresult* result) {
    const auto status = PQresultStatus(result);
    return status == PGRES_COPY_OUT || status == PGRES_COPY_IN || status == PGRES_COPY_BOTH;
  };
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
  pollfd socket{PQsocket(session), static_cast<short>(for_write ? POLLOUT : POLLIN), 0};
  // A socket that libpq has given up, or an error: "ready", for the next call of libpq to say what it is.
  if (socket.fd < 0) return true;
  const int ready = ::poll(&socket, 1, wait_ms);
  return ready > 0 || (ready < 0 && errno != EINTR);
}

}  // namespace penstock::postgres
