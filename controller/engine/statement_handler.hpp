#pragma once

#include <string>

#include "controller/engine/accounts.hpp"
#include "controller/engine/request_body.hpp"
#include "controller/engine/request_options.hpp"
#include "controller/engine/response_stream.hpp"
#include "controller/engine/statement_pool.hpp"
#include "controller/engine/statement_text.hpp"

namespace penstock::engine {

/// Answers requests that carry a statement: reads it, runs it in a session of its own, streams its data in or
/// its rows out. Any thread, each with its own connection.
class StatementHandler {
 public:
  /// `allow_sources`: statements may reach outside of the engine's tables (engine_config.hpp).
  StatementHandler(StatementPool& pool, ServerIdentity identity, Accounts accounts, bool allow_sources)
      : pool_(&pool),
        identity_(std::move(identity)),
        accounts_(std::move(accounts)),
        allow_sources_(allow_sources) {}

  /// Answers one request. False when the connection must not be used for another.
  [[nodiscard]] bool handle(HttpConnection& connection, const RequestHead& head);

  /// Stops every running statement at its next step, without waiting for it.
  void kill_all();

 private:
  struct Exchange;

  EngineResult<StatementSummary> run(Exchange& exchange);
  EngineResult<StatementClass::Kind> check_statement(const Exchange& exchange, Connection& session,
                                                     const std::optional<InsertSplit>& insert) const;
  EngineResult<void> prepare(Exchange& exchange, Connection& session) const;
  EngineResult<std::string> canonical_form(const std::string& text) const;
  EngineResult<void> check_reach(const std::string& text) const;
  [[nodiscard]] ServerError explain(ServerError error) const;
  EngineResult<StatementSummary> run_insert(Exchange& exchange, Connection& session,
                                            const InsertSplit& split);
  EngineResult<StatementSummary> run_query(Exchange& exchange, Connection& session, const OutputSplit& split);
  EngineResult<StatementSummary> run_whole(Exchange& exchange, Connection& session, const OutputSplit& split);
  void kill(const std::string& query_id);

  StatementPool* pool_;
  ServerIdentity identity_;
  Accounts accounts_;
  bool allow_sources_;
};

}  // namespace penstock::engine
