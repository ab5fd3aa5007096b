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

// What a refusal for want of a privilege says beside the privilege's name.
constexpr std::string_view kClosed =
    "files, networks and programs are closed to statements; penstock dev --clickhouse-allow-sources, or "
    "penstock "
    "engine --allow-sources, opens the engine's sources";

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

// ClickHouse runs what comes by GET read-only, so that a link cannot change data. The client may ask for less
// than that (readonly = 1), not for more.
std::string set_statement(const RequestOptions& options, bool reads) {
  std::string sql;
  const auto set = [&sql](std::string_view name, std::string_view value) {
    sql += fmt::format("{} {} = {}", sql.empty() ? "SET" : ",", quote_name(name), quote_string(value));
  };
  bool commented = false;
  std::string_view readonly = "2";
  for (const auto& [name, value] : options.settings) {
    commented = commented || name == "log_comment";
    if (reads && name == "readonly") {
      if (value == "1") readonly = "1";
      continue;
    }
    set(name, value);
  }
  // By this the statement is found again in system.processes; the engine makes its query ids itself.
  if (!commented) set("log_comment", options.query_id);
  if (reads) set("readonly", readonly);
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

  [[nodiscard]] bool reads_only() const { return head.method != "POST"; }

  // Reads as much of the body as the statement needs: up to its data for an INSERT that has some, else all.
  EngineResult<std::optional<InsertSplit>> read_statement() {
    text = options.query.empty() ? std::string() : options.query + "\n";
    bool complete = reads_only();
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
    if (const auto known = authenticate(*credentials, accounts_); !known)
      return tl::unexpected(known.error());
    auto options = parse_request(head.target, head.headers);
    if (!options) return tl::unexpected(options.error());
    if (options->query_id.empty()) options->query_id = random_uuid();
    auto body = RequestBody::open(connection, head);
    if (!body) return tl::unexpected(body.error());
    const auto profile = accounts_.profiles.find(credentials->user);
    Exchange exchange{connection,
                      head,
                      *std::move(options),
                      *body,
                      response,
                      lease,
                      profile == accounts_.profiles.end() ? "" : profile->second};
    exchange.announce("TabSeparated");
    return run(exchange);
  }();

  if (!outcome) lease.reset();
  if (connection.runs_statement()) connection.statement_ends();
  const bool drained = drain(connection);
  if (!drained) response.close_after();
  if (outcome) {
    response.finish(*outcome);
  } else {
    response.fail(explain(outcome.error()));
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

  auto acquired = pool_->acquire(exchange.connection.peer_wait());
  if (!acquired) return tl::unexpected(acquired.error());
  exchange.connection.statement_begins();
  Connection& session = exchange.lease.emplace(*std::move(acquired)).connection();
  if (const auto prepared = prepare(exchange, session); !prepared) return tl::unexpected(prepared.error());

  const auto kind = check_statement(exchange, session, *insert);
  if (!kind) return tl::unexpected(kind.error());
  if (*insert) return run_insert(exchange, session, **insert);
  const OutputSplit split = split_output(exchange.text);
  exchange.announce(exchange.format_of(split));
  if (*kind == StatementClass::Kind::Read) return run_query(exchange, session, split);
  return run_whole(exchange, session, split);
}

// What the engine's own parser does not take for one statement is not run: it would run the first of several,
// and then find that the second is none.
EngineResult<StatementClass::Kind> StatementHandler::check_statement(
    const Exchange& exchange, Connection& session, const std::optional<InsertSplit>& insert) const {
  const std::string opening =
      insert ? fmt::format("{}\nFORMAT {}", insert->statement, insert->format) : std::string();
  const std::string& statement = insert ? opening : exchange.text;
  const StatementClass found = session.classify(statement);
  // Behind VALUES a semicolon ends the data, of which the engine then ignores the rest.
  const bool more = insert && insert->format == "Values" && exchange.connection.body_finished() &&
                    session.classify(exchange.text).statements > 1;
  if (found.statements != 1 || more) {
    const auto canonical = canonical_form(statement);
    if (!canonical) return tl::unexpected(canonical.error());
    return refuse(ErrorCode::SyntaxError, "Syntax error (Multi-statements are not allowed)");
  }
  // Beside the setting: that leaves KILL QUERY and an INSERT into a file be.
  if (exchange.reads_only() && found.kind != StatementClass::Kind::Read)
    return refuse(ErrorCode::ReadOnly, "Cannot execute query in readonly mode: use POST");
  if (const auto allowed = check_reach(statement); !allowed) return tl::unexpected(allowed.error());
  return found.kind;
}

EngineResult<void> StatementHandler::prepare(Exchange& exchange, Connection& session) const {
  std::vector<std::string> statements{exchange.profile,
                                      set_statement(exchange.options, exchange.reads_only())};
  if (!exchange.options.database.empty())
    statements.push_back("USE " + quote_name(exchange.options.database));
  for (const auto& statement : statements) {
    if (statement.empty()) continue;
    const auto done = session.execute(statement);
    if (!done) return tl::unexpected(done.error());
  }
  return {};
}

// In a session of its own: that of the request has settings that concern parsers.
EngineResult<std::string> StatementHandler::canonical_form(const std::string& text) const {
  auto session = pool_->open_extra();
  if (!session) return refuse(ErrorCode::UnknownException, session.error().text());
  (void)session->execute(fmt::format("SET max_query_size = {}", 2 * kStatementLimit));
  const auto formatted =
      session->execute(fmt::format("SELECT formatQuery({}) FORMAT RawBLOB", quote_string(text)));
  if (formatted) return std::string(formatted->output());
  ServerError error = formatted.error();
  const auto scope = error.text.find(": In scope SELECT formatQuery(");
  if (scope != std::string::npos) error.text = error.text.substr(0, scope) + " (SYNTAX_ERROR)";
  return tl::unexpected(std::move(error));
}

EngineResult<void> StatementHandler::check_reach(const std::string& text) const {
  if (!may_reach_outside(text)) return {};
  const auto canonical = canonical_form(text);
  if (!canonical) return tl::unexpected(canonical.error());
  const Reach reach = reach_of(*canonical);
  if (reach == Reach::Outfile || reach == Reach::Infile)
    return refuse(ErrorCode::NotImplemented, "INTO OUTFILE and FROM INFILE are not allowed over HTTP");
  if (reach == Reach::FileFunction && !allow_sources_)
    return refuse(ErrorCode::AccessDenied, fmt::format("The function file cannot be used: {}", kClosed));
  return {};
}

ServerError StatementHandler::explain(ServerError error) const {
  const bool denied = error.code == static_cast<int>(ErrorCode::AccessDenied) && !allow_sources_;
  const auto name = error.text.rfind(" (ACCESS_DENIED)");
  if (!denied || name == std::string::npos || error.text.find(kClosed) != std::string::npos) return error;
  for (const std::string_view privilege : {" READ ON ", " WRITE ON ", " TABLE ENGINE ON ", " BACKUP ON "}) {
    if (error.text.find(privilege) == std::string::npos) continue;
    error.text.insert(name, fmt::format(" ({})", kClosed));
    break;
  }
  return error;
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
