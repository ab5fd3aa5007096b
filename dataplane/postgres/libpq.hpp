#pragma once

// libpq for the .cpp files of this folder: results that free themselves, errors that keep their SQLSTATE.
// Nobody else includes it.

#include <libpq-fe.h>

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "dataplane/postgres/connection.hpp"

namespace penstock::postgres {

struct ClearResult {
  void operator()(PGresult* result) const { PQclear(result); }
};
using ResultHandle = std::unique_ptr<PGresult, ClearResult>;

/// The error of a failed result, or, when there is none, of its connection; `doing`: "connecting".
[[nodiscard]] Error error_of_result(const Endpoint& endpoint, pg_conn* session, const PGresult* result,
                                    const std::string& doing);
[[nodiscard]] std::string sqlstate_of(const PGresult* result);

/// Runs one statement (or several, in one implicit transaction) and waits for its end. Fails unless it ends
/// with rows, without, or in a COPY.
[[nodiscard]] Result<ResultHandle> run(pg_conn* session, const Endpoint& endpoint, const std::string& sql,
                                       const std::string& doing);

/// As PQexec and PQexecParams (their last result, or the first that is a COPY), but an answer is not waited
/// for where the connection stalls: the error is that of the waiting, all others are in the result.
[[nodiscard]] Result<ResultHandle> exec(pg_conn* session, const Endpoint& endpoint, const std::string& sql,
                                        const std::string& doing);
struct StatementParameters {
  std::span<const char* const> values;
  std::span<const int> lengths, formats;
  bool binary_result = false;
};
[[nodiscard]] Result<ResultHandle> exec_with(pg_conn* session, const Endpoint& endpoint,
                                             const std::string& sql, const StatementParameters& parameters,
                                             const std::string& doing);
/// The end of what was sent or is being copied, in the same way.
[[nodiscard]] Result<ResultHandle> answer(pg_conn* session, const Endpoint& endpoint,
                                          const std::string& doing);
/// As run(), calling `waiting` every 50 ms or so; an error of it ends the wait, and the session is of no use
/// any more. `parameters`: none, or as of PQexecParams; as of exec_with().
[[nodiscard]] Result<ResultHandle> run_waiting(pg_conn* session, const Endpoint& endpoint,
                                               const std::string& sql, const std::string& doing,
                                               const std::function<Status()>& waiting,
                                               const StatementParameters* parameters = nullptr);

/// Takes what results are left of a statement that has ended, so that the session takes another.
void discard_results(pg_conn* session);

/// The first column of the first row; empty where there is none, or NULL.
[[nodiscard]] std::string first_value(const PGresult* result);

/// 'it''s': a string literal. The session pins standard_conforming_strings, so that a backslash is a
/// backslash.
[[nodiscard]] std::string quote_literal(std::string_view text);

/// Waits until the session's socket can be read (or, `for_write`, written); false when `wait` has passed.
[[nodiscard]] bool wait_for_socket(pg_conn* session, bool for_write, int wait_ms);

/// An error read out of a message in libpq's verbose form, for where there is no result to ask for its
/// SQLSTATE: `connection to server at "h", port 1 failed: FATAL:  28P01: words` and further lines.
[[nodiscard]] Error error_of_verbose(const Endpoint& endpoint, std::string message, const std::string& doing);

/// Server text of several lines on one line, without its trailing newline.
[[nodiscard]] std::string on_one_line(std::string_view text);

}  // namespace penstock::postgres
