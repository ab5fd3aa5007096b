#include "controller/engine/statement_handler.hpp"

#include <fmt/format.h>

#include "controller/engine/piped_query.hpp"
#include "controller/engine/sql_lexer.hpp"
#include "core/log.hpp"

namespace penstock::engine {
namespace {

/// Statements may carry rows in a literal.
constexpr std::size_t kStatementLimit = 256U << 20U;
// After a failure: how much of an unread body is read on, so that the connection can be used again.
constexpr std::size_t kDrainLimit = 16U << 20U;
constexpr std::chrono::milliseconds kLinger{5000};

bool mentions(std::string_view text, std::string_view keyword) {
  SqlLexer lexer(text);
  for (Token token = lexer.next(); token.kind != Token::Kind::End; token = lexer.next()) {
    if (lexer.is_keyword(token, keyword)) return true;
  }
  return false;
}

// True when the body was read to its end.
bool drain(HttpConnection& connection) {
  if (connection.client_is_waiting()) return false;
  std::string dropped(64U << 10U, '\0');
  for (std::size_t total = 0; total < kDrainLimit && !connection.body_finished();) {
    const auto count = connection.read_body(dropped.data(), dropped.size());
    if (!count) return false;
    total += *count;
  }
  return connection.body_finished();
}

std::string set_statement(const RequestOptions& options, bool read_only) {
  std::string sql;
  bool commented = false;
  for (const auto& [name, value] : options.settings) {
    commented = commented || name == "log_comment";
    sql += fmt::format("{} {} = {}", sql.empty() ? "SET" : ",", quote_name(name), quote_string(value));
  }
  // By this the statement is found again in system.processes; the engine makes its query ids itself.
  if (!commented)
    sql += fmt::format("{} log_comment = {}", sql.empty() ? "SET" : ",", quote_string(options.query_id));
  if (read_only) sql += ", readonly = 2";
  return sql;
}

}  // namespace

// One request and its answer.
struct StatementHandler::Exchange {
  HttpConnection& connection;
  const RequestHead& head;
  RequestOptions options;
  RequestBody& body;
  ResponseStream& response;
  std::optional<StatementPool::Lease>& lease;
  std::string profile;  ///< the user's SET; empty: none

  // The statement's text: the `query` parameter, then the body; ends behind the statement when its data
  // follows.
  std::string text{};

  [[nodiscard]] std::string format_of(const OutputSplit& split) const {
    if (!split.format.empty()) return split.format;
    return options.default_format.empty() ? "TabSeparated" : options.default_format;
  }

  void announce(const std::string& format) const {
    const Coding coding =
        options.compress_output ? negotiate_coding(head.header("accept-encoding")) : Coding::Identity;
    response.set_options({options.query_id, format, coding, options.wait_end_of_query});
  }

