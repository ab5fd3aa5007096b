#include "dataplane/pipeline/stream_reader.hpp"

#include <algorithm>
#include <thread>

#include "dataplane/postgres/replication.hpp"
#include "dataplane/postgres/row_lookup.hpp"

namespace penstock::pipeline {
namespace {

using Steady = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// A batch is handed over when it has grown to this, whatever the interval: memory is bounded by settings.
constexpr std::size_t kBatchBytes = 32u << 20;
constexpr milliseconds kConfirmEvery{200};
constexpr milliseconds kHeartbeatEvery{5000};
constexpr milliseconds kNewsEvery{1000};
constexpr milliseconds kSourceLookEvery{5000};
constexpr std::int64_t kPostgresEpochMicros = 946'684'800'000'000;  // 2000-01-01 in Unix time

/// A session of its own for looks at the source beside the stream, opened at the first need.
class SideSession final : public SourceReader {
 public:
  SideSession(const PipeJob& job, const std::atomic<bool>& stop, std::vector<DroppedColumn>& dropped)
      : job_(job), stop_(stop), dropped_(dropped) {}

  Status wait_until_visible(const std::vector<std::uint32_t>& xids) override {
    PENSTOCK_TRY(open());
    return postgres::wait_until_visible(session_.get(), job_.source, xids, stop_);
  }
  /// Where the source's log ends now; nothing when it cannot be told.
  std::optional<Lsn> wal_end() {
    if (!open()) return std::nullopt;
    const auto end = postgres::current_wal_lsn(session_.get(), job_.source);
    if (end) return *end;
    session_.reset();
    return std::nullopt;
  }
  void note_dropped(DroppedColumn column) override { dropped_.push_back(std::move(column)); }
  Result<bool> has_column(const TableName& table, const std::string& column) override {
    PENSTOCK_ASSIGN(const auto tables, postgres::read_tables(job_.source, {table}));
    return tables.front() && std::any_of(tables.front()->columns.begin(), tables.front()->columns.end(),
                                         [&](const auto& one) { return one.name == column; });
  }
  Result<PgType> type_of(std::uint32_t oid, std::int32_t typmod) override {
    return postgres::read_type(job_.source, oid, typmod);
  }
  Status lookup(
      const BoundTable& table, const std::vector<postgres::KeyColumn>& key,
      const std::vector<postgres::CopyColumn>& wanted, const std::vector<postgres::KeyField>& keys,
      const std::function<Status(std::size_t, std::span<const postgres::FieldView>)>& found) override {
    PENSTOCK_TRY(open());
    return postgres::lookup_rows(session_.get(), job_.source, table.job.source, key, wanted, keys, found);
  }

 private:
  Status open() {
    if (session_) return {};
    PENSTOCK_ASSIGN(session_, postgres::connect(job_.source));
    return {};
  }
  const PipeJob& job_;
  const std::atomic<bool>& stop_;
  std::vector<DroppedColumn>& dropped_;
  postgres::Connection session_;
};

class Reader {
 public:
  Reader(const PipeJob& job, BatchQueue& queue, const ReaderControl& control,
         postgres::ReplicationStream stream, StreamDecoder& decoder, SideSession& side)
      : job_(job),
        queue_(queue),
        control_(control),
        stream_(std::move(stream)),
        decoder_(decoder),
        side_(side) {}

  Status run() {
    while (!control_.stop_now.load() && !control_.writer_failed()) {
      if (control_.stop_soon.load() || anew_) return finish();
      PENSTOCK_ASSIGN(const auto message, stream_.next(patience()));
      now_ = Steady::now();
      PENSTOCK_TRY(take_in(message));
      if (!decoder_.in_transaction()) PENSTOCK_TRY(hand_over_if_due());
      PENSTOCK_TRY(confirm_if_due());
    }
    stream_.close();
    return {};
  }

 private:
  Status take_in(const postgres::StreamMessage& message) {
    if (const auto* data = std::get_if<postgres::XLogData>(&message)) {
      if (data->start != last_start_) PENSTOCK_TRY(hand_over_if_due());
      last_start_ = data->start;
      const bool was_empty = decoder_.empty();
      read_ = data->payload.size() + (was_empty ? 0 : read_);
      received_ = std::max(received_, data->start);
      PENSTOCK_TRY(decoder_.apply(*data));
      if (was_empty && !decoder_.empty()) first_row_ = now_;
      while (decoder_.must_take()) {
        PENSTOCK_TRY(wait_for_turn());
        PENSTOCK_TRY(hand_over());
      }
    } else if (const auto* alive = std::get_if<postgres::Keepalive>(&message)) {
      received_ = std::max(received_, alive->wal_end);
      idle_end_ = alive->wal_end;
      reply_ = reply_ || alive->reply_requested;
    }
    return {};
  }

  /// How long to wait for the next message: until a flush or a word to the source is due.
  milliseconds patience() const {
    if (decoder_.empty()) return milliseconds(queue_.idle() ? 100 : 5);
    const auto left = std::chrono::duration_cast<milliseconds>(flush_at() - now_);
    return std::clamp(left, milliseconds(queue_.full() ? 2 : 0), milliseconds(100));
  }

  Steady::time_point flush_at() const { return std::max(first_row_ + job_.flush_interval, next_insert_); }

