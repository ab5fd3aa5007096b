#include "dataplane/pipeline/stream_run.hpp"

#include <atomic>
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
}  // namespace

struct StreamRun::Impl {
  explicit Impl(StreamRequest wanted) : request(std::move(wanted)) {}

  /// Streams until stopped or failed; where the source's tables change on the way, the targets follow.
  Status run() {
    PENSTOCK_TRY(check_same_system(request.job, request.system));
    bool text_only = false;
    while (true) {
      auto done = stream(text_only);
      if (done || !is_source_change(done.error())) return done;
      log::info("stream", "{}: {}: following", request.job.name, done.error().message);
      text_only = text_only || done.error().reason == kTextStreamNeeded;
      PENSTOCK_TRY(follow_source(request.job));
    }
  }

  Status stream(bool text_only) {
    clickhouse::Client client(request.job.destination);
    PENSTOCK_ASSIGN(const auto tables, bind_tables(request.job, client, dropped));
    PENSTOCK_ASSIGN(auto positions, read_positions(client, tables));
    begin_counting(tables);
    BatchQueue queue(kQueueDepth);
    std::atomic<bool> writer_failed{false};
    Status written;
    std::thread writer([&] {
      written = write_batches(
          queue, client, request.job, tables, flags, [this](const auto& error) { report_retry(error); },
          [&](const Batch& batch) { count(batch, tables); });
      if (!written) writer_failed.store(true);
    });
    const ReaderControl control{flags.soon, flags.now, [&] { return writer_failed.load(); },
                                [this](const ReaderNews& news) { tell(news); }};
    auto read = read_stream(request.job, tables, std::move(positions), text_only, queue, dropped, control);
    if (!read && !is_source_change(read.error())) flags.now.store(true);
    queue.close();
    writer.join();
    return written || written.error().kind == ErrorKind::Cancelled ? read : written;
  }

  void begin_counting(const std::vector<BoundTable>& tables) {
    const std::lock_guard lock(mutex);
    for (const auto& table : tables)
      facts.tables.push_back({table.job.source_text, 0, {}});
    clamped.resize(tables.size());
  }

  void count(const Batch& batch, const std::vector<BoundTable>& tables) {
    const std::lock_guard lock(mutex);
    for (const auto& table : batch.tables) {
      if (!table) continue;
      auto& fact = facts.tables[table->table];
      fact.rows += table->block.rows();
      auto& sums = clamped[table->table];
      sums.resize(table->clamped.size());
      fact.clamped.clear();
      for (std::size_t at = 0; at < sums.size(); ++at) {
        sums[at] += table->clamped[at];
        if (sums[at]) fact.clamped.emplace_back(tables[table->table].binding.columns[at].name, sums[at]);
      }
    }
  }

  void tell(const ReaderNews& news) {
    const bool first = note(news);
    if (first && request.changed) request.changed();
  }

  /// True the first time.
  bool note(const ReaderNews& news) {
    const std::lock_guard lock(mutex);
    const bool first = !std::exchange(facts.streaming, true);
    facts.confirmed = news.confirmed;
    facts.received = news.received;
    facts.lag_bytes = news.lag_bytes;
    facts.lag_seconds = news.lag_seconds;
    return first;
  }

  void report_retry(const std::optional<Error>& error) {
    const std::lock_guard lock(mutex);
    facts.run.retrying = error;
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
  mutable std::mutex mutex;
  StreamFacts facts;
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
  (mode == StopMode::Now ? impl_->flags.now : impl_->flags.soon).store(true);
}

StreamFacts StreamRun::facts() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->facts;
}

}  // namespace penstock::pipeline