  // Reads as much of the body as the statement needs: up to its data for an INSERT that has some, else all.
  EngineResult<std::optional<InsertSplit>> read_statement() {
    text = options.query.empty() ? std::string() : options.query + "\n";
    bool complete = head.method == "GET" || head.method == "HEAD";
    while (true) {
      if (auto split = split_insert(text, complete)) return split;
      if (complete) return std::nullopt;
      auto piece = body.read();
      if (!piece) return tl::unexpected(piece.error());
      complete = piece->empty();
      text += *piece;
      if (text.size() > kStatementLimit) {
        return refuse(
            ErrorCode::QueryIsTooLarge,
            fmt::format("The statement is longer than {} bytes; send the data of an INSERT behind FORMAT or "
                        "VALUES",
                        kStatementLimit));
      }
    }
  }
};

bool StatementHandler::handle(HttpConnection& connection, const RequestHead& head) {
  ResponseStream response(connection, head, identity_);
  // Given back only when the answer is out: a fresh session is opened then, which the client need not wait
  // for.
  std::optional<StatementPool::Lease> lease;
  const auto outcome = [&]() -> EngineResult<StatementSummary> {
    const auto credentials = parse_credentials(head.target, head.headers);
    if (!credentials) return tl::unexpected(credentials.error());
    if (const auto known = authenticate(*credentials, profiles_); !known)
      return tl::unexpected(known.error());
    auto options = parse_request(head.target, head.headers);
    if (!options) return tl::unexpected(options.error());
    if (options->query_id.empty()) options->query_id = random_uuid();
    auto body = RequestBody::open(connection, head);
    if (!body) return tl::unexpected(body.error());
    const auto profile = profiles_.find(credentials->user);
    Exchange exchange{connection,
                      head,
                      *std::move(options),
                      *body,
                      response,
                      lease,
                      profile == profiles_.end() ? "" : profile->second};
    exchange.announce("TabSeparated");
    return run(exchange);
  }();

  if (!outcome) lease.reset();
  const bool drained = drain(connection);
  if (!drained) response.close_after();
  if (outcome) {
    response.finish(*outcome);
  } else {
    response.fail(outcome.error());
  }
  if (!drained) connection.linger(kLinger);
  return response.reusable() && drained;
}

EngineResult<StatementSummary> StatementHandler::run(Exchange& exchange) {
  const auto insert = exchange.read_statement();
  if (!insert) return tl::unexpected(insert.error());
  SqlLexer lexer(exchange.text);
  if (lexer.next().kind == Token::Kind::End)
    return refuse(ErrorCode::SyntaxError, "Syntax error: Empty query");

  auto acquired = pool_->acquire();
  if (!acquired) return tl::unexpected(acquired.error());
  Connection& session = exchange.lease.emplace(*std::move(acquired)).connection();
  if (!exchange.profile.empty()) {
    const auto begun = session.execute(exchange.profile);
    if (!begun) return tl::unexpected(begun.error());
  }
  // ClickHouse runs what comes by GET read-only, so that a link cannot change data.
  const bool read_only = exchange.head.method != "POST" && !exchange.options.readonly_given;
  const auto set = session.execute(set_statement(exchange.options, read_only));
  if (!set) return tl::unexpected(set.error());
  if (!exchange.options.database.empty()) {
    const auto used = session.execute("USE " + quote_name(exchange.options.database));
    if (!used) return tl::unexpected(used.error());
  }

  if (*insert) return run_insert(exchange, session, **insert);
  const StatementClass found = session.classify(exchange.text);
  if (found.statements > 1) {
    return refuse(ErrorCode::SyntaxError, "Syntax error (Multi-statements are not allowed)");
  }
  if (mentions(exchange.text, "OUTFILE") || (is_insert(exchange.text) && mentions(exchange.text, "INFILE"))) {
    return refuse(ErrorCode::NotImplemented, "INTO OUTFILE and FROM INFILE are not allowed over HTTP");
  }
  const OutputSplit split = split_output(exchange.text);
  exchange.announce(exchange.format_of(split));
  if (found.kind == StatementClass::Kind::Read) return run_query(exchange, session, split);
  return run_whole(exchange, session, split);
}

EngineResult<StatementSummary> StatementHandler::run_insert(Exchange& exchange, Connection& session,
                                                            const InsertSplit& split) {
  auto stream = session.insert(split.statement, split.format, exchange.options.query_parameters);
  if (!stream) return tl::unexpected(stream.error());
  std::string_view piece = std::string_view(exchange.text).substr(split.data_begin);
  bool taken = piece.empty() || stream->append(piece);
  while (taken) {
    const auto next = exchange.body.read();
    if (!next) return tl::unexpected(next.error());  // the stream is destroyed unfinished: nothing is written
    if (next->empty()) break;
    taken = stream->append(*next);
  }
  auto summary = stream->finish();
  if (summary) {
    summary->read_rows = summary->result_rows = summary->written_rows;
    summary->read_bytes = summary->result_bytes = summary->written_bytes;
  }
  return summary;
}

EngineResult<StatementSummary> StatementHandler::run_query(Exchange& exchange, Connection& session,
                                                           const OutputSplit& split) {
  OutputReader reader;
  reader.take = [&exchange](std::string_view piece) { return exchange.response.write(piece); };
  reader.client_gone = [this, &exchange] { kill(exchange.options.query_id); };
  reader.client_socket = exchange.connection.socket();
  reader.gone_when_half_closed = exchange.options.cancel_on_close;
  const auto outcome =
      run_piped(session, split, exchange.format_of(split), exchange.options.query_parameters, reader);
  return outcome ? *outcome : run_whole(exchange, session, split);
}

EngineResult<StatementSummary> StatementHandler::run_whole(Exchange& exchange, Connection& session,
                                                           const OutputSplit& split) {
  const auto result =
      session.execute(exchange.text, exchange.format_of(split), exchange.options.query_parameters);
  if (!result) return tl::unexpected(result.error());
  (void)exchange.response.write(result->output());
  return result->summary();
}

void StatementHandler::kill(const std::string& query_id) {
  auto session = pool_->open_extra();
  if (!session) return;
  // Never SYNC: it waits for a statement that may be waiting for us.
  const auto killed = session->execute(
      fmt::format("KILL QUERY WHERE Settings['log_comment'] = {} ASYNC FORMAT Null", quote_string(query_id)));
  if (!killed) log::debug("engine", "cannot stop statement {}: {}", query_id, killed.error().text);
}

void StatementHandler::kill_all() {
  auto session = pool_->open_extra();
  if (session) (void)session->execute("KILL QUERY WHERE query NOT ILIKE 'KILL QUERY%' ASYNC FORMAT Null");
}

}  // namespace penstock::engine
