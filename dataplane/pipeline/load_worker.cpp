#include "dataplane/pipeline/load_worker.hpp"

#include <fmt/format.h>

#include <optional>

namespace penstock::pipeline {
namespace {

/// Reads one partition into blocks and sends them.
class PartitionLoad {
 public:
  PartitionLoad(LoadBoard& board, const LoadContext& context, clickhouse::Client& client, Block& block,
                const Task& task)
      : board_(board),
        context_(context),
        client_(client),
        task_(task),
        binding_(board.table(task.table).binding),
        block_(block),
        clamped_(binding_.columns.size()) {}

  Status run(pg_conn* session) {
    const auto columns = binding_.copy_columns();
    PENSTOCK_ASSIGN(auto reader,
                    postgres::CopyReader::start(session, context_.job.source, sql(columns), columns.size()));
    while (!context_.stop.now.load(std::memory_order_relaxed)) {
      PENSTOCK_ASSIGN(const auto fields, reader.next());
      if (fields.empty() && !columns.empty()) {
        const auto heap = board_.table(task_.table).source.heaps[board_.partition(task_).heap].oid;
        PENSTOCK_TRY(postgres::check_not_rewritten(session, context_.job.source, heap));
        return finish();
      }
      PENSTOCK_TRY(
          append_loaded_row(binding_, block_, fields, context_.version, context_.snapshot_lsn, clamped_));
      if (block_.rows() >= context_.job.batch_rows ||
          (block_.rows() % 64 == 0 && block_.bytes() >= context_.block_bytes))
        PENSTOCK_TRY(flush());
    }
    return fail(ErrorKind::Cancelled, "Stopped", "the load was stopped");
  }

 private:
  std::string sql(const std::vector<postgres::CopyColumn>& columns) const {
    const auto part = board_.partition(task_);
    const auto& heap = board_.table(task_.table).source.heaps[part.heap];
    return part.whole ? postgres::copy_all_sql(heap.name, columns)
                      : postgres::copy_range_sql(heap.name, columns, part.first, part.last);
  }

  Status flush() {
    const auto token = fmt::format("{}/{}/{}/{}/{}", context_.job.uid, binding_.target, context_.attempt,
                                   task_.partition, chunk_++);
    PENSTOCK_TRY(insert_until_done(client_, binding_, block_, token, context_.stop,
                                   [this](const auto& error) { board_.report_retry(error); }));
    rows_ += static_cast<std::int64_t>(block_.rows());
    block_.clear();
    return {};
  }

  Status finish() {
    PENSTOCK_TRY(flush());
    board_.finish(task_, rows_, context_.snapshot_lsn, clamped_);
    return {};
  }

  LoadBoard& board_;
  const LoadContext& context_;
  clickhouse::Client& client_;
  Task task_;
  const Binding& binding_;
  Block& block_;
  ClampCounts clamped_;
  std::int64_t rows_ = 0;
  int chunk_ = 0;
};

/// A session at the load's snapshot, opened at the first need.
class SnapshotSession {
 public:
  explicit SnapshotSession(const LoadContext& context) : context_(context) {}
  Result<pg_conn*> get() {
    if (session_) return session_.get();
    PENSTOCK_ASSIGN(session_, postgres::connect(context_.job.source));
    PENSTOCK_TRY(postgres::begin_at_snapshot(session_.get(), context_.job.source, context_.snapshot));
    return session_.get();
  }
  /// After a failure it may be in the middle of a COPY.
  void close() { session_.reset(); }

 private:
  const LoadContext& context_;
  postgres::Connection session_;
};

/// A worker's block, one table's: kept from partition to partition, for fresh memory costs as much as the
/// decoding of the rows that fill it.
class TableBlock {
 public:
  Block& of(const LoadBoard& board, std::size_t table) {
    if (!block_ || table_ != table) block_.emplace(board.table(table).binding.fields);
    table_ = table;
    block_->clear();
    return *block_;
  }

 private:
  std::optional<Block> block_;
  std::size_t table_ = 0;
};

Status load_one(LoadBoard& board, const LoadContext& context, clickhouse::Client& client,
                SnapshotSession& session, Block& block, const Task& task) {
  PENSTOCK_ASSIGN(auto* const connection, session.get());
  return PartitionLoad(board, context, client, block, task).run(connection);
}

}  // namespace

void work_on(LoadBoard& board, const LoadContext& context) {
  SnapshotSession session(context);
  clickhouse::Client client(context.job.destination);
  TableBlock block;
  while (const auto task = board.take()) {
    auto done = load_one(board, context, client, session, block.of(board, task->table), *task);
    if (done) continue;
    if (done.error().kind == ErrorKind::Cancelled) return;
    board.fail(task, std::move(done).error());
    session.close();
  }
}

}  // namespace penstock::pipeline
