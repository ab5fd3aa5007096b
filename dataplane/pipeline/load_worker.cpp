#include "dataplane/pipeline/load_worker.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace penstock::pipeline {
namespace {

using namespace std::chrono_literals;

/// What goes into the connection in one piece: small beside a part, large beside the cost of a piece.
constexpr std::size_t kPieceBytes = 4u << 20;
/// A slow source's rows leave after this: ClickHouse ends an insert that is silent for 30 s.
constexpr auto kPieceAge = 5s;

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

/// Reads one partition and inserts it.
class PartitionLoad {
 public:
  PartitionLoad(LoadBoard& board, const LoadContext& context, clickhouse::Client& client,
                SnapshotSession& session, Block& block, const Task& task)
      : board_(board),
        context_(context),
        client_(client),
        session_(session),
        block_(block),
        task_(task),
        table_(board.table(task.table)),
        partition_(board.partition(task)),
        token_(fmt::format("{}/{}/{}/{}", context.job.uid, table_.binding.target, context.attempt,
                           task.partition)) {}

  /// A partition is one insert, for ClickHouse to make few and large parts of; when it fails, the partition
  /// is read again. Not where a repeat would double rows, or begin anew with the whole table.
  Status run() {
    return table_.binding.append_only || partition_.whole ? insert_by_blocks() : insert_at_once();
  }

 private:
  Result<PartitionReader> start() {
    PENSTOCK_ASSIGN(auto* const session, session_.get());
    return PartitionReader::start(session, context_, table_, partition_);
  }

  void report(const std::optional<Error>& error) { board_.report_retry(error); }

  void finish(const PartitionReader& reader) {
    board_.finish(task_, reader.rows(), context_.snapshot_lsn, reader.clamped());
  }

  Status insert_by_blocks() {
    const BlockLimits limits{context_.job.batch_rows, context_.block_bytes};
    PENSTOCK_ASSIGN(auto reader, start());
    for (int at = 0;; ++at) {
      PENSTOCK_TRY(reader.fill(block_, limits));
      if (block_.rows() == 0) break;
      PENSTOCK_TRY(insert_until_done(client_, table_.binding, block_, fmt::format("{}/{}", token_, at),
                                     context_.stop, [this](const auto& error) { report(error); }));
    }
    finish(reader);
    return {};
  }

  Status insert_at_once() {
    int tries = 0;
    auto done = try_until_done(
        [&] {
          auto sent = send(fmt::format("{}/{}", token_, tries++));
          if (!sent) session_.close();
          return sent;
        },
        context_.stop, [this](const auto& error) { report(error); });
    if (source_fault_) return fail(*std::exchange(source_fault_, std::nullopt));
    return done;
  }

  /// Cancelled when the source fails: that is for another to mend.
  Status send(const std::string& token) {
    auto reader = start();
    if (!reader) return give_up(std::move(reader).error());
    PENSTOCK_TRY(next_piece(*reader));
    if (block_.rows() > 0) PENSTOCK_TRY(client_.insert(request(token), source_of(*reader)));
    finish(*reader);
    return {};
  }

  clickhouse::Request request(const std::string& token) const {
    return {table_.binding.insert_sql,
            {{"insert_deduplication_token", token},
             {"min_insert_block_size_rows", std::to_string(context_.job.batch_rows)},
             {"min_insert_block_size_bytes", std::to_string(kPartBytes)}}};
  }

  /// The piece that is in the block, and those that follow.
  clickhouse::DataSource source_of(PartitionReader& reader) {
    return [this, &reader, first = true](std::vector<std::string_view>& pieces) mutable {
      if (!std::exchange(first, false) && !next_piece(reader)) return false;
      if (block_.rows() > 0) block_.native_pieces(scratch_, pieces);
      return true;
    };
  }

  Status next_piece(PartitionReader& reader) {
    const BlockLimits limits{context_.job.batch_rows, std::min(kPieceBytes, context_.block_bytes), kPieceAge};
    if (auto filled = reader.fill(block_, limits); !filled) return give_up(std::move(filled).error());
    return {};
  }

  Status give_up(Error fault) {
    source_fault_ = std::move(fault);
    return fail(ErrorKind::Cancelled, "Stopped", "the rows cannot be read");
  }

  LoadBoard& board_;
  const LoadContext& context_;
  clickhouse::Client& client_;
  SnapshotSession& session_;
  Block& block_;
  Task task_;
  const BoundTable& table_;
  Partition partition_;
  std::string token_;
  std::vector<std::string> scratch_;
  std::optional<Error> source_fault_;
};

/// A worker's block, one table's: kept from partition to partition, for fresh memory costs as much as the
/// decoding of the rows that fill it.
class TableBlock {
 public:
  Block& of(const LoadBoard& board, std::size_t table) {
    if (!block_ || table_ != table) block_.emplace(board.table(table).binding.fields);
    table_ = table;
    return *block_;
  }

 private:
  std::optional<Block> block_;
  std::size_t table_ = 0;
};

}  // namespace

void work_on(LoadBoard& board, const LoadContext& context) {
  SnapshotSession session(context);
  clickhouse::Client client(context.job.destination);
  TableBlock block;
  while (const auto task = board.take()) {
    auto done = PartitionLoad(board, context, client, session, block.of(board, task->table), *task).run();
    if (done) continue;
    if (done.error().kind == ErrorKind::Cancelled) return;
    board.fail(task, std::move(done).error());
    session.close();
  }
}

}  // namespace penstock::pipeline
