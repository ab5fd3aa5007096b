#include "dataplane/pipeline/stream_writer.hpp"

#include <fmt/format.h>

#include <chrono>

#include "dataplane/clickhouse/owner.hpp"

namespace penstock::pipeline {
namespace {

/// Tombstones for every live row older than the TRUNCATE; a repeat writes the same rows again, which changes
/// nothing.
clickhouse::Request truncate_request(const Binding& binding, const RowVersion& at) {
  std::string columns;
  for (const auto& name : binding.key)
    columns += clickhouse::quote(name) + ", ";
  const auto sql = fmt::format(
      "INSERT INTO {0} ({1}{2}, {3}) SELECT {1}{{at:UInt128}}, 1 FROM {0} FINAL WHERE {2} < {{at:UInt128}}",
      clickhouse::quote(binding.target), columns, clickhouse::kVersionColumn, clickhouse::kDeletedColumn);
  return {sql, {{"param_at", at.text()}}};
}

class Writer {
 public:
  Writer(clickhouse::Client& client, const PipeJob& job, const std::vector<BoundTable>& tables,
         const std::vector<RowVersion>& replayed, const StopFlags& stop, const WriterNews& news)
      : client_(client),
        job_(job),
        tables_(tables),
        replayed_(replayed),
        stop_(stop),
        news_(news),
        attempt_(fmt::format("{:x}", std::chrono::system_clock::now().time_since_epoch().count())) {}

  Status write(const Batch& batch) {
    PENSTOCK_TRY(insist_on_marks(batch));
    if (batch.truncate)
      return blaming(batch.truncate->first,
                     truncate(tables_[batch.truncate->first].binding, batch.truncate->second));
    for (const auto& table : batch.tables) {
      if (!table) continue;
      PENSTOCK_TRY(blaming(table->table, insert(*table)));
    }
    return {};
  }

 private:
  Others others() const { return tables_.size() > 1 ? Others::Wait : Others::None; }

  /// Another cluster's pipe may have taken a target over since the stream began, and its name leads to
  /// another table by now. An insert that is under way meanwhile ends in the former one.
  Status insist_on_marks(const Batch& batch) {
    std::vector<std::size_t> written;
    if (batch.truncate) written.push_back(batch.truncate->first);
    for (const auto& table : batch.tables)
      if (table) written.push_back(table->table);
    std::vector<std::string> targets;
    for (const auto table : written)
      targets.push_back(tables_[table].binding.target);
    return try_until_done(
        [&]() -> Status {
          PENSTOCK_ASSIGN(const auto taken, clickhouse::find_taken(client_, targets, job_.uid));
          return taken ? blaming(written[taken->first], fail(taken->second)) : Status{};
        },
        stop_, news_.retrying);
  }

  Status insert(const TableBatch& table) {
    const auto& binding = tables_[table.table].binding;
    if (table.first <= replayed_[table.table])
      return insert_missing_until_done(client_, binding, table.block, table.first, stop_, news_.retrying,
                                       others());
    const auto token = fmt::format("{}/{}/{}/{}", job_.uid, binding.target, attempt_, sequence_++);
    return insert_until_done(client_, binding, table.block, token, stop_, news_.retrying, others(),
                             Rows::Streamed);
  }

  Status blaming(std::size_t table, Status done) const {
    if (!done && (is_of_one_table(done.error().kind) || clickhouse::holds_up_one_table(done.error())))
      news_.blame(table);
    return done;
  }

  Status truncate(const Binding& binding, const RowVersion& at) {
    const auto request = truncate_request(binding, at);
    return try_until_done([&] { return client_.execute(request); }, stop_, news_.retrying, others());
  }

  clickhouse::Client& client_;
  const PipeJob& job_;
  const std::vector<BoundTable>& tables_;
  const std::vector<RowVersion>& replayed_;
  const StopFlags& stop_;
  const WriterNews& news_;
  std::string attempt_;
  std::uint64_t sequence_ = 0;
};

}  // namespace

namespace {

Result<RowVersion> read_position(clickhouse::Client& client, const Binding& binding) {
  if (!binding.append_only || !binding.readable) return RowVersion{};
  PENSTOCK_TRY(no_insert_runs(client, binding.target, Rows::Streamed));
  const auto sql =
      fmt::format("SELECT max({}) FROM {}", binding.log_version, clickhouse::quote(binding.target));
  PENSTOCK_ASSIGN(const auto rows, client.select({sql, {{"aggregate_functions_null_for_empty", "0"}}}));
  if (rows.empty()) return RowVersion{};
  return RowVersion::parse(rows.front().at(0));
}

}  // namespace

Result<std::vector<RowVersion>> read_positions(clickhouse::Client& client,
                                               const std::vector<BoundTable>& tables,
                                               const std::function<void(std::size_t)>& blame) {
  std::vector<RowVersion> out;
  for (std::size_t at = 0; at < tables.size(); ++at) {
    auto one = read_position(client, tables[at].binding);
    if (!one) blame(at);
    if (!one) return fail(std::move(one).error());
    out.push_back(*one);
  }
  return out;
}

Status write_batches(BatchQueue& queue, clickhouse::Client& client, const PipeJob& job,
                     const std::vector<BoundTable>& tables, const std::vector<RowVersion>& replayed,
                     const StopFlags& stop, const WriterNews& news) {
  Writer writer(client, job, tables, replayed, stop, news);
  while (auto batch = queue.pop()) {
    PENSTOCK_TRY(writer.write(*batch));
    news.written(*batch);
    queue.done(*batch);
  }
  return {};
}

}  // namespace penstock::pipeline
