#include "dataplane/pipeline/stream_run.hpp"

#include <algorithm>
#include <atomic>
#include <limits>
#include <mutex>
#include <utility>

#include "core/log.hpp"
#include "core/thread.hpp"
#include "core/utf8.hpp"
#include "dataplane/pipeline/source_changes.hpp"
#include "dataplane/pipeline/stream_reader.hpp"
#include "dataplane/pipeline/stream_writer.hpp"

namespace penstock::pipeline {
namespace {
/// Batches that may wait for the writer, beside the one being written and the one being filled.
constexpr std::size_t kQueueDepth = 1;
constexpr std::size_t kTruncatesKept = 64;  // of a table: those since the last probes
constexpr Lsn kAnyChange{std::numeric_limits<std::uint64_t>::max()};
}  // namespace

struct StreamRun::Impl {
  explicit Impl(StreamRequest wanted)
      : request(std::move(wanted)), pace(request.job), held(request.patience), told(request.system.told) {
    request.job.source.limits = request.job.destination.limits = ending.limits();
    for (const auto& table : request.job.tables)
      facts.tables.push_back({table.source_text, table.load});
    clamped.resize(facts.tables.size());
  }

  /// Streams until stopped or failed; where the source's tables change on the way, the targets follow; where
  /// single tables fail, the others go on.
  Status run() {
    PENSTOCK_ASSIGN(const auto system, check_same_system(request.job, request.system));
    {
      const std::lock_guard lock(mutex);
      facts.timeline = system.timeline;
    }
    bool text_only = false;
    while (true) {
      blamed.reset();
      auto done = stream(text_only);
      if (flags.any()) return done;
      if (done) {
        const std::lock_guard lock(mutex);
        held.try_again(HeldTables::Time::clock::now());
      } else if (is_source_change(done.error())) {
        log::info("stream", "{}: {}: following", request.job.name, done.error().message);
        text_only = text_only || done.error().reason == kTextStreamNeeded;
        PENSTOCK_TRY(follow());
      } else if (blamed && holds_up_one_table(done.error())) {
        hold(*blamed, done.error());
      } else {
        return fail(unless_on_a_standby(request.job, std::move(done).error()));
      }
    }
  }

  Status stream(bool text_only) {
    clickhouse::Client client(request.job.destination);
    PENSTOCK_ASSIGN(const auto tables, bind(client));
    const auto blame = [&](std::size_t table) { note_blame(tables[table].job.source_text); };
    PENSTOCK_ASSIGN(auto positions, read_positions(client, tables, blame));
    std::vector<RowVersion> replayed(tables.size());
    for (std::size_t at = 0; at < tables.size(); ++at) {
      if (tables[at].binding.resume) std::swap(positions[at], replayed[at]);
      const auto& source = tables[at].job.source_text;
      if (const auto loaded = request.loaded_up_to.find(source);
          loaded != request.loaded_up_to.end() && tables[at].binding.append_only)
        positions[at] = std::max(positions[at], loaded->second);
      if (const auto added = request.added_at.find(source); added != request.added_at.end())
        positions[at] = std::max(positions[at], RowVersion{added->second, kAnyChange});
    }
    const auto replays = std::max_element(replayed.begin(), replayed.end());
    const Lsn last_replay = replays == replayed.end() ? Lsn{} : replays->commit;
    BatchQueue queue(kQueueDepth);
    std::atomic<bool> writer_failed{false};
    Status written;
    const auto write = [&] {
      written = write_batches(queue, client, request.job, tables, replayed, writer_flags,
                              {[this](const auto& error) { report_retry(error); },
                               [&](const Batch& batch) { count(batch, tables); }, blame});
      if (!written) writer_failed.store(true);
    };
    PENSTOCK_ASSIGN(auto writer, start_thread("the writer of a stream", write));
    const ReaderControl control{
        pace,
        flags.soon,
        flags.now,
        [&] { return writer_failed.load(); },
        [this] { return anew(); },
        [this](Lsn safe) { return confirmable(safe); },
        [this](Lsn place) { return begin_at(place); },
        blame,
        [this](const auto& table, const auto& why) { note_difference(table, why); },
        [this](const auto& table, std::uint32_t xid) { note_truncate(table, xid); },
        [this](const ReaderNews& news) { tell(news); },
        [this](const auto& table) { return is_outdated(table); },
        [this](Lsn commit) { came_in = commit; },
        [this](const auto& table, auto oid, const auto& by) { note_part(table, oid, by); }};
    auto read = read_stream(request.job, tables, std::move(positions), last_replay, last_written(), text_only,
                            queue, dropped, control);
    if (!read && !is_source_change(read.error())) {
      writer_flags.now.store(true);
      report_reader(read.error());  // an insert that is not answered may hold the end up for long
    }
    queue.close();
    writer.join();
    writer_flags.now.store(flags.now.load());
    return written || written.error().kind == ErrorKind::Cancelled ? read : written;
  }

