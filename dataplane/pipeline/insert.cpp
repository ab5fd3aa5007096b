#include "dataplane/pipeline/insert.hpp"

#include <algorithm>
#include <thread>

#include "core/backoff.hpp"

namespace penstock::pipeline {

namespace {
/// About 3 s: as long as it takes to merge a few parts.
constexpr int kTriesWhileOthersWait = 6;
}  // namespace

void wait_unless(const StopFlags& stop, std::chrono::milliseconds wait) {
  constexpr std::chrono::milliseconds kStep{50};
  for (auto left = wait; left.count() > 0 && !stop.any(); left -= kStep)
    std::this_thread::sleep_for(std::min(left, kStep));
}

Status insert_until_done(clickhouse::Client& client, const Binding& binding, const Block& block,
                         const std::string& token, const StopFlags& stop, const RetryReport& report,
                         Others others) {
  if (block.rows() == 0) return {};
  std::vector<std::string> scratch;
  std::vector<std::string_view> pieces;
  block.native_pieces(scratch, pieces);
  const clickhouse::Request request{binding.insert_sql, {{"insert_deduplication_token", token}}};
  return try_until_done([&] { return client.insert(request, pieces); }, stop, report, others);
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