  /// Called only where the version changes: an append-only target goes on after a crash behind its last
  /// version, and the rows of one version (a COPY writes many in one WAL record) must be in one block.
  Status hand_over_if_due() {
    if (decoder_.empty()) return {};
    const bool full = decoder_.rows() >= job_.batch_rows || read_ >= kBatchBytes ||
                      (decoder_.rows() % 64 == 0 && decoder_.bytes() >= kBatchBytes);
    if (!full && (now_ < flush_at() || queue_.full())) return {};
    PENSTOCK_TRY(wait_for_turn());
    return hand_over();
  }

  /// Until the pipe may insert again.
  Status wait_for_turn() {
    while (Steady::now() < next_insert_ && !stopping() && !control_.stop_soon.load())
      PENSTOCK_TRY(idle_for(milliseconds(5)));
    return {};
  }

  /// Gives the batch to the writer; while the queue is full the source hears that we are alive, but is not
  /// read.
  Status hand_over() {
    const auto inserts = static_cast<int>(std::max<std::size_t>(decoder_.inserts(), 1));
    PENSTOCK_ASSIGN(auto batch, decoder_.take());
    while (!queue_.try_push(batch)) {
      if (stopping()) return {};
      PENSTOCK_TRY(idle_for(milliseconds(2)));
    }
    next_insert_ = Steady::now() + milliseconds(1000 * inserts / job_.max_inserts_per_second);
    return {};
  }

  Status idle_for(milliseconds wait) {
    std::this_thread::sleep_for(wait);
    now_ = Steady::now();
    return confirm_if_due();
  }

  bool stopping() const { return control_.stop_now.load() || control_.writer_failed(); }

  /// The LSN that is safe: what the writer has done, or, when nothing waits anywhere, all that was received.
  Lsn safe() const {
    const bool nothing_waits = decoder_.empty() && !decoder_.in_transaction() && queue_.idle();
    return nothing_waits ? std::max({queue_.written(), decoder_.committed(), idle_end_}) : queue_.written();
  }

  Status confirm_if_due(bool at_once = false) {
    if (!at_once && !reply_ && now_ - confirmed_at_ < kConfirmEvery) return {};
    anew_ = control_.begin_anew();
    const Lsn lsn = std::max(control_.may_confirm(safe()), confirmed_);
    if (at_once || reply_ || lsn > confirmed_ || now_ - sent_at_ > kHeartbeatEvery) {
      PENSTOCK_TRY(stream_.confirm(lsn, std::max(received_, lsn)));
      confirmed_ = lsn;
      sent_at_ = now_;
      reply_ = false;
    }
    confirmed_at_ = now_;
    return tell();
  }

  Status tell() {
    if (now_ - told_at_ < kNewsEvery && !control_.stop_soon.load() && confirmed_ == told_lsn_) return {};
    if (now_ - looked_at_ >= kSourceLookEvery) {
      looked_at_ = now_;
      if (const auto end = side_.wal_end()) source_end_ = *end;
    }
    told_at_ = now_;
    told_lsn_ = confirmed_;
    const Lsn end = std::max(source_end_, received_);
    control_.tell({confirmed_, received_,
                   static_cast<std::int64_t>(end.value - std::min(end, confirmed_).value), lag_seconds()});
    return {};
  }

  double lag_seconds() const {
    auto oldest = queue_.oldest_commit();
    if (oldest == 0 && !decoder_.empty()) oldest = decoder_.oldest_commit();
    if (oldest == 0) return 0;
    const auto now = std::chrono::duration_cast<std::chrono::microseconds>(
                         std::chrono::system_clock::now().time_since_epoch())
                         .count();
    return std::max(0.0, static_cast<double>(now - kPostgresEpochMicros - oldest) / 1e6);
  }

  Status finish() {
    if (!decoder_.empty()) PENSTOCK_TRY(hand_over());
    while (!queue_.idle() && !stopping())
      PENSTOCK_TRY(idle_for(milliseconds(5)));
    if (!stopping()) PENSTOCK_TRY(confirm_if_due(true));
    stream_.close();
    return {};
  }

  const PipeJob& job_;
  BatchQueue& queue_;
  const ReaderControl& control_;
  postgres::ReplicationStream stream_;
  StreamDecoder& decoder_;
  SideSession& side_;
  Steady::time_point now_ = Steady::now(), first_row_, next_insert_, confirmed_at_, sent_at_, told_at_,
                     looked_at_;
  Lsn last_start_, received_, idle_end_, confirmed_, told_lsn_, source_end_;
  std::size_t read_ = 0;  ///< bytes, as they came, of what the decoder holds
  bool reply_ = false;
  bool anew_ = false;
};

}  // namespace

Status read_stream(const PipeJob& job, const std::vector<BoundTable>& tables,
                   std::vector<LogPosition> positions, bool text_only, BatchQueue& queue,
                   std::vector<DroppedColumn>& dropped, const ReaderControl& control) {
  const bool binary = !text_only && std::all_of(tables.begin(), tables.end(), [](const auto& table) {
    return table.binding.binary_stream();
  });
  PENSTOCK_ASSIGN(auto stream,
                  postgres::ReplicationStream::open(job.source, {job.slot, job.publication, Lsn{}, binary}));
  SideSession side(job, control.stop_now, dropped);
  StreamDecoder decoder(tables, std::move(positions), side, binary);
  auto done = Reader(job, queue, control, std::move(stream), decoder, side).run();
  if (const auto table = decoder.failed_table(); !done && table) control.blame(*table);
  return done;
}

}  // namespace penstock::pipeline