  LastCommit last_written() {
    const std::lock_guard lock(mutex);
    return facts.last ? facts.last : request.system.last;
  }

  /// The job without the tables that are held.
  PipeJob job_now() {
    take_up_learnt();
    PipeJob job = request.job;
    std::erase_if(job.tables, [&](const TableJob& table) { return held.skips(table.source_text); });
    return job;
  }

  /// Brings the targets after the source's tables; those that cannot follow are held.
  Status follow() {
    PENSTOCK_ASSIGN(const auto faults, follow_source(job_now()));
    for (const auto& fault : faults)
      hold(fault.source, fault.error);
    return {};
  }

  void take_up_learnt() {
    const std::lock_guard lock(mutex);
    for (auto& table : request.job.tables)
      if (const auto at = learnt.find(table.source_text); at != learnt.end())
        table.definition = joined(table.definition, at->second);
    taken_up = learnt;
  }

  /// Where the job does not say what a table was, it is what it was when the run first saw it; with what was
  /// followed since.
  void remember_definitions(std::vector<BoundTable>& tables) {
    for (auto& bound : tables) {
      bound.known = with_followed(bound.known, bound.now, bound.target_columns);
      for (auto& table : request.job.tables)
        if (table.source_text == bound.job.source_text) table.definition = bound.known.text();
      const std::lock_guard lock(mutex);
      auto& fact = fact_of(bound.job.source_text);
      fact.definition = bound.known.text();
      fact.types = bound.binding.column_types();
    }
  }

  bool is_outdated(const BoundTable& table) {
    const std::lock_guard lock(mutex);
    const auto at = learnt.find(table.job.source_text);
    if (at == learnt.end() || taken_up[at->first] == at->second) return false;
    const auto other = SourceDefinition::parse(at->second);
    return other && other->oid == table.known.oid && joined(table.known, *other) != table.known;
  }

  void note_part(const std::string& table, std::uint32_t oid, const PartChange& change) {
    const std::lock_guard lock(mutex);
    fact_of(table).parts.try_emplace(oid, change).first->second.last = change.last;
  }

  /// The tables to stream now. Those that are found to be gone are held as those that cannot be written.
  Result<std::vector<BoundTable>> bind(clickhouse::Client& client) {
    PENSTOCK_ASSIGN(auto bound, bind_tables(job_now(), client, dropped, postgres::HeapSizes::LeftOut));
    if (std::any_of(bound.tables.begin(), bound.tables.end(),
                    [](const auto& one) { return one.to_follow; })) {
      PENSTOCK_TRY(follow());
      PENSTOCK_ASSIGN(bound, bind_tables(job_now(), client, dropped, postgres::HeapSizes::LeftOut));
    }
    for (const auto& fault : bound.faults)
      hold(fault.source, fault.error);
    remember_definitions(bound.tables);
    return std::move(bound.tables);
  }

  void hold(const std::string& table, const Error& error) {
    log::warn("stream", "{}: going on without {} for now: {}", request.job.name, table, error.text());
    const std::lock_guard lock(mutex);
    held.fail(table, error, {facts.confirmed, facts.received, came_in}, HeldTables::Time::clock::now());
    writer_retry.reset();
    note_held();
  }

