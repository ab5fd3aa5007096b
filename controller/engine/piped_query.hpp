#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "controller/engine/chdb_connection.hpp"
#include "controller/engine/statement_text.hpp"

namespace penstock::engine {

/// Who reads a statement's output. Both are called from a thread of run_piped's own, while its caller waits.
struct OutputReader {
  /// Takes the next piece; false: no more is wanted, the statement is to end.
  std::function<bool(std::string_view)> take;
  /// The client broke off before the output's end: make the statement stop.
  std::function<void()> client_gone;
  int client_socket = -1;
  bool gone_when_half_closed = false;  ///< the end of what the client sends counts as its going
};

/// Runs a statement that returns rows, its output read while it runs. The engine's own streaming interface
/// makes a document of every block (46 JSON documents, 46 CSV headers), so the output goes INTO OUTFILE, and
/// the file is a pipe: any format comes out as it should, and a slow reader holds the statement back. Nothing
/// when the engine does not take the statement with INTO OUTFILE in it: run it whole instead.
[[nodiscard]] std::optional<EngineResult<StatementSummary>> run_piped(Connection& connection,
                                                                      const OutputSplit& split,
                                                                      const std::string& format,
                                                                      const QueryParameters& parameters,
                                                                      const OutputReader& reader);

/// The statement with its output sent to `path`.
[[nodiscard]] std::string with_outfile(const OutputSplit& split, const std::string& format,
                                       const std::string& path);

}  // namespace penstock::engine
