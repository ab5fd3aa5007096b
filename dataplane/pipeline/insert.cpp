#include "dataplane/pipeline/insert.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "core/backoff.hpp"
#include "dataplane/clickhouse/look.hpp"

namespace penstock::pipeline {

namespace {
/// About 3 s: as long as it takes to merge a few parts.
constexpr int kTriesWhileOthersWait = 6;

/// Tells inserts into a table from all other statements: a stream's from a load's, which may run beside.
std::string log_comment(const clickhouse::Client& client, const std::string& table, Rows rows) {
  return fmt::format("penstock {} database={} table={}", rows == Rows::Streamed ? "stream" : "load",
                     client.endpoint().database, table);
}

/// A try that was carried out in part leaves less for the next: deduplication would only get in the way.
clickhouse::Request resume_request(const clickhouse::Client& client, const Binding& binding,
                                   const Block& block, const RowVersion& first) {
  std::vector<std::string> scratch;
  std::vector<std::string_view> pieces;
  block.native_pieces(scratch, pieces);
  std::string data;
  for (const auto piece : pieces)
    data += piece;
  clickhouse::Request out{binding.resume->head + clickhouse::literal(data) + binding.resume->tail};
  out.settings = {{"param_first", first.text()},
                  {"max_query_size", std::to_string(std::uint64_t{1} << 32)},
                  {"max_insert_threads", "1"},
                  {"insert_deduplicate", "0"},
                  {"async_insert", "0"},
                  {"input_format_null_as_default", "0"},
                  {"max_partitions_per_insert_block", "0"},
                  {"log_comment", log_comment(client, binding.target, Rows::Streamed)}};
  out.purpose = "insert into " + clickhouse::quote(binding.target);
  return out;
}

}  // namespace

void wait_unless(const StopFlags& stop, std::chrono::milliseconds wait) {
  constexpr std::chrono::milliseconds kStep{50};
  for (auto left = wait; left.count() > 0 && !stop.any(); left -= kStep)
    std::this_thread::sleep_for(std::min(left, kStep));
}

Status insert_until_done(clickhouse::Client& client, const Binding& binding, const Block& block,
                         const std::string& token, const StopFlags& stop, const RetryReport& report,
                         Others others, Rows rows) {
  if (block.rows() == 0) return {};
  std::vector<std::string> scratch;
  std::vector<std::string_view> pieces;
  block.native_pieces(scratch, pieces);
  clickhouse::Request request{binding.insert_sql, {{"insert_deduplication_token", token}}};
  request.settings.insert(told_apart(client, binding, rows));
  return try_until_done([&] { return client.insert(request, pieces); }, stop, report, others);
}

std::pair<std::string, std::string> told_apart(const clickhouse::Client& client, const Binding& binding,
                                               Rows rows) {
  return {"log_comment", log_comment(client, binding.target, rows)};
}

Status no_insert_runs(clickhouse::Client& client, const std::string& table, Rows rows) {
  return clickhouse::none_runs(client, log_comment(client, table, rows),
                               "see what is in " + clickhouse::quote(table));
}

Status insert_missing_until_done(clickhouse::Client& client, const Binding& binding, const Block& block,
                                 const RowVersion& first, const StopFlags& stop, const RetryReport& report,
                                 Others others) {
  if (block.rows() == 0) return {};
  const auto request = resume_request(client, binding, block, first);
  const auto once = [&]() -> Status {
    PENSTOCK_TRY(no_insert_runs(client, binding.target, Rows::Streamed));
    return client.execute(request);
  };
  return try_until_done(once, stop, report, others);
}

Status try_until_done(const Try& once, const StopFlags& stop, const RetryReport& report, Others others) {
  Backoff backoff(std::chrono::milliseconds(100), std::chrono::seconds(30));
  while (!stop.now.load()) {
    auto done = once();
    if (done) {
      if (backoff.failures() > 0) report(std::nullopt);
      return {};
    }
    const auto kind = done.error().kind;
    if (kind != ErrorKind::Transient && kind != ErrorKind::InDoubt) return done;
    report(done.error());
    if (others == Others::Wait && clickhouse::holds_up_one_table(done.error()) &&
        backoff.failures() >= kTriesWhileOthersWait)
      return done;
    wait_unless(stop, backoff.next());
    if (stop.soon.load()) break;
  }
  return fail(ErrorKind::Cancelled, "Stopped", "stopped before it was done");
}

}  // namespace penstock::pipeline