  /// With the mutex held: what the facts say of tables that the stream goes on without, and of waiting.
  void note_held() {
    for (auto& table : facts.tables) {
      table.error = held.set_apart(table.source);
      const auto behind = held.behind(table.source, HeldTables::Time::clock::now());
      if (!behind) table.written = std::max(table.written, written_up_to);
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

  /// Changes of a table that differs are kept in the source until that is recorded: they would not come
  /// again to tell of it.
  Lsn confirmable(Lsn safe) {
    const std::lock_guard lock(mutex);
    auto out = std::min(held.limit().value_or(safe), safe);
    for (const auto& [table, all] : unrecorded)
      for (const auto& [why, place] : all)
        out = std::min(out, place);
    told = std::max(told.value_or(Lsn{}), out);
    facts.confirmed = std::max(facts.confirmed, *told);
    return out;
  }

  Status begin_at(Lsn place) {
    const std::lock_guard lock(mutex);
    if (told && place > *told) return fail(slot_moved(request.job, place, *told));
    told = std::max(told.value_or(Lsn{}), place);
    facts.confirmed = std::max(facts.confirmed, place);
    return {};
  }

  void note_blame(const std::string& table) {
    const std::lock_guard lock(mutex);
    if (!blamed) blamed = table;
  }

  void note_difference(const std::string& table, const std::string& words) {
    const auto why = valid_utf8(words);  // as it will be recorded
    const std::lock_guard lock(mutex);
    auto& known = fact_of(table).differences;
    if (std::find(known.begin(), known.end(), why) == known.end()) {
      known.push_back(why);
      unrecorded[table].emplace(why, told.value_or(Lsn{}));
    }
    changed_soon = true;
  }

  void note_truncate(const std::string& table, std::uint32_t xid) {
    const std::lock_guard lock(mutex);
    auto& known = fact_of(table).truncated_by;
    if (known.size() == kTruncatesKept) known.erase(known.begin());
    known.push_back(xid);
  }

  TableStream& fact_of(const std::string& source) {
    return *std::find_if(facts.tables.begin(), facts.tables.end(),
                         [&](const auto& one) { return one.source == source; });
  }

  void count(const Batch& batch, const std::vector<BoundTable>& tables) {
    const std::lock_guard lock(mutex);
    if (batch.last) facts.last = batch.last;
    for (const auto& table : batch.tables) {
      if (!table) continue;
      auto& fact = fact_of(tables[table->table].job.source_text);
      fact.rows += table->block.rows();
      auto& sums = clamped[static_cast<std::size_t>(&fact - facts.tables.data())];
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
    facts.received = news.received;
    facts.lag_bytes = news.lag_bytes;
    facts.lag_seconds = news.lag_seconds;
    written_up_to = news.written;
    held.note_written(news.written);
    note_held();
    return first;
  }

  void report_retry(const std::optional<Error>& error) {
    const std::lock_guard lock(mutex);
    writer_retry = error;
    note_held();
  }

  void report_reader(const Error& error) {
    const std::lock_guard lock(mutex);
    if (error.kind == ErrorKind::Transient) facts.run.retrying = error;
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
  StreamPace pace;
  std::vector<DroppedColumn> dropped;  // the run's own thread
  Ending ending;
  StopFlags flags, writer_flags;      // the second is set when the reader has failed, too
  std::optional<std::string> blamed;  // the table that the present failure is about
  bool changed_soon = false;          // the run's own thread
  Lsn came_in;                        // ReaderControl::ended_at; likewise
  mutable std::mutex mutex;
  StreamFacts facts;
  HeldTables held;
  std::optional<Lsn> told;  // the most that the source can have been told
  /// Differences that the status does not tell yet, by table and text, with `told` at their time.
  std::map<std::string, std::map<std::string, Lsn>> unrecorded;
  Lsn written_up_to;                  // ReaderNews::written
  std::optional<Error> writer_retry;  // what the writer waits out
  std::vector<ClampCounts> clamped;
  std::map<std::string, std::string> learnt, taken_up;  // StreamRun::learn()
  std::jthread thread;
};

StreamRun::StreamRun(StreamRequest request) : impl_(std::make_unique<Impl>(std::move(request))) {
  auto thread = start_thread("a stream", [impl = impl_.get()] { impl->main(); });
  if (thread)
    impl_->thread = *std::move(thread);
  else
    impl_->facts.run = {true, std::move(thread).error(), {}};
}

StreamRun::~StreamRun() {
  stop(StopMode::Now);
  impl_->thread = {};
}

void StreamRun::stop(StopMode mode) {
  impl_->ending.begin(mode);
  for (auto* flags : {&impl_->flags, &impl_->writer_flags})
    (mode == StopMode::Now ? flags->now : flags->soon).store(true);
}

void StreamRun::tune(const PipeJob& job) {
  impl_->pace.set(job);
}

void StreamRun::learn(const std::map<std::string, std::string>& definitions) {
  const std::lock_guard lock(impl_->mutex);
  for (const auto& [source, definition] : definitions)
    impl_->learnt[source] = definition;
}

void StreamRun::recorded(const std::map<std::string, std::vector<std::string>>& differences) {
  const std::lock_guard lock(impl_->mutex);
  for (auto& [source, all] : impl_->unrecorded) {
    const auto known = differences.find(source);
    if (known == differences.end()) all.clear();
    for (auto one = all.begin(); one != all.end();) {
      const auto& told = known->second;
      one = std::find(told.begin(), told.end(), one->first) == told.end() ? std::next(one) : all.erase(one);
    }
  }
  std::erase_if(impl_->unrecorded, [](const auto& one) { return one.second.empty(); });
}

StreamFacts StreamRun::facts() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->facts;
}

}  // namespace penstock::pipeline
