#include "dataplane/pipeline/load_snapshot.hpp"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "core/log.hpp"
#include "dataplane/pipeline/setup.hpp"
#include "dataplane/postgres/catalog.hpp"
#include "dataplane/postgres/open_transactions.hpp"
#include "dataplane/postgres/row_lookup.hpp"

namespace penstock::pipeline {
namespace {

using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

/// For the slot of tables that keep every change; the stream of all others stands still meanwhile.
constexpr std::chrono::minutes kSlotPatience{1};
/// For the lock on a table that is in the way of an invalidation. (One try waits five seconds.)
constexpr std::chrono::seconds kFirstPatience{8};
constexpr std::chrono::seconds kLockPatience{60};
constexpr std::chrono::seconds kBetweenTries{1};

void pause(const std::stop_token& stop, milliseconds time) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, stop, time, [] { return false; });
}

}  // namespace

bool is_of_logs(const Error& error) {
  return error.reason == "WaitingForTransactions" || error.reason == "NoFreeSlot" ||
         error.reason == postgres::kLockTimeout;
}

LoadSnapshot::LoadSnapshot(const PipeJob& job, std::optional<postgres::CreatedSlot> slot,
                           std::stop_token stop, Report report)
    : job_(job), slot_(std::move(slot)), stop_(std::move(stop)), report_(std::move(report)) {}

Result<std::vector<std::pair<TableName, Error>>> LoadSnapshot::never_sent(const LateComers& late) {
  std::vector<std::pair<TableName, Error>> out;
  if (slot_ || !job_.streams || late.newly_published.empty()) return out;
  PENSTOCK_ASSIGN(const auto server, postgres::read_server(job_.source));
  cache_goes_stale_ = postgres::publication_cache_fixed_in(server.version).has_value();
  if (!cache_goes_stale_) return out;
  for (const auto& table : late.newly_published) {
    auto done = invalidate_cache(table, kFirstPatience);
    if (done) continue;
    const bool of_the_table =
        done.error().kind != ErrorKind::Transient || done.error().reason == postgres::kLockTimeout;
    if (!of_the_table) return fail(std::move(done).error());
    out.emplace_back(table, std::move(done).error());
  }
  return out;
}

Status LoadSnapshot::take(bool exact, const LateComers& late, LoadContext& context) {
  if (!slot_ && exact)
    PENSTOCK_TRY(make_slot_of_logs(late));
  else if (!slot_ && late.any)
    PENSTOCK_TRY(wait_for_late_comers(late));
  report_(std::nullopt);
  if (slot_) {
    context.snapshot = slot_->snapshot;
    context.snapshot_lsn = slot_->consistent_point;
    context.log_version.commit = slot_->consistent_point;
    return {};
  }
  PENSTOCK_ASSIGN(exported_, postgres::export_snapshot(job_.source));
  context.snapshot = exported_.snapshot;
  context.snapshot_lsn = exported_.after;
  context.log_version.commit = exported_.before;
  return {};
}

Status LoadSnapshot::wait_for_older_transactions() {
  return postgres::wait_for_older_transactions(job_.source, stop_, report_);
}

/// The snapshot sees what has committed before the invalidation.
Status LoadSnapshot::wait_for_late_comers(const LateComers& late) {
  PENSTOCK_TRY(wait_for_older_transactions());
  if (!cache_goes_stale_ || late.newly_published.empty()) return {};
  PENSTOCK_TRY(invalidate_caches(late));
  return wait_for_older_transactions();
}

Status LoadSnapshot::make_slot() {
  const postgres::SlotPatience patience{.limit = kSlotPatience, .stop = stop_, .report = report_};
  const auto name = temporary_slot(job_.slot);
  // One that a killed process was waiting for, or our former one.
  PENSTOCK_TRY(postgres::drop_slot(job_.source, name));
  PENSTOCK_ASSIGN(slot_, postgres::create_slot(job_.source, name, patience, postgres::SlotKind::Temporary));
  return {};
}

/// Making a slot waits for the older transactions, too, but not for ever.
Status LoadSnapshot::make_slot_of_logs(const LateComers& late) {
  PENSTOCK_TRY(make_slot());
  if (!cache_goes_stale_ || late.newly_published.empty()) return {};
  auto done = invalidate_caches(late);
  slot_.reset();
  PENSTOCK_TRY(done);
  return make_slot();
}

Status LoadSnapshot::invalidate_caches(const LateComers& late) {
  for (const auto& table : late.newly_published)
    PENSTOCK_TRY(invalidate_cache(table, kLockPatience));
  return {};
}

Status LoadSnapshot::invalidate_cache(const TableName& table, milliseconds patience) {
  const auto begun = Steady::now();
  while (true) {
    auto done = postgres::invalidate_publication_cache(job_.source, job_.publication,
                                                       temporary_slot(job_.slot), {table});
    const bool locked = !done && done.error().reason == postgres::kLockTimeout;
    if (done || !(locked || done.error().kind == ErrorKind::InDoubt) || Steady::now() - begun > patience)
      return done;
    report_(done.error());
    pause(stop_, kBetweenTries);
    if (stop_.stop_requested()) return fail(ErrorKind::Cancelled, "Stopped", "stopped before it was done");
  }
}

}  // namespace penstock::pipeline
