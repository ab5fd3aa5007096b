#include "dataplane/pipeline/stream_run.hpp"

#include <algorithm>
#include <atomic>
#include <limits>
#include <mutex>
#include <thread>
#include <utility>

#include "core/log.hpp"
#include "dataplane/pipeline/source_changes.hpp"
#include "dataplane/pipeline/stream_reader.hpp"
#include "dataplane/pipeline/stream_writer.hpp"

namespace penstock::pipeline {
namespace {
/// Batches that may wait for the writer, beside the one being written and the one being filled.
constexpr std::size_t kQueueDepth = 1;
constexpr Lsn kAnyVersion{std::numeric_limits<std::uint64_t>::max()};
}  // namespace

struct StreamRun::Impl {
  explicit Impl(StreamRequest wanted) : request(std::move(wanted)), held(request.patience) {
    for (const auto& table : request.job.tables)
      facts.tables.push_back({table.source_text, table.load, 0, 0, {}, {}});
    clamped.resize(facts.tables.size());
  }

  /// Streams until stopped or failed; where the source's tables change on the way, the targets follow; where
  /// single tables fail, the others go on.
  Status run() {
    PENSTOCK_TRY(check_same_system(request.job, request.system));
    bool text_only = false;
    while (true) {
      blamed.reset();
      auto done = stream(text_only);
      if (flags.any()) return done;
      if (done) {
        held_try_again();
      } else if (is_source_change(done.error())) {
        log::info("stream", "{}: {}: following", request.job.name, done.error().message);
        text_only = text_only || done.error().reason == kTextStreamNeeded;
        PENSTOCK_TRY(follow_source(request.job));
      } else if (blamed &&
                 (done.error().kind == ErrorKind::BadData || clickhouse::holds_up_one_table(done.error()))) {
        hold(*blamed, done.error());
      } else {
        return done;
      }
    }
  }

  Status stream(bool text_only) {
    clickhouse::Client client(request.job.destination);
    PENSTOCK_ASSIGN(const auto tables, bind(client));
    PENSTOCK_ASSIGN(auto positions, read_positions(client, tables));
    for (std::size_t at = 0; at < tables.size(); ++at) {
      const auto& source = tables[at].job.source_text;
      if (const auto loaded = request.loaded_up_to.find(source);
          loaded != request.loaded_up_to.end() && tables[at].binding.append_only)
        positions[at] = std::max(positions[at], LogPosition{loaded->second, kAnyVersion});
      if (const auto added = request.added_at.find(source); added != request.added_at.end())
        positions[at] = std::max(positions[at], LogPosition{added->second, kAnyVersion});
    }
    BatchQueue queue(kQueueDepth);
    std::atomic<bool> writer_failed{false};
    Status written;
    const auto blame = [&](std::size_t table) { note_blame(tables[table].job.source_text); };
    std::thread writer([&] {
      written = write_batches(queue, client, request.job, tables, writer_flags,
                              {[this](const auto& error) { report_retry(error); },
                               [&](const Batch& batch) { count(batch, tables); }, blame});
      if (!written) writer_failed.store(true);
    });
    const ReaderControl control{flags.soon,
                                flags.now,
                                [&] { return writer_failed.load(); },
                                [this] { return anew(); },
                                [this](Lsn safe) { return confirmable(safe); },
                                blame,
                                [this](const ReaderNews& news) { tell(news); }};
    auto read = read_stream(request.job, tables, std::move(positions), text_only, queue, dropped, control);
    if (!read && !is_source_change(read.error())) writer_flags.now.store(true);
    queue.close();
    writer.join();
    writer_flags.now.store(flags.now.load());
    return written || written.error().kind == ErrorKind::Cancelled ? read : written;
  }

  /// The tables to stream now. Those that are found to be gone are held as those that cannot be written.
  Result<std::vector<BoundTable>> bind(clickhouse::Client& client) {
    PipeJob job = request.job;
    std::erase_if(job.tables, [&](const TableJob& table) { return held.skips(table.source_text); });
    PENSTOCK_ASSIGN(auto bound, bind_tables(job, client, dropped));
    for (const auto& fault : bound.faults)
      hold(fault.source, fault.error);
    return std::move(bound.tables);
  }

  void hold(const std::string& table, const Error& error) {
    log::warn("stream", "{}: going on without {} for now: {}", request.job.name, table, error.text());
    const std::lock_guard lock(mutex);
    held.fail(table, error, facts.confirmed, facts.received, HeldTables::Time::clock::now());
    writer_retry.reset();
    note_held();
  }

