#pragma once

#include <set>
#include <string>

#include "tests/support/engine_server.hpp"
#include "tests/support/postgres_server.hpp"

namespace penstock::test {

/// A table of a pipe, as its manifest has it.
struct ReplicatedTable {
  std::string source;                     ///< "public.t", as in the status
  std::string target;                     ///< without its database
  std::set<std::string> excluded{};       ///< names of columns that are not replicated
  std::set<std::string> excluded_nums{};  ///< their attnums, under whatever name they go by now
  std::string excluded_of{};              ///< pg_class.oid of the table that these are numbers of
  /// The user's: compared are the rows and columns that it publishes now. Empty: all.
  std::string publication{};
};

/// Finds the attnums of the excluded columns: asked before anybody renames them, and again when one was
/// dropped and made anew.
void remember_excluded(PostgresSession& session, ReplicatedTable& table);

/// Pins how the session prints values; once for each session that is handed to table_difference().
void print_plainly(PostgresSession& session);

/// Compares a source table with its target's rows (FINAL, not deleted), in every column that the source's
/// catalog has at this moment. Empty: equal, and nothing of an excluded column is there; else the first
/// differences in words. A table that is missing on either side differs. Rows are compared whole, as
/// multisets, by text_rules.hpp; writers are to be still meanwhile.
std::string table_difference(PostgresSession& session, EngineServer& engine,
                             const std::string& target_database, const ReplicatedTable& table);

/// Whether a column of the table that is not excluded holds the text, anywhere.
bool holds_in_the_open(PostgresSession& session, const ReplicatedTable& table, const std::string& text);

/// Where a text that is not to be in the target database is held, in any column of any table, deleted rows
/// and former versions included; empty: nowhere.
std::string where_held(EngineServer& engine, const std::string& database, const std::string& text);

}  // namespace penstock::test
