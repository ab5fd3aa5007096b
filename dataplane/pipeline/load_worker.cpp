#include "dataplane/pipeline/load_worker.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "core/backoff.hpp"
#include "dataplane/clickhouse/owner.hpp"

namespace penstock::pipeline {
namespace {

using namespace std::chrono_literals;

/// What goes into the connection in one piece: small beside a part, large beside the cost of a piece.
constexpr std::size_t kPieceBytes = 4u << 20;
/// A slow source's rows leave after this: ClickHouse ends an insert that is silent for 30 s.
constexpr auto kPieceAge = 5s;

void add(const ClampCounts& some, ClampCounts& all) {
  for (std::size_t column = 0; column < all.size(); ++column)
    all[column] += some[column];
}

/// A worker's session, opened at the first need.
class ReadSession {
 public:
  explicit ReadSession(const postgres::Endpoint& source) : source_(source) {}
  Result<pg_conn*> get() {
    if (!session_) {
      PENSTOCK_ASSIGN(session_, postgres::connect(source_));
    }
    return session_.get();
  }
  /// After a failure it may be in the middle of a COPY, its table locked.
  void close() { session_.reset(); }

 private:
  const postgres::Endpoint& source_;
  postgres::Connection session_;
};

/// Reads one partition and inserts it.
class PartitionLoad {
 public:
  PartitionLoad(LoadBoard& board, const LoadContext& context, clickhouse::Client& client,
                ReadSession& session, Block& block, const Task& task)
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
    return PartitionReader::start(session, context_, table_, partition_, board_.patience(task_));
  }

  void report(const std::optional<Error>& error) { board_.report_retry(error); }

  void finish(const PartitionReader& reader) {
    board_.finish(task_, reader.rows(), context_.snapshot_lsn, reader.clamped());
  }

  /// While ClickHouse does not take a block, nobody is to wait for the table: it is let go of, and read from
  /// where it was left.
  Status insert_by_blocks() {
    const BlockLimits limits{context_.job.batch_rows,
                             std::min(context_.block_bytes, kBlocksBytes / board_.workers())};
    std::optional<PartitionReader> reader;
    std::int64_t sent = 0;
    const auto let_go = [&](const std::optional<Error>& error) {
      report(error);
      if (!error || !reader || !comes_in_order()) return;
      reader.reset();
      session_.close();
    };
    ClampCounts clamped(table_.binding.columns.size());
    for (int at = 0;; ++at) {
      if (!reader) PENSTOCK_TRY(start_behind(sent, reader));
      if (auto filled = reader->fill(block_, limits); !filled) {
        if (sent == 0 || filled.error().reason != kWaitingForLock) return filled;
        let_go(filled.error());
        --at;
        continue;
      }
      if (block_.rows() == 0) break;
      add(reader->take_clamped(), clamped);
      PENSTOCK_TRY(try_until_done([&] { return insist_on_mark(); }, context_.stop, let_go));
      PENSTOCK_TRY(insert_until_done(client_, table_.binding, block_, fmt::format("{}/{}", token_, at),
                                     context_.stop, let_go));
      sent += static_cast<std::int64_t>(block_.rows());
    }
    PENSTOCK_TRY(reader->confirm());
    board_.finish(task_, sent, context_.snapshot_lsn, clamped);
    return {};
  }

  /// Whether rows can be passed over when they are read again.
  [[nodiscard]] bool comes_in_order() const {
    const auto kind = table_.source.heaps[partition_.heap].kind;
    return kind == 'r' || kind == 'm';
  }

  Status begin_behind(std::int64_t rows, std::optional<PartitionReader>& out) {
    PENSTOCK_ASSIGN(auto reader, start());
    out.emplace(std::move(reader));
    auto skipped = out->skip(rows);
    if (!skipped) out.reset();
    return skipped;
  }

  /// A partition of which some rows are in is not given back: a lock is waited for here.
  Status start_behind(std::int64_t rows, std::optional<PartitionReader>& out) {
    for (Backoff backoff(1s, 30s);;) {
      auto begun = begin_behind(rows, out);
      if (begun && rows > 0) report(std::nullopt);
      if (begun || rows == 0 || begun.error().reason != kWaitingForLock) return begun;
      session_.close();
      report(begun.error());
      wait_unless(context_.stop, backoff.next());
      if (context_.stop.any()) return fail(ErrorKind::Cancelled, "Stopped", "stopped before it was done");
    }
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

  /// The table of this name may be another pipe's by now.
  Status insist_on_mark() {
    PENSTOCK_ASSIGN(auto taken, clickhouse::find_taken(client_, {table_.binding.target}, context_.job.uid));
    return taken ? fail(std::move(taken->second)) : Status{};
  }

  /// Cancelled when the source fails: that is for another to mend.
  Status send(const std::string& token) {
    auto reader = start();
    if (!reader) return give_up(std::move(reader).error());
    PENSTOCK_TRY(next_piece(*reader));
    PENSTOCK_TRY(insist_on_mark());
    if (block_.rows() > 0) PENSTOCK_TRY(client_.insert(request(token), source_of(*reader)));
    if (auto confirmed = reader->confirm(); !confirmed) return give_up(std::move(confirmed).error());
    finish(*reader);
    return {};
  }

  clickhouse::Request request(const std::string& token) const {
    return {table_.binding.insert_sql,
            {{"insert_deduplication_token", token},
             told_apart(client_, table_.binding, Rows::Loaded),
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
  ReadSession& session_;
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
  ReadSession session(context.job.source);
  clickhouse::Client client(context.job.destination);
  TableBlock block;
  while (const auto task = board.take()) {
    auto done = PartitionLoad(board, context, client, session, block.of(board, task->table), *task).run();
    if (done) continue;
    if (done.error().kind == ErrorKind::Cancelled) {
      board.stop();
      board.dismiss();
      return;
    }
    session.close();
    if (done.error().reason == kWaitingForLock)
      board.give_back(*task, std::move(done).error());
    else
      board.fail(task, std::move(done).error());
  }
}

}  // namespace penstock::pipeline
