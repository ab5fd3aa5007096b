#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "controller/engine/chdb_connection.hpp"
#include "controller/engine/statement_text.hpp"

namespace penstock::engine {

/// A statement that returns rows, its output read while it runs. The engine's own streaming interface makes a
/// document of every block (46 JSON documents, 46 CSV headers), so the output goes INTO OUTFILE, and the file
/// is a pipe: any format comes out as it should, and a slow reader holds the statement back. One thread.
class PipedQuery {
 public:
  /// The statement with its output sent to `path`.
  [[nodiscard]] static std::string rewrite(const OutputSplit& split, const std::string& format,
                                           const std::string& path);

  /// Starts the statement in a thread of its own; `connection` must live as long as this object. Nothing when
  /// the engine does not take the statement with INTO OUTFILE in it: run it whole instead.
  [[nodiscard]] static std::unique_ptr<PipedQuery> start(Connection& connection, const OutputSplit& split,
                                                         const std::string& format,
                                                         const QueryParameters& parameters);
  /// Waits for the statement's end; call abandon() before when it is not finished.
  ~PipedQuery();

  /// The next bytes; zero at the end, when the statement has ended, well or not.
  [[nodiscard]] std::size_t read(char* into, std::size_t size);
  /// To poll on: readable when read() would not block.
  [[nodiscard]] int descriptor() const;

  /// Reads no more: the statement fails at its next write.
  void abandon();
  /// Waits for the end and says how it went.
  [[nodiscard]] EngineResult<StatementSummary> finish();

 private:
  struct State;
  explicit PipedQuery(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace penstock::engine
