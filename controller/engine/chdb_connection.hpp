#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controller/engine/chdb_library.hpp"
#include "controller/engine/server_error.hpp"

namespace penstock::engine {

using QueryParameters = std::vector<std::pair<std::string, std::string>>;

/// The counters of a finished statement.
struct StatementSummary {
  std::uint64_t read_rows = 0;
  std::uint64_t read_bytes = 0;
  std::uint64_t written_rows = 0;
  std::uint64_t written_bytes = 0;
  std::uint64_t result_rows = 0;
  std::uint64_t result_bytes = 0;

  bool operator==(const StatementSummary&) const = default;
};

/// A finished statement's counters, and its output, which lives in the engine's memory as long as this
/// object.
class StatementResult {
 public:
  StatementResult(const ChdbApi& api, ChdbResult* result);

  [[nodiscard]] std::string_view output() const;
  [[nodiscard]] StatementSummary summary() const;

 private:
  const ChdbApi* api_;
  std::unique_ptr<ChdbResult, void (*)(ChdbResult*)> result_;
};

/// What a statement does, as the engine's own parser sees it.
struct StatementClass {
  enum class Kind { Read, Write, Control, Unknown };

  Kind kind = Kind::Unknown;
  unsigned int statements = 0;  ///< how many the text holds; 0 for text that does not parse
};

/// An INSERT in progress. While it lives its connection can do nothing else. Destroyed without finish(), it
/// cancels: what the engine has not written yet is not written.
class InsertStream {
 public:
  InsertStream(const ChdbApi& api, ChdbInsertStream* stream);

  /// Copies `data`, in the insert's format, cut anywhere; blocks while the engine is behind (16 pieces are
  /// kept). False when the insert has failed: finish() then says why.
  [[nodiscard]] bool append(std::string_view data);
  /// Ends the data and waits until the rows are written.
  [[nodiscard]] EngineResult<StatementSummary> finish();
  /// Why it could not be opened, or failed.
  [[nodiscard]] std::optional<ServerError> error() const;

 private:
  const ChdbApi* api_;
  std::unique_ptr<ChdbInsertStream, void (*)(ChdbInsertStream*)> stream_;
};

/// One session of the engine: own settings and current database, one statement at a time; any thread, one at
/// a time. Opening costs about 0.1 ms (the first of the process starts the engine), so a session is used for
/// one request and thrown away: nothing a statement sets can leak into the next.
class Connection {
 public:
  /// `arguments` are the engine's command line; fails when the engine cannot start (its reason is on stderr).
  [[nodiscard]] static Result<Connection> open(const ChdbApi& api, const std::vector<std::string>& arguments);

  /// Runs any statement to its end; rows come back whole, in `format` unless the statement names one.
  [[nodiscard]] EngineResult<StatementResult> execute(std::string_view sql,
                                                      std::string_view format = "TabSeparated",
                                                      const QueryParameters& parameters = {});
  /// Opens an INSERT given without FORMAT, VALUES or data; unknown tables, columns and formats fail here.
  [[nodiscard]] EngineResult<InsertStream> insert(std::string_view sql, std::string_view format,
                                                  const QueryParameters& parameters = {});
  [[nodiscard]] StatementClass classify(std::string_view sql);

 private:
  Connection(const ChdbApi& api, ChdbSession** session) : api_(&api), session_(session, api.close) {}

  const ChdbApi* api_;
  std::unique_ptr<ChdbSession*, void (*)(ChdbSession**)> session_;
};

}  // namespace penstock::engine
