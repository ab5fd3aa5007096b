#pragma once

// COPY (SELECT …) TO STDOUT (FORMAT binary) of one partition, row by row, without copying a field
// (PostgreSQL docs, "COPY", "Binary Format").

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "core/table_name.hpp"
#include "dataplane/postgres/connection.hpp"

namespace penstock::postgres {

/// One field of a row: null, or bytes that stay valid until the next row is read.
struct FieldView {
  bool null = true;
  std::string_view bytes;
};

/// Splits one CopyData message's tuple into fields. Pure; any bytes are safe. Fails with reason
/// MalformedCopy.
[[nodiscard]] Status parse_copy_row(std::string_view tuple, std::size_t columns, std::vector<FieldView>& out);

class CopyReader {
 public:
  /// Runs `sql` (a COPY … TO STDOUT (FORMAT binary)) on a session that must outlive the reader.
  [[nodiscard]] static Result<CopyReader> start(pg_conn* session, const Endpoint& endpoint,
                                                const std::string& sql, std::size_t columns);
  CopyReader(CopyReader&&) noexcept;
  CopyReader& operator=(CopyReader&&) = delete;
  ~CopyReader();  ///< cancels what still runs

  /// The next row's fields, valid until the next call; empty span at the end of the data.
  [[nodiscard]] Result<std::span<const FieldView>> next();

 private:
  CopyReader(pg_conn* session, Endpoint endpoint, std::size_t columns);
  [[nodiscard]] Result<int> receive();
  pg_conn* session_;
  Endpoint endpoint_;
  std::size_t columns_;
  char* row_ = nullptr;
  bool header_seen_ = false;
  bool finished_ = false;
  std::vector<FieldView> fields_;
};

/// A column of a load, and whether it leaves as its text (see FieldDecoder::takes_binary): what the type's
/// output function gives, as pgoutput sends it. Not the cast `column::text`: that strips the blanks of
/// char(n), adds the mask to inet, and is whatever an extension makes of it.
struct CopyColumn {
  std::string name;
  bool as_text = false;
};

/// The column in a SELECT: `"a"`, or the text of it; `qualifier` is put before the name ("t.").
[[nodiscard]] std::string column_expression(const CopyColumn& column, std::string_view qualifier = "");

/// Blocks [first, last) of one heap; last < 0: to its end. ONLY the heap, never its children. `filter`: a
/// condition that PostgreSQL has written (Heap::row_filter); empty: every row.
[[nodiscard]] std::string copy_range_sql(const TableName& heap, const std::vector<CopyColumn>& columns,
                                         std::int64_t first, std::int64_t last,
                                         const std::string& filter = "");
/// The whole of a heap or view, in one stream. `most`: rows; 0: all.
[[nodiscard]] std::string copy_all_sql(const TableName& heap, const std::vector<CopyColumn>& columns,
                                       const std::string& filter = "", std::size_t most = 0);

/// A read-only REPEATABLE READ transaction on `session` that sees `snapshot`; one that is open there is ended
/// first. Fails with reason SnapshotLost (Transient) when the session that exported it is gone.
[[nodiscard]] Status begin_at_snapshot(pg_conn* session, const Endpoint& endpoint,
                                       const std::string& snapshot);

/// In a transaction of begin_at_snapshot(): locks the heap, or view, of that name against DDL until the
/// transaction ends, by ACCESS SHARE, as whoever reads it does. Neither this nor what follows waits for a
/// lock longer than a few seconds: LockTimeout (Transient), after which the transaction holds none.
/// TableNotFound where nothing has the name. Rows of a heap come in the order of their places from here on.
[[nodiscard]] Status lock_heap(pg_conn* session, const Endpoint& endpoint, const TableName& heap);

/// In the same transaction, before rows are read by a filter: no index is used for it, so that rows still
/// come in the order of their places, and a range of blocks does not cost a look at the whole index.
[[nodiscard]] Status read_by_place(pg_conn* session, const Endpoint& endpoint);

/// A statement without a result that matters.
[[nodiscard]] Status execute(pg_conn* session, const Endpoint& endpoint, const std::string& sql);

}  // namespace penstock::postgres
