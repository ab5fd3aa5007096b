#pragma once

// pgoutput messages to rows in blocks. No I/O but one: values that the stream leaves out (unchanged TOAST)
// are read back through a SourceReader when a batch is taken.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "dataplane/pipeline/batch.hpp"
#include "dataplane/pipeline/setup.hpp"
#include "dataplane/postgres/pgoutput.hpp"
#include "dataplane/postgres/replication.hpp"
#include "dataplane/postgres/row_lookup.hpp"

namespace penstock::pipeline {

/// The way back to the source for values that the stream leaves out.
class SourceReader {
 public:
  virtual ~SourceReader() = default;
  /// Returns once none of these transactions is in progress any more: a commit is streamed before it is
  /// visible.
  [[nodiscard]] virtual Status wait_until_visible(const std::vector<std::uint32_t>& xids) = 0;
  /// See postgres::lookup_rows.
  /// The stream is before the DROP of this column, and its target has it: bind it the next time.
  virtual void note_dropped(DroppedColumn column) = 0;
  /// Whether the source's table has a column of this name now.
  [[nodiscard]] virtual Result<bool> has_column(const TableName& table, const std::string& column) = 0;
  /// The type with this pg_type.oid.
  [[nodiscard]] virtual Result<PgType> type_of(std::uint32_t oid, std::int32_t typmod) = 0;
  [[nodiscard]] virtual Status lookup(
      const BoundTable& table, const std::vector<postgres::KeyColumn>& key,
      const std::vector<postgres::CopyColumn>& wanted, const std::vector<postgres::KeyField>& keys,
      const std::function<Status(std::size_t, std::span<const postgres::FieldView>)>& found) = 0;
};

/// The reasons of the errors that apply() ends with when the stream cannot go on as it was begun. Nothing of
/// the change has been decoded: follow the source, then begin the stream again.
inline constexpr const char* kSourceTableChanged = "SourceTableChanged";  // a column that the target lacks
inline constexpr const char* kTextStreamNeeded = "TextStreamNeeded";      // a type without a binary decoder

/// The last change that a log of changes, or the load of a table added later, holds: what is not above it has
/// been written already.
struct LogPosition {
  Lsn commit;
  Lsn version;
  auto operator<=>(const LogPosition&) const = default;
};

class StreamDecoder {
 public:
  /// `tables` and `source` outlive the decoder. `binary`: the stream was asked for binary fields.
  StreamDecoder(const std::vector<BoundTable>& tables, std::vector<LogPosition> written, SourceReader& source,
                bool binary);

  /// Takes one message in. Errors: UnrepresentableValue (BadData), MalformedPgoutput (Internal), ….
  [[nodiscard]] Status apply(const postgres::XLogData& data);

  /// True after a TRUNCATE: take() must be called before the next apply().
  [[nodiscard]] bool must_take() const { return !truncates_.empty(); }
  /// What has come in since the last take, completed with the values that were left out. Cheap when empty.
  [[nodiscard]] Result<Batch> take();
  [[nodiscard]] bool empty() const { return batch_.empty() && truncates_.empty(); }
  [[nodiscard]] std::size_t rows() const { return batch_.rows; }
  [[nodiscard]] std::size_t bytes() const { return batch_.bytes() + deferred_bytes_; }
  [[nodiscard]] std::size_t inserts() const { return batch_.inserts(); }
  [[nodiscard]] std::int64_t oldest_commit() const { return batch_.oldest_commit; }
  /// End of the last transaction that came in whole.
  [[nodiscard]] Lsn committed() const { return committed_; }
  [[nodiscard]] bool in_transaction() const { return in_transaction_; }
  /// The table whose value an error of apply() or take() is about; nullopt: of none.
  [[nodiscard]] std::optional<std::size_t> failed_table() const { return failed_table_; }
  /// Changes taken in, by table.
  [[nodiscard]] const std::vector<std::uint64_t>& counts() const { return counts_; }