  void held_try_again() {
    const std::lock_guard lock(mutex);
    held.try_again(HeldTables::Time::clock::now());
  }

  /// With the mutex held: what the facts say of tables that the stream goes on without, and of waiting.
  void note_held() {
    for (auto& table : facts.tables) {
      table.error = held.set_apart(table.source);
      const auto behind = held.behind(table.source, HeldTables::Time::clock::now());
      // While others are tried again, the age of what comes in is theirs.
      if (behind)
        table.lag_seconds = std::max(facts.lag_seconds, behind->count());
      else if (!held.tries())
        table.lag_seconds = facts.lag_seconds;
    }
    auto waited_for = held.waited_for();
    if (waited_for) waited_for->kind = ErrorKind::Transient;  // until patience ends
    facts.run.retrying = writer_retry ? writer_retry : waited_for;
  }

  /// Whether the stream is to begin again with tables that it left out.
  bool anew() {
    const std::lock_guard lock(mutex);
    const auto now = HeldTables::Time::clock::now();
    if (held.set_apart_overdue(facts.received, now)) {
      note_held();
      if (request.changed) changed_soon = true;
    }
    return held.retry_due(now);
  }

  Lsn confirmable(Lsn safe) {
    const std::lock_guard lock(mutex);
    const auto limit = held.limit();
    return limit ? std::min(*limit, safe) : safe;
  }

  void note_blame(const std::string& table) {
    const std::lock_guard lock(mutex);
    if (!blamed) blamed = table;
  }

  TableStream& fact_of(const std::string& source, std::size_t& at) {
    at = 0;
    while (facts.tables[at].source != source)
      ++at;
    return facts.tables[at];
  }

  void count(const Batch& batch, const std::vector<BoundTable>& tables) {
    const std::lock_guard lock(mutex);
    for (const auto& table : batch.tables) {
      if (!table) continue;
      std::size_t index = 0;
      auto& fact = fact_of(tables[table->table].job.source_text, index);
      fact.rows += table->block.rows();
      auto& sums = clamped[index];
      sums.resize(std::max(sums.size(), table->clamped.size()));
      fact.clamped.clear();
      for (std::size_t at = 0; at < table->clamped.size(); ++at) {
        sums[at] += table->clamped[at];
        if (sums[at]) fact.clamped.emplace_back(tables[table->table].binding.columns[at].name, sums[at]);
      }
    }
  }

  void tell(const ReaderNews& news) {
    const bool first = note(news);
    if ((first || std::exchange(changed_soon, false)) && request.changed) request.changed();
  }

  /// True the first time.
  bool note(const ReaderNews& news) {
    const std::lock_guard lock(mutex);
    const bool first = !std::exchange(facts.streaming, true);
    facts.confirmed = news.confirmed;
    facts.received = news.received;
    facts.lag_bytes = news.lag_bytes;
    facts.lag_seconds = news.lag_seconds;
    held.note_confirmed(news.confirmed);
    note_held();
    return first;
  }

  void report_retry(const std::optional<Error>& error) {
    const std::lock_guard lock(mutex);
    writer_retry = error;
    note_held();
  }

  void main() {
    auto done = run();
    {
      const std::lock_guard lock(mutex);
      facts.streaming = false;
      if (!done && done.error().kind != ErrorKind::Cancelled) {
        log::debug("stream", "{}: {}", request.job.name, done.error().text());
        facts.run.error = done.error();
      }
      facts.run.ended = true;
    }
    if (request.changed) request.changed();
  }

  StreamRequest request;
  std::vector<DroppedColumn> dropped;  // the run's own thread
  StopFlags flags;
  StopFlags writer_flags;             // as `flags`, and when the reader has failed
  std::optional<std::string> blamed;  // the table that the present failure is about
  bool changed_soon = false;          // the run's own thread
  mutable std::mutex mutex;
  StreamFacts facts;
  HeldTables held;
  std::optional<Error> writer_retry;  // what the writer waits out
  std::vector<ClampCounts> clamped;
  std::thread thread;
};

StreamRun::StreamRun(StreamRequest request) : impl_(std::make_unique<Impl>(std::move(request))) {
  impl_->thread = std::thread([impl = impl_.get()] { impl->main(); });
}

StreamRun::~StreamRun() {
  stop(StopMode::Now);
  impl_->thread.join();
}

void StreamRun::stop(StopMode mode) {
  for (auto* flags : {&impl_->flags, &impl_->writer_flags})
    (mode == StopMode::Now ? flags->now : flags->soon).store(true);
}

StreamFacts StreamRun::facts() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->facts;
}

}  // namespace penstock::pipeline
