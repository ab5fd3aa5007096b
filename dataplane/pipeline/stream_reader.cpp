#include "dataplane/pipeline/stream_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "dataplane/pipeline/heartbeat.hpp"
#include "dataplane/pipeline/source_clock.hpp"
#include "dataplane/pipeline/source_tables.hpp"
#include "dataplane/postgres/replication.hpp"
#include "dataplane/postgres/row_lookup.hpp"

namespace penstock::pipeline {
namespace {

using Steady = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// A batch is handed over when it has grown to this, whatever the interval: memory is bounded by settings.
constexpr std::size_t kBatchBytes = 32u << 20;
/// The same of what may be in a target already: such rows travel within the statement.
constexpr std::size_t kReplayBytes = 4u << 20;
constexpr milliseconds kConfirmEvery{200};
constexpr milliseconds kNewsEvery{1000};
constexpr milliseconds kSourceLookEvery{5000};
constexpr milliseconds kLookUpOnAtStop{2000};
constexpr milliseconds kLookWhileOwingEvery{2000};
/// A source that shuts down is read as long as it is confirmed anything new within this.
constexpr milliseconds kShutdownPatience{3000};

/// A session of its own for looks at the source beside the stream, opened at the first need. While it waits
/// the heartbeat answers for the stream.
class SideSession final : public SourceReader {
 public:
  SideSession(const PipeJob& job, const ReaderControl& control, std::vector<DroppedColumn>& dropped,
              Heartbeat& heart)
      : job_(job), source_(job.source), control_(control), dropped_(dropped), heart_(heart) {
    source_.silence_limit /= 6;  // the stream, which nobody reads meanwhile, has to be given up in time, too
  }

  /// Asked while a statement runs; an error ends the wait. It leaves the stream alone, which is the
  /// heartbeat's then.
  void while_waiting(postgres::WhileWaiting waiting) { waiting_ = std::move(waiting); }

  Status wait_until_visible(const std::vector<std::uint32_t>& xids) override {
    return use([&] { return postgres::wait_until_visible(session_.get(), source_, xids, waiting_); });
  }
  /// Where the source's log ends now.
  Result<Lsn> wal_end() {
    const Heartbeat::Away away(heart_);
    const bool kept = session_ != nullptr;
    auto end = ask_wal_end();
    if (end || !kept) return end;
    return ask_wal_end();  // why the session was ended, a new one tells
  }
  void note_dropped(DroppedColumn column) override { dropped_.push_back(std::move(column)); }
  Result<std::vector<std::optional<postgres::SourceTable>>> definitions(
      const std::vector<std::uint32_t>& oids) override {
    const Heartbeat::Away away(heart_);
    return read_source_tables(job_, source_, oids);
  }
  bool is_outdated(const BoundTable& table) override { return control_.outdated(table); }
  void report_part(const BoundTable& table, std::uint32_t oid, const PartChange& change) override {
    control_.part_seen(table.job.source_text, oid, change);
  }
  Result<std::vector<std::uint32_t>> ancestors_of(std::uint32_t oid) override {
    const Heartbeat::Away away(heart_);
    return postgres::read_ancestors(source_, oid);
  }
  void report_difference(const BoundTable& table, const std::string& why) override {
    control_.differs(table.job.source_text, why);
  }
  void report_truncate(const BoundTable& table, std::uint32_t xid) override {
    control_.truncated(table.job.source_text, xid);
  }
  Result<PgType> type_of(std::uint32_t oid, std::int32_t typmod) override {
    const Heartbeat::Away away(heart_);
    return postgres::read_type(source_, oid, typmod);
  }
  Status lookup(std::uint32_t table, const postgres::LookupPlan& plan,
                const postgres::FoundRow& found) override {
    return use([&] { return postgres::lookup_rows(session_.get(), source_, table, plan, found, waiting_); });
  }

