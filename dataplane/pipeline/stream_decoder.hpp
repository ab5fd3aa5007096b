#pragma once

// pgoutput messages to rows in blocks. No I/O but one: values that the stream leaves out (unchanged TOAST)
// are read back through a SourceReader when a batch is taken.

#include <functional>
#include <memory>
#include <optional>
#include <set>
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
  /// See postgres::wait_until_visible: a commit is streamed before it is visible.
  [[nodiscard]] virtual Status wait_until_visible(const std::vector<std::uint32_t>& xids) = 0;
  /// The stream is before the DROP of this column, and its target has it: bind it the next time.
  virtual void note_dropped(DroppedColumn column) = 0;
  /// The tables with these pg_class.oids as the catalog has them at one moment, now; nullopt: it is gone.
  [[nodiscard]] virtual Result<std::vector<std::optional<postgres::SourceTable>>> definitions(
      const std::vector<std::uint32_t>& oids) = 0;
  /// More has been found out of the table's definition than it was bound with.
  [[nodiscard]] virtual bool is_outdated(const BoundTable& table) = 0;
  /// The part of the table with this pg_class.oid has changes in that transaction.
  virtual void report_part(const BoundTable& table, std::uint32_t oid, const PartChange& change) = 0;
  /// pg_class.oid of the tables that the one with this oid is a partition or a child of; empty: of none, or
  /// it is gone.
  [[nodiscard]] virtual Result<std::vector<std::uint32_t>> ancestors_of(std::uint32_t oid) = 0;
  /// Rows of the table may differ from the source's from here on: why.
  virtual void report_difference(const BoundTable& table, const std::string& why) = 0;
  /// A TRUNCATE of the table, or of a part of it, came in the transaction with this xid.
  virtual void report_truncate(const BoundTable& table, std::uint32_t xid) = 0;
  /// The type with this pg_type.oid.
  [[nodiscard]] virtual Result<PgType> type_of(std::uint32_t oid, std::int32_t typmod) = 0;
  /// See postgres::lookup_rows. `table`: pg_class.oid.
  [[nodiscard]] virtual Status lookup(std::uint32_t table, const postgres::LookupPlan& plan,
                                      const postgres::FoundRow& found) = 0;
};

/// The reasons of the errors that apply() ends with when the stream cannot go on as it was begun. Nothing of
/// the change has been decoded: follow the source, then begin the stream again.
inline constexpr const char* kSourceTableChanged = "SourceTableChanged";  // a column that the target lacks
inline constexpr const char* kTextStreamNeeded = "TextStreamNeeded";      // a type without a binary decoder

/// Whether an error that a stream ended with, and that a table is blamed for, holds up that table alone.
[[nodiscard]] bool holds_up_one_table(const Error& error);

class StreamDecoder {
 public:
  /// `tables` and `source` outlive the decoder. `written`, by table: the last change that a log of changes,
  /// or the load of a table added later, holds; what is not above it has been written already. `binary`: the
  /// stream was asked for binary fields.
  StreamDecoder(const std::vector<BoundTable>& tables, std::vector<RowVersion> written, SourceReader& source,
                bool binary, Replay replay = {{}, {}});

  /// Takes one message in. Errors: UnrepresentableValue (BadData), MalformedPgoutput (Internal),
  /// SourceChanged (Terminal) where a replay is not of what was streamed, ….
  [[nodiscard]] Status apply(const postgres::XLogData& data);

  /// True after a TRUNCATE: take_into() must be called before the next apply().
  [[nodiscard]] bool must_take() const { return !truncates_.empty(); }
  /// Gives what has come in since the last time, completed with the values that were left out, to the queue
  /// and nobody else: a row that is in neither could be told the source as written. Cheap when empty.
  [[nodiscard]] Status take_into(BatchQueue& queue);
  [[nodiscard]] bool empty() const { return batch_.empty() && truncates_.empty(); }
  [[nodiscard]] std::size_t rows() const { return batch_.rows; }
  [[nodiscard]] std::size_t bytes() const { return batch_.bytes() + deferred_bytes_; }
  [[nodiscard]] std::size_t inserts() const { return batch_.inserts(); }
  [[nodiscard]] std::int64_t oldest_commit() const { return batch_.oldest_commit; }
  /// End of the last transaction that came in whole.
  [[nodiscard]] Lsn committed() const { return committed_; }
  /// Where the present transaction, or the last one, commits.
  [[nodiscard]] Lsn commit() const { return commit_lsn_; }
  [[nodiscard]] bool in_transaction() const { return in_transaction_; }
  /// The table whose value an error of apply() or take() is about; nullopt: of none.
  [[nodiscard]] std::optional<std::size_t> failed_table() const { return failed_table_; }
  /// Changes taken in, by table.
  [[nodiscard]] const std::vector<std::uint64_t>& counts() const { return counts_; }

