#include "dataplane/pipeline/partition_reader.hpp"

#include <ctime>
#include <utility>

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

}  // namespace

PartitionReader::PartitionReader(pg_conn* session, const LoadContext& context, const Binding& binding,
                                 std::uint32_t heap, postgres::CopyReader rows)
    : session_(session),
      context_(context),
      binding_(binding),
      heap_(heap),
      reader_(std::move(rows)),
      clamped_(binding.columns.size()) {}

Result<PartitionReader> PartitionReader::start(pg_conn* session, const LoadContext& context,
                                               const BoundTable& table, const Partition& partition) {
  const auto& heap = table.source.heaps[partition.heap];
  const auto columns = table.binding.copy_columns();
  const auto sql = partition.whole
                       ? postgres::copy_all_sql(heap.name, columns)
                       : postgres::copy_range_sql(heap.name, columns, partition.first, partition.last);
  PENSTOCK_ASSIGN(auto rows, postgres::CopyReader::start(session, context.job.source, sql, columns.size()));
  return PartitionReader(session, context, table.binding, heap.oid, std::move(rows));
}

Status PartitionReader::fill(Block& block, const BlockLimits& limits) {
  block.clear();
  const auto begun = about_now();
  std::size_t read = 0;
  while (!ended_ && !is_full(block, read, limits, begun)) {
    if (context_.stop.now.load(std::memory_order_relaxed))
      return fail(ErrorKind::Cancelled, "Stopped", "the load was stopped");
    PENSTOCK_ASSIGN(const auto fields, reader_.next());
    if (fields.empty()) {
      ended_ = true;
      return postgres::check_not_rewritten(session_, context_.job.source, heap_);
    }
    PENSTOCK_TRY(
        append_loaded_row(binding_, block, fields, context_.version, context_.snapshot_lsn, clamped_));
    ++rows_;
    read += size_of(fields);
  }
  return {};
}

}  // namespace penstock::pipeline