 private:
  Result<Lsn> ask_wal_end() {
    PENSTOCK_TRY(open());
    auto end = postgres::current_wal_lsn(session_.get(), source_);
    if (!end) session_.reset();
    return end;
  }
  Status open() {
    if (session_) return {};
    PENSTOCK_ASSIGN(session_, postgres::connect(source_));
    // A lock is waited for beside the stream: the table is held, and tried again.
    auto limited = postgres::execute(session_.get(), source_, "SET lock_timeout = '1s'");
    if (!limited) session_.reset();
    return limited;
  }
  template <typename Work>
  Status use(Work&& work) {
    const Heartbeat::Away away(heart_);
    PENSTOCK_TRY(open());
    auto done = work();
    if (!done) session_.reset();
    return done;
  }
  const PipeJob& job_;
  postgres::Endpoint source_;
  const ReaderControl& control_;
  std::vector<DroppedColumn>& dropped_;
  Heartbeat& heart_;
  postgres::WhileWaiting waiting_ = [] { return Status{}; };
  postgres::Connection session_;
};

class Reader {
 public:
  Reader(const PipeJob& job, BatchQueue& queue, const ReaderControl& control,
         postgres::ReplicationStream& stream, StreamDecoder& decoder, SideSession& side, Lsn replayed)
      : job_(job),
        queue_(queue),
        control_(control),
        stream_(stream),
        decoder_(decoder),
        side_(side),
        replayed_(replayed) {
    side_.while_waiting([this] { return look_up_on(); });
  }
  ~Reader() {
    side_.while_waiting([] { return Status{}; });
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  Status run() {
    while (!control_.stop_now.load() && !control_.writer_failed()) {
      if (cut_ || (ending() && !decoder_.in_transaction())) return finish();
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
      clock_.heard(data->sent_at, now_);
      if (data->start != last_start_) {
        cut_ = ending();
        if (cut_) return {};
        PENSTOCK_TRY(hand_over_if_due());
      }
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
      clock_.heard(alive->sent_at, now_);
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

  Steady::time_point next_insert() const { return inserted_at_ + control_.pace.time_of(inserted_); }
  Steady::time_point flush_at() const {
    return std::max(first_row_ + control_.pace.flush_interval(), next_insert());
  }

  /// Called only where the version changes: an append-only target goes on after a crash behind its last
  /// version, and the rows of one version (a COPY writes many in one WAL record) must be in one block.
  Status hand_over_if_due() {
    if (decoder_.empty()) return {};
    const auto most = decoder_.commit() <= replayed_ ? kReplayBytes : kBatchBytes;
    const bool full = decoder_.rows() >= control_.pace.batch_rows() || read_ >= most ||
                      (decoder_.rows() % 64 == 0 && decoder_.bytes() >= most);
    if (!full && (now_ < flush_at() || queue_.full())) return {};
    PENSTOCK_TRY(wait_for_turn());
    return hand_over();
  }

  /// Until the pipe may insert again.
  Status wait_for_turn() {
    while (Steady::now() < next_insert() && !stopping() && !control_.stop_soon.load())
      PENSTOCK_TRY(idle_for(milliseconds(5)));
    return {};
  }

  /// Gives the batch to the writer; while that has enough the source hears that we are alive, but is not
  /// read.
  Status hand_over() {
    const auto inserts = static_cast<int>(std::max<std::size_t>(decoder_.inserts(), 1));
    PENSTOCK_TRY(decoder_.take_into(queue_));
    while (queue_.overfull()) {
      if (stopping()) return {};
      PENSTOCK_TRY(idle_for(milliseconds(2)));
    }
    inserted_at_ = Steady::now();
    inserted_ = inserts;
    return {};
  }

  Status idle_for(milliseconds wait) {
    std::this_thread::sleep_for(wait);
    now_ = Steady::now();
    return confirm_if_due();
  }

  /// A stop waits for values that are looked up only so long: what is not acknowledged comes again.
  Status look_up_on() {
    now_ = Steady::now();
    if (control_.stop_soon.load() && !stop_seen_) stop_seen_ = now_;
    if (stopping() || (stop_seen_ && now_ - *stop_seen_ > kLookUpOnAtStop))
      return fail(ErrorKind::Cancelled, "Stopped", "stopped while values were looked up in the source");
    if (now_ - told_at_ >= kNewsEvery) tell_news();
    return {};
  }

  /// What came in is handed over and no more is read, as soon as the version changes.
  bool ending() const { return control_.stop_soon.load() || anew_; }

  bool stopping() const { return control_.stop_now.load() || control_.writer_failed(); }

  /// The LSN that is safe: what the writer has done, or, when nothing waits anywhere, all that was received.
  Lsn safe() const {
    const bool holds_nothing = decoder_.empty() && !decoder_.in_transaction();
    return queue_.safe(holds_nothing ? std::max(decoder_.committed(), idle_end_) : Lsn{});
  }

  Status confirm_if_due(bool at_once = false) {
    if (!at_once && !reply_ && now_ - confirmed_at_ < kConfirmEvery) return {};
    anew_ = control_.begin_anew();
    written_ = std::max(written_, safe());
    const Lsn lsn = std::max(control_.may_confirm(safe()), confirmed_);
    if (at_once || reply_ || lsn > confirmed_ || now_ - sent_at_ >= stream_.beat_every()) {
      PENSTOCK_TRY(stream_.confirm(lsn, std::max(received_, lsn)));
      if (lsn > confirmed_) moved_at_ = now_;
      confirmed_ = lsn;
      sent_at_ = now_;
      reply_ = false;
    }
    confirmed_at_ = now_;
    return tell();
  }

  Status tell() {
    if (now_ - told_at_ < kNewsEvery && !control_.stop_soon.load() && confirmed_ == told_lsn_) return {};
    if (shutdown_seen_ ||
        now_ - looked_at_ >= (confirmed_ < received_ ? kLookWhileOwingEvery : kSourceLookEvery))
      PENSTOCK_TRY(look_at_source());
    tell_news();
    return {};
  }

  void tell_news() {
    told_at_ = now_;
    told_lsn_ = confirmed_;
    const Lsn end = std::max(source_end_, received_);
    control_.tell({confirmed_, received_, written_,
                   static_cast<std::int64_t>(end.value - std::min(end, confirmed_).value), lag_seconds()});
  }

  /// A source that shuts down waits until all that it has sent is confirmed: for ever, where it cannot be
  /// written, and we say that we are alive. Its slot keeps the place, so it is left then.
  Status look_at_source() {
    looked_at_ = now_;
    const auto end = side_.wal_end();
    if (end) source_end_ = *end;
    const bool shuts_down =
        !end && (end.error().reason == "SourceStarting" || end.error().reason == "SourceUnreachable");
    if (!shuts_down || confirmed_ == received_) {
      shutdown_seen_.reset();
      return {};
    }
    if (!shutdown_seen_) shutdown_seen_ = now_;
    if (now_ - std::max(*shutdown_seen_, moved_at_) < kShutdownPatience) return {};
    stream_.close();
    return fail(
        ErrorKind::Transient, "SourceUnreachable",
        fmt::format("PostgreSQL {} takes no sessions: it is shutting down, and what it has sent cannot be "
                    "written yet",
                    job_.source.text()),
        "The stream goes on from its slot's place when both sides are back");
  }

  double lag_seconds() const {
    auto oldest = queue_.oldest_commit();
    if (oldest == 0 && !decoder_.empty()) oldest = decoder_.oldest_commit();
    if (oldest == 0) return 0;
    return clock_.age_of(oldest, Steady::now());
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
  postgres::ReplicationStream& stream_;
  StreamDecoder& decoder_;
  SideSession& side_;
  Lsn replayed_;
  SourceClock clock_;
  Steady::time_point now_ = Steady::now(), first_row_, inserted_at_, confirmed_at_, sent_at_, moved_at_,
                     told_at_, looked_at_;
  std::optional<Steady::time_point> shutdown_seen_;
  std::optional<Steady::time_point> stop_seen_;  ///< while values were looked up
  int inserted_ = 0;                             ///< inserts of the last batch
  Lsn last_start_, received_, idle_end_, written_, confirmed_, told_lsn_, source_end_;
  std::size_t read_ = 0;  ///< bytes, as they came, of what the decoder holds
  bool reply_ = false;
  bool anew_ = false;
  bool cut_ = false;  ///< the end, before a message that was not taken in
};

}  // namespace

Status read_stream(const PipeJob& job, const std::vector<BoundTable>& tables,
                   std::vector<RowVersion> positions, Lsn replayed, const LastCommit& last, bool text_only,
                   BatchQueue& queue, std::vector<DroppedColumn>& dropped, const ReaderControl& control) {
  const bool binary = !text_only && std::all_of(tables.begin(), tables.end(), [](const auto& table) {
    return table.binding.binary_stream();
  });
  PENSTOCK_ASSIGN(auto stream,
                  postgres::ReplicationStream::open(job.source, {job.slot, job.publication, Lsn{}, binary}));
  // From here on nobody else moves it.
  PENSTOCK_ASSIGN(const auto slot, postgres::read_slot(job.source, job.slot));
  PENSTOCK_TRY(control.begins_at(slot.confirmed_lsn));
  Heartbeat heart(stream);
  PENSTOCK_TRY(heart.start());
  SideSession side(job, control, dropped, heart);
  StreamDecoder decoder(tables, std::move(positions), side, binary, {last, slot.confirmed_lsn});
  auto done = Reader(job, queue, control, stream, decoder, side, replayed).run();
  control.ended_at(decoder.commit());
  if (const auto table = decoder.failed_table(); !done && table) control.blame(*table);
  return done;
}

}  // namespace penstock::pipeline
