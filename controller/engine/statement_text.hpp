#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace penstock::engine {

/// How a request's text (the `query` parameter, then the body) is to be run.
struct InsertSplit {
  std::string statement;  ///< the INSERT without its FORMAT or VALUES: what a streaming insert is opened with
  std::string format;     ///< the input format: "Native", "Values", ...
  std::size_t data_begin = 0;  ///< where in the text its data begins

  bool operator==(const InsertSplit&) const = default;
};

/// True when `text` begins, after comments, with INSERT; `text` may be the beginning of a longer text.
[[nodiscard]] bool is_insert(std::string_view text);

/// Takes an INSERT with data apart; nothing for every other statement (INSERT … SELECT included). While more
/// text may follow (`complete` false), nothing is answered either until the cut is certain. Where the data
/// begins: right behind VALUES; for FORMAT, behind blanks and one line break
/// (src/Parsers/ParserInsertQuery.cpp). SETTINGS on the line of FORMAT are moved into the statement.
[[nodiscard]] std::optional<InsertSplit> split_insert(std::string_view text, bool complete);

/// A statement that returns rows, cut where INTO OUTFILE belongs.
struct OutputSplit {
  std::string head;    ///< all before FORMAT
  std::string format;  ///< what FORMAT names; empty without one
  std::string tail;    ///< SETTINGS that stood behind FORMAT, or empty

  bool operator==(const OutputSplit&) const = default;
};
[[nodiscard]] OutputSplit split_output(std::string_view text);

/// What a statement reaches outside of the engine's tables, other than by what the engine itself has
/// privileges for.
enum class Reach { Nothing, Outfile, Infile, FileFunction };
/// False when no statement with this text can reach anything, so that it need not be asked for its canonical
/// form.
[[nodiscard]] bool may_reach_outside(std::string_view text);
/// `canonical` is the statement as the engine's formatQuery() writes it, where INTO OUTFILE and FROM INFILE
/// stand before a string as a clause only, and nothing stands between a function and its parenthesis.
[[nodiscard]] Reach reach_of(std::string_view canonical);

/// 'it\'s': a ClickHouse string literal.
[[nodiscard]] std::string quote_string(std::string_view value);
/// `a``b`: a ClickHouse identifier in backticks.
[[nodiscard]] std::string quote_name(std::string_view name);

}  // namespace penstock::engine