 private:
  /// A relation as the stream has described it: what its rows are looked up by.
  struct SentRelation {
    std::size_t table = 0;
    std::uint32_t oid = 0;
    std::vector<std::string> names;    ///< of all its columns, in the stream's order
    std::vector<std::uint32_t> types;  ///< as declared
    std::vector<int> key;              ///< positions of the columns that name a row
    std::vector<int> field_of;         ///< as Route::field_of
    /// By bound column: the source has it no more. What is not sent of it is NULL, or its type's default.
    std::vector<bool> dropped;
    std::shared_ptr<const std::vector<BoundColumn>> columns;  ///< as Route::columns
  };
  /// Where each field of a relation's tuples belongs; rebuilt at every Relation message.
  struct Route {
    std::size_t table = 0;
    bool ours = false;
    /// The message itself, while its table has all changes that came with it and so nothing of it was looked
    /// at: the catalog is by now as it was after them.
    std::string unread{};
    TableName name{};  ///< the table's own, or that of a heap of it
    std::shared_ptr<const std::vector<BoundColumn>>
        columns;                ///< decoders for the types as this relation has them
    std::vector<int> field_of;  ///< by bound column: position in the tuple, -1: not sent
    std::vector<const std::string*>
        missing;  ///< by bound column that is not sent: what old rows hold; null: NULL
    std::vector<std::size_t>
        key;  ///< bound columns of the target's sorting key; empty: it keeps every change
    std::shared_ptr<const SentRelation> sent;
  };
  /// The key of a row as the stream has it; `old`: where it is left out of the tuple.
  [[nodiscard]] static std::string key_bytes(const std::vector<int>& key,
                                             const postgres::pgoutput::Tuple& tuple,
                                             const postgres::pgoutput::Tuple& old);
  /// A row that waits for values from the source.
  struct Deferred {
    std::shared_ptr<const SentRelation> sent;
    RowVersion version;
    std::uint32_t xid = 0;
    std::vector<postgres::pgoutput::Field::Kind> kinds;  ///< by bound column; Unchanged: to be read
    std::vector<std::string> values;
    std::string key;  ///< as in unread_; only where TRUNCATE is ignored
  };

  [[nodiscard]] Status route(const postgres::pgoutput::Relation& relation, std::string_view message);
  [[nodiscard]] Status bind_route(const postgres::pgoutput::Relation& relation, Route& out);
  /// The route of a change that is to be taken in; null: it is nobody's, or has been written already.
  [[nodiscard]] Result<const Route*> to_take(std::uint32_t relation, const RowVersion& version);
  [[nodiscard]] Result<std::optional<std::size_t>> table_of(const postgres::pgoutput::Relation& relation);
  [[nodiscard]] Status check_identity(const postgres::pgoutput::Relation& relation, std::size_t table,
                                      const postgres::SourceTable& now);
  [[nodiscard]] Status check_columns(const postgres::pgoutput::Relation& relation, std::size_t table,
                                     const postgres::SourceTable& now,
                                     const std::vector<std::string>& excluded);
  [[nodiscard]] Result<std::vector<std::string>> compare(const postgres::pgoutput::Relation& relation,
                                                         std::size_t table, const postgres::SourceTable& now);
  /// compare() of a part's message, which names columns by its own order.
  [[nodiscard]] Result<std::optional<std::vector<std::string>>> compare_part(
      const postgres::pgoutput::Relation& relation, const BoundTable& bound, const SourceDefinition& now);
  /// Of a column that was added since and dropped, or renamed: which, cannot be told.
  void report_renamed(const postgres::pgoutput::Relation& relation, const BoundTable& bound,
                      const postgres::SourceTable& now, const std::string& name);
  /// Columns that rows of before have a default in, which the catalog knows no more.
  void report_unfilled(const Route& route, const postgres::SourceTable& now);
  void bind_fields(const postgres::pgoutput::Relation& relation, const std::vector<std::string>& excluded,
                   Route& route) const;
  [[nodiscard]] Result<std::shared_ptr<const std::vector<BoundColumn>>> columns_of(
      const postgres::pgoutput::Relation& relation, const Route& route, const postgres::SourceTable& now);
  /// An error that quarantines the table.
  [[nodiscard]] tl::unexpected<Error> quarantine(std::size_t table, Error error);
  /// Every column of the target's key is in the tuple by value.
  [[nodiscard]] Status check_key(const Route& route, const postgres::pgoutput::Tuple& tuple);
  [[nodiscard]] std::shared_ptr<const SentRelation> sent_relation(
      const postgres::pgoutput::Relation& relation, const Route& route,
      const postgres::SourceTable& now) const;
  [[nodiscard]] const Route* find(std::uint32_t relation);
  [[nodiscard]] Status insert(std::uint32_t relation, const RowVersion& version);
  [[nodiscard]] Status update(const postgres::pgoutput::Update& change, const RowVersion& version);
  [[nodiscard]] Status remove(const postgres::pgoutput::Delete& change, const RowVersion& version);
  [[nodiscard]] Status truncate(const postgres::pgoutput::Truncate& change, const RowVersion& version);
  [[nodiscard]] Status truncate(std::size_t table, const std::vector<TableName>& emptied,
                                const RowVersion& version);

