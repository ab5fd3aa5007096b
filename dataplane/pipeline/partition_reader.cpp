#include "dataplane/pipeline/partition_reader.hpp"

#include <fmt/format.h>

#include <ctime>
#include <utility>

#include "dataplane/pipeline/same_table.hpp"

namespace penstock::pipeline {
namespace {

/// To some milliseconds, and a quarter of the price of std::chrono's: it is asked for each row.
std::chrono::nanoseconds about_now() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

/// `read`: bytes as they came. A column may make more of them, which is looked at now and then.
bool is_full(const Block& block, std::size_t read, const BlockLimits& limits,
             std::chrono::nanoseconds begun) {
  constexpr std::size_t kWeighEvery = 64;
  const auto rows = block.rows();
  if (rows == 0) return false;
  return rows >= limits.rows || read >= limits.bytes ||
         (rows % kWeighEvery == 0 && block.bytes() >= limits.bytes) || about_now() - begun >= limits.age;
}

std::size_t size_of(std::span<const postgres::FieldView> fields) {
  std::size_t sum = 0;
  for (const auto& field : fields)
    sum += field.bytes.size();
  return sum;
}

/// Who holds the lock, for people.
Error waiting_for_lock(const LoadContext& context, const BoundTable& table, const TableName& heap) {
  const auto whom = context.present.sessions_that_lock(heap).value_or("");
  return {ErrorKind::Transient, kWaitingForLock,
          fmt::format("the load of {} waits for a lock on {}: {}", table.job.source_text, heap.text(),
                      whom.empty() ? "see pg_locks" : whom),
          "It goes on as soon as that transaction ends; SELECT pg_terminate_backend(pid) ends one by force"};
}

Error made_way(const Binding& binding) {
  return {
      ErrorKind::Transient, kWaitingForLock,
      fmt::format("the load of {} makes way for a session that waits for a lock on it", binding.source_text),
      "It goes on by itself"};
}

/// What the server refuses or cannot do while one table is read is the matter of that table alone.
Error of_the_table(const Binding& binding, Error error) {
  if (error.kind != ErrorKind::NeedsUser) return error;
  error.kind = ErrorKind::BadData;
  error.message = fmt::format("table {}: {}", binding.source_text, error.message);
  return error;
}

/// What an error of the source means to a partition that is about to be read.
Error explained(const LoadContext& context, const BoundTable& table, const TableName& heap,
                const std::optional<InWatch>& watched, Error error) {
  if (watched && watched->has_ended()) return made_way(table.binding);
  if (error.reason == "LockTimeout") return waiting_for_lock(context, table, heap);
  if (error.reason == "TableNotFound")
    return table_changed(table.job, heap.text() + " is not there any more");
  return of_the_table(table.binding, std::move(error));
}

}  // namespace

PartitionReader::PartitionReader(pg_conn* session, const LoadContext& context, const BoundTable& table,
                                 std::size_t heap, postgres::HeapState then, std::optional<InWatch> watched,
                                 postgres::CopyReader rows)
    : session_(session),
      context_(context),
      table_(table),
      binding_(table.binding),
      heap_(heap),
      then_(std::move(then)),
      watched_(std::move(watched)),
      reader_(std::move(rows)),
      clamped_(table.binding.columns.size()) {}

Result<PartitionReader> PartitionReader::start(pg_conn* session, const LoadContext& context,
                                               const BoundTable& table, const Partition& partition,
                                               std::chrono::milliseconds patience) {
  const auto& source = context.job.source;
  const auto& heap = table.source.heaps[partition.heap];
  PENSTOCK_TRY(postgres::begin_at_snapshot(session, source, context.snapshot));
  if (auto locked = postgres::lock_heap(session, source, heap.name); !locked)
    return fail(explained(context, table, heap.name, std::nullopt, std::move(locked).error()));
  std::optional<InWatch> watched;
  // Of a view no row is known again.
  if (heap.kind == 'r' || heap.kind == 'm')
    watched.emplace(context.watch, postgres::backend_of(session), patience);
  const auto publication = context.job.streams ? context.job.publication : "";
  auto then = postgres::read_heap_state(session, source, table.source.name, heap.name, publication);
  if (!then) return fail(explained(context, table, heap.name, watched, std::move(then).error()));
  PENSTOCK_ASSIGN(const auto now, context.present.state_of(table.source.name, heap.name, publication));
  if (auto change = what_changed(table, partition.heap, *then, now)) return fail(*std::move(change));
  if (!heap.row_filter.empty()) {
    if (auto set = postgres::read_by_place(session, source); !set)
      return fail(explained(context, table, heap.name, watched, std::move(set).error()));
  }
  const auto columns = table.binding.copy_columns();
  const auto sql = partition.whole ? postgres::copy_all_sql(heap.name, columns, heap.row_filter)
                                   : postgres::copy_range_sql(heap.name, columns, partition.first,
                                                              partition.last, heap.row_filter);
  auto rows = postgres::CopyReader::start(session, source, sql, columns.size());
  if (!rows) return fail(explained(context, table, heap.name, watched, std::move(rows).error()));
  return PartitionReader(session, context, table, partition.heap, *std::move(then), std::move(watched),
                         *std::move(rows));
}

Status PartitionReader::confirm() const {
  // A log of changes is of one snapshot, and no TRUNCATE empties it.
  if (!context_.job.streams || binding_.append_only) return {};
  const auto& heap = table_.source.heaps[heap_].name;
  PENSTOCK_ASSIGN(const auto now,
                  context_.present.state_of(table_.source.name, heap, context_.job.publication));
  auto change = what_changed(table_, heap_, then_, now);
  return change ? fail(*std::move(change)) : Status{};
}

/// Empty at the end, where nobody need wait for us any more.
Result<std::span<const postgres::FieldView>> PartitionReader::next_row() {
  if (context_.stop.now.load(std::memory_order_relaxed))
    return fail(ErrorKind::Cancelled, "Stopped", "the load was stopped");
  const auto fields = reader_.next();
  if (!fields)
    return fail(watched_ && watched_->has_ended() ? made_way(binding_)
                                                  : of_the_table(binding_, fields.error()));
  if (fields->empty() && !ended_) {
    // The rows may all be here, and the session may have been ended behind the last of them.
    if (watched_ && watched_->leave()) return fail(made_way(binding_));
    ended_ = true;
    PENSTOCK_TRY(postgres::execute(session_, context_.job.source, "COMMIT"));
  }
  return fields;
}

Status PartitionReader::skip(std::int64_t rows) {
  for (; rows > 0 && !ended_; --rows) {
    PENSTOCK_ASSIGN(const auto fields, next_row());
    if (!fields.empty()) ++rows_;
  }
  return {};
}

Status PartitionReader::fill(Block& block, const BlockLimits& limits) {
  block.clear();
  const auto begun = about_now();
  std::size_t read = 0;
  while (!ended_ && !is_full(block, read, limits, begun)) {
    PENSTOCK_ASSIGN(const auto fields, next_row());
    if (fields.empty()) break;
    const auto& version = binding_.append_only ? context_.log_version : context_.version;
    PENSTOCK_TRY(append_loaded_row(binding_, block, fields, version, clamped_));
    ++rows_;
    read += size_of(fields);
  }
  return {};
}

}  // namespace penstock::pipeline
