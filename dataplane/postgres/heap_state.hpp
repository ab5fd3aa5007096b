#pragma once

// What the catalog says of a heap and of the table that it is a part of: as a snapshot has it, or as it is
// now.

#include <cstdint>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "core/table_name.hpp"
#include "dataplane/postgres/connection.hpp"

namespace penstock::postgres {

/// A row of pg_attribute. A column that was dropped keeps its number.
struct ColumnState {
  int number = 0;
  std::string name;
  std::uint32_t type = 0;
  std::int32_t typmod = -1;
  bool dropped = false;
  bool generated = false;
};

/// Found by names: another OID is another table under the same name.
struct HeapState {
  std::uint32_t table = 0;  ///< 0: there is none of that name
  std::uint32_t heap = 0;
  std::int64_t file = 0;   ///< pg_class.relfilenode
  std::string attachment;  ///< the heap's, on all ways up to the table: another after each ATTACH
  /// What the publication has of the table and the heap: another text after each change of it. Empty:
  /// nothing, or no publication was asked for.
  std::string published;
  std::vector<ColumnState> table_columns;
  std::vector<ColumnState> heap_columns;
};

/// By plain SELECTs, so that it is what the session's transaction sees: its snapshot, or the present.
/// `publication`: its name; empty: none.
[[nodiscard]] Result<HeapState> read_heap_state(pg_conn* session, const Endpoint& endpoint,
                                                const TableName& table, const TableName& heap,
                                                const std::string& publication);

/// The pid of the session's backend.
[[nodiscard]] int backend_of(pg_conn* session);

/// The catalog as it is now, for those who read at an older snapshot: a session of its own, opened at the
/// first need and again after a failure. Thread-safe; calls wait for one another.
class PresentCatalog {
 public:
  explicit PresentCatalog(Endpoint endpoint) : endpoint_(std::move(endpoint)) {}

  /// Of a heap that the caller holds a lock on, this stays true as long as he does.
  [[nodiscard]] Result<HeapState> state_of(const TableName& table, const TableName& heap,
                                           const std::string& publication);
  /// The sessions that have, or wait for, a lock on the table that no reader gets along with, as
  /// name_sessions() writes them.
  [[nodiscard]] Result<std::string> sessions_that_lock(const TableName& table);
  /// Backends, by pid, that have a lock on a table of this database that another waits for.
  [[nodiscard]] Result<std::set<int>> sessions_waited_for();
  /// One of this role's.
  [[nodiscard]] Status end_session(int pid);

 private:
  template <typename Ask>
  auto ask(const Ask& question) -> decltype(question(std::declval<pg_conn*>()));

  const Endpoint endpoint_;
  std::mutex mutex_;
  Connection session_;
};

}  // namespace penstock::postgres
