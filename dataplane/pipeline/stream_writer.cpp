#include "dataplane/pipeline/stream_writer.hpp"

#include <fmt/format.h>

#include <charconv>
#include <chrono>

namespace penstock::pipeline {
namespace {

std::uint64_t number(const std::string& text) {
  std::uint64_t out = 0;
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

/// Tombstones for every live row older than the TRUNCATE; a repeat writes the same rows again, which changes
/// nothing.
clickhouse::Request truncate_request(const Binding& binding, Lsn at) {
  std::string columns;
  for (const auto& name : binding.key)
    columns += clickhouse::quote(name) + ", ";
  const auto sql = fmt::format(
      "INSERT INTO {0} ({1}{2}, {3}) SELECT {1}{{lsn:UInt64}}, 1 FROM {0} FINAL WHERE {2} < {{lsn:UInt64}}",
      clickhouse::quote(binding.target), columns, clickhouse::kVersionColumn, clickhouse::kDeletedColumn);
  return {sql, {{"param_lsn", std::to_string(at.value)}}};
}

class Writer {
 public:
  Writer(clickhouse::Client& client, const PipeJob& job, const std::vector<BoundTable>& tables,
         const StopFlags& stop, const WriterNews& news)
      : client_(client),
        job_(job),
        tables_(tables),
        stop_(stop),
        news_(news),
        attempt_(fmt::format("{:x}", std::chrono::system_clock::now().time_since_epoch().count())) {}

  Status write(const Batch& batch) {
    if (batch.truncate)
      return blaming(batch.truncate->first,
                     truncate(tables_[batch.truncate->first].binding, batch.truncate->second));
    for (const auto& table : batch.tables) {
      if (!table) continue;
      const auto& binding = tables_[table->table].binding;
      const auto token = fmt::format("{}/{}/{}/{}", job_.uid, binding.target, attempt_, sequence_++);
      PENSTOCK_TRY(blaming(table->table,
                           insert_until_done(client_, binding, table->block, token, stop_, news_.retrying,
                                             tables_.size() > 1 ? Others::Wait : Others::None)));
    }
    return {};
  }

 private:
  Status blaming(std::size_t table, Status done) const {
    if (!done && (done.error().kind == ErrorKind::BadData || clickhouse::holds_up_one_table(done.error())))
      news_.blame(table);
    return done;
  }

  Status truncate(const Binding& binding, Lsn at) {
    const auto request = truncate_request(binding, at);
    return try_until_done([&] { return client_.execute(request); }, stop_, news_.retrying);
  }

  clickhouse::Client& client_;
  const PipeJob& job_;
  const std::vector<BoundTable>& tables_;
  const StopFlags& stop_;
  const WriterNews& news_;
  std::string attempt_;
  std::uint64_t sequence_ = 0;
};

}  // namespace

Result<std::vector<LogPosition>> read_positions(clickhouse::Client& client,
                                                const std::vector<BoundTable>& tables) {
  std::vector<LogPosition> out(tables.size());
  for (std::size_t at = 0; at < tables.size(); ++at) {
    const auto& binding = tables[at].binding;
    if (!binding.append_only || !binding.readable) continue;
    const auto sql = fmt::format(
        "SELECT tupleElement(m, 1), tupleElement(m, 2) FROM (SELECT max(({}, {})) AS m FROM {})",
        clickhouse::kCommitLsnColumn, clickhouse::kVersionColumn, clickhouse::quote(binding.target));
    PENSTOCK_ASSIGN(const auto rows, client.select({sql, {}}));
    if (!rows.empty() && rows.front().size() == 2)
      out[at] = {{number(rows.front()[0])}, {number(rows.front()[1])}};
  }
  return out;
}

Status write_batches(BatchQueue& queue, clickhouse::Client& client, const PipeJob& job,
                     const std::vector<BoundTable>& tables, const StopFlags& stop, const WriterNews& news) {
  Writer writer(client, job, tables, stop, news);
  while (auto batch = queue.pop()) {
    PENSTOCK_TRY(writer.write(*batch));
    news.written(*batch);
    queue.done(*batch);
  }
  return {};
}

}  // namespace penstock::pipeline