  /// Written, or in the table's load, before this stream began.
  [[nodiscard]] bool written_already(std::size_t table, const RowVersion& version) const;
  /// The same of the whole transaction that is coming in.
  [[nodiscard]] bool written_already(std::size_t table) const;
  [[nodiscard]] bool key_changed(const Route& route) const;
  /// A value of the row was left out, because it is stored out of line and did not change.
  [[nodiscard]] static bool is_incomplete(const Route& route, const postgres::pgoutput::Tuple& tuple);
  TableBatch& open(std::size_t table);
  [[nodiscard]] Status append(const Route& route, const postgres::pgoutput::Tuple& tuple,
                              const RowVersion& version, bool deleted);
  [[nodiscard]] const postgres::pgoutput::Tuple& completed();
  [[nodiscard]] Status defer(const Route& route, const postgres::pgoutput::Tuple& tuple,
                             postgres::pgoutput::OldTuple old, const RowVersion& version);
  [[nodiscard]] Result<Batch> take();
  [[nodiscard]] Status complete();
  [[nodiscard]] Status complete_relation(const SentRelation& sent, const std::vector<std::size_t>& rows);
  struct ReadBack;
  [[nodiscard]] Result<ReadBack> plan_read_back(const SentRelation& sent,
                                                const std::vector<std::size_t>& rows,
                                                const postgres::PresentTable& present);
  [[nodiscard]] Status plan_key(const SentRelation& sent, const std::vector<std::size_t>& rows,
                                const postgres::PresentTable& present, ReadBack& plan);
  [[nodiscard]] Status append_deferred(const Deferred& row, const ReadBack& plan,
                                       std::span<const postgres::FieldView> read);
  void announce(std::uint32_t relation, const TableName& name, std::optional<std::size_t> table);
  /// A row comes under the name of this relation: tells of a part that is not its table's any more.
  void note_announced(std::uint32_t relation, const RowVersion& version);
  [[nodiscard]] Status check_nullable(const Route& route, std::size_t column);
  [[nodiscard]] Status ignore_truncate(std::size_t table);
  [[nodiscard]] Error value_lost(std::size_t table, const std::string& why) const;
  [[nodiscard]] Error refused(const Route& route, const postgres::pgoutput::Tuple& tuple, std::size_t column,
                              FieldOutcome outcome) const;

  const std::vector<BoundTable>& tables_;
  std::vector<RowVersion> written_;
  SourceReader& source_;
  bool binary_;
  Replay replay_;
  std::vector<std::shared_ptr<const std::vector<BoundColumn>>>
      bound_;  // by table, as the catalog has the types
  postgres::pgoutput::Parser parser_;
  postgres::pgoutput::Tuple completed_;
  std::unordered_map<std::uint32_t, Route> routes_;
  /// The relation whose message came last, or right before that of `part`. If a row under its name is next,
  /// that is the part's: a partition is announced after the root that it is published as.
  struct Announced {
    struct Part {
      std::uint32_t relation = 0;
      TableName name;
      std::optional<std::size_t> table;
    };
    std::uint32_t relation = 0;
    TableName name;
    std::optional<std::size_t> table;  ///< nullopt: none of ours
    std::optional<Part> part{};
  };
  std::optional<Announced> announced_;
  std::uint32_t last_relation_ = 0;
  const Route* last_route_ = nullptr;

  Batch batch_;
  std::vector<std::pair<std::size_t, RowVersion>> truncates_;
  std::vector<Deferred> deferred_;
  /// By table that is to keep its rows at a TRUNCATE: keys of rows of which a change was left out because
  /// they are gone, until their tombstones come.
  std::vector<std::set<std::string>> unread_;
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