 private:
  /// Where each field of a relation's tuples belongs; rebuilt at every Relation message.
  struct Route {
    std::size_t table = 0;
    bool ours = false;
    TableName name{};  ///< the table's own, or that of a heap of it
    std::shared_ptr<const std::vector<BoundColumn>>
        columns;                ///< decoders for the types as this relation has them
    std::vector<int> field_of;  ///< by bound column: position in the tuple, -1: not sent
    std::vector<const std::string*>
        missing;  ///< by bound column that is not sent: what old rows hold; null: NULL
  };
  /// A row that waits for values from the source.
  struct Deferred {
    std::size_t table = 0;
    std::shared_ptr<const std::vector<BoundColumn>> columns;
    Lsn version, commit;
    std::uint32_t xid = 0;
    std::vector<postgres::pgoutput::Field::Kind> kinds;  ///< by bound column; Unchanged: to be read
    std::vector<std::string> values;
  };

  [[nodiscard]] Status route(const postgres::pgoutput::Relation& relation);
  [[nodiscard]] Status check_columns(const postgres::pgoutput::Relation& relation, std::size_t table);
  [[nodiscard]] Result<std::shared_ptr<const std::vector<BoundColumn>>> columns_of(
      const postgres::pgoutput::Relation& relation, const Route& route);
  [[nodiscard]] const Route* find(std::uint32_t relation);
  [[nodiscard]] Status insert(std::uint32_t relation, Lsn version);
  [[nodiscard]] Status update(const postgres::pgoutput::Update& change, Lsn version);
  [[nodiscard]] Status remove(const postgres::pgoutput::Delete& change, Lsn version);
  [[nodiscard]] Status truncate(const postgres::pgoutput::Truncate& change, Lsn version);
  [[nodiscard]] Status truncate(std::size_t table, const std::vector<TableName>& emptied, Lsn version);

  /// Written, or in the table's load, before this stream began.
  [[nodiscard]] bool written_already(std::size_t table, Lsn version) const;
  [[nodiscard]] bool key_changed(const Route& route) const;
  TableBatch& open(std::size_t table);
  [[nodiscard]] Status append(const Route& route, const postgres::pgoutput::Tuple& tuple,
                              const postgres::pgoutput::Tuple* old, Lsn version, bool deleted);
  [[nodiscard]] Status defer(const Route& route, const postgres::pgoutput::Tuple& tuple,
                             const postgres::pgoutput::Tuple* old, Lsn version);
  [[nodiscard]] Status complete();
  [[nodiscard]] Status complete_table(std::size_t table, const std::vector<std::size_t>& rows);
  [[nodiscard]] Status append_deferred(const Deferred& row, const std::vector<int>& read_at,
                                       std::span<const postgres::FieldView> read);
  [[nodiscard]] Error refused(const Route& route, const postgres::pgoutput::Tuple& tuple, std::size_t column,
                              FieldOutcome outcome) const;

  const std::vector<BoundTable>& tables_;
  std::vector<LogPosition> written_;
  SourceReader& source_;
  bool binary_;
  std::vector<std::shared_ptr<const std::vector<BoundColumn>>>
      bound_;  // by table, as the catalog has the types
  postgres::pgoutput::Parser parser_;
  std::unordered_map<std::uint32_t, Route> routes_;
  std::uint32_t last_relation_ = 0;
  const Route* last_route_ = nullptr;

  Batch batch_;
  std::vector<std::pair<std::size_t, Lsn>> truncates_;
  std::vector<Deferred> deferred_;
  std::size_t deferred_bytes_ = 0;
  std::size_t deferred_limit_ = 64;  // rows; follows the size of what had to be read
  std::uint32_t visible_xid_ = 0;    // known not to be in progress
  std::vector<std::uint64_t> counts_;
  bool in_transaction_ = false;
  Lsn commit_lsn_;
  std::int64_t commit_time_ = 0;
  std::uint32_t xid_ = 0;
  Lsn committed_;
  std::optional<std::size_t> failed_table_;
};

}  // namespace penstock::pipeline
