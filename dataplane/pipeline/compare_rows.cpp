#include "dataplane/pipeline/compare_rows.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <thread>

#include "core/row_version.hpp"
#include "dataplane/clickhouse/client.hpp"
#include "dataplane/pipeline/row.hpp"
#include "dataplane/postgres/copy_reader.hpp"
#include "dataplane/postgres/row_lookup.hpp"

namespace penstock::pipeline {
namespace {

using Clock = std::chrono::steady_clock;

/// Of a block, which travels within the statement.
constexpr std::size_t kBlockRows = 65'536;
constexpr std::size_t kBlockBytes = 4u << 20;
/// A stream that is not held up confirms several times a second.
constexpr std::chrono::seconds kStreamPatience{2};
constexpr std::chrono::seconds kStatementLimit{15};
constexpr std::size_t kPartRows = 100'000;
/// A table that had less than this of the time has not shown that it is too large.
constexpr std::chrono::seconds kFairTime{8};
/// From a commit's record in the log until its rows are visible, where no standby is waited for.
constexpr std::chrono::milliseconds kCommitTime{100};

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names)
    out += (out.empty() ? "" : ", ") + clickhouse::quote(name);
  return out;
}

class Comparison {
 public:
  Comparison(const PipeJob& job, const postgres::SourceTable& source, const Binding& target,
             const postgres::Heap* part, bool keeps_more, Clock::time_point until)
      : job_(job),
        source_(source),
        target_(target),
        part_(part),
        keeps_more_(part || keeps_more),
        client_(job.destination),
        until_(until),
        block_(target.fields),
        clamped_(target.columns.size()) {}

  Result<RowsAre> run() {
    PENSTOCK_ASSIGN(const auto session, postgres::connect(job_.source));
    PENSTOCK_TRY(take_snapshot(session.get()));
    PENSTOCK_ASSIGN(const bool there, wait_for_stream(session.get()));
    if (!there) return RowsAre::Unknown;
    for (const auto& heap : source_.heaps) {
      if (part_ && heap.oid != part_->oid) continue;
      PENSTOCK_TRY(postgres::lock_heap(session.get(), job_.source, heap.name));
      PENSTOCK_ASSIGN(const auto found, compare_heap(session.get(), heap));
      if (found != RowsAre::Equal) return found;
    }
    return keeps_more_ ? RowsAre::Equal : compare_counts();
  }

 private:
  /// The snapshot sees all that committed before `lsn_`. What came between the two is as what came later: it
  /// is in the target with a higher version, once the stream is where the log ends now.
  Status take_snapshot(pg_conn* session) {
    PENSTOCK_ASSIGN(lsn_, postgres::current_wal_lsn(session, job_.source));
    std::this_thread::sleep_for(kCommitTime);
    PENSTOCK_TRY(postgres::execute(session, job_.source, "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"));
    PENSTOCK_TRY(postgres::execute(session, job_.source, "SET LOCAL statement_timeout = '15s'"));
    return postgres::execute(session, job_.source, "SELECT 1");
  }

  /// An idle source tells its stream of no place beyond the last record: one more (PostgreSQL docs,
  /// "Replication Management Functions"). A standby writes none, and goes without.
  void push_on() const {
    const auto session = postgres::connect(job_.source);
    if (session)
      (void)postgres::execute(session->get(), job_.source,
                              "SELECT pg_logical_emit_message(true, 'penstock', '')");
  }

  [[nodiscard]] bool late() const { return Clock::now() > until_; }

  /// False: not in time. What is visible may not be in the log's files yet (synchronous_commit = off): the
  /// message's own commit sees to that.
  Result<bool> wait_for_stream(pg_conn* session) {
    push_on();
    PENSTOCK_ASSIGN(const Lsn end, postgres::current_wal_lsn(session, job_.source));
    const auto limit = std::min(until_, Clock::now() + kStreamPatience);
    while (true) {
      PENSTOCK_ASSIGN(const auto slot, postgres::read_slot(job_.source, job_.slot));
      if (slot.confirmed_lsn >= end) return true;
      if (!slot.active || Clock::now() > limit) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
    }
  }

  Result<RowsAre> compare_heap(pg_conn* session, const postgres::Heap& heap) {
    const auto columns = target_.copy_columns();
    const auto sql = postgres::copy_all_sql(heap.name, columns, heap.row_filter, part_ ? kPartRows : 0);
    PENSTOCK_ASSIGN(auto rows, postgres::CopyReader::start(session, job_.source, sql, columns.size()));
    while (true) {
      PENSTOCK_ASSIGN(const auto fields, rows.next());
      const bool full =
          block_.rows() >= kBlockRows || (block_.rows() % 64 == 0 && block_.bytes() >= kBlockBytes);
      if (block_.rows() > 0 && (fields.empty() || full)) {
        PENSTOCK_ASSIGN(const auto found, compare_block());
        if (found != RowsAre::Equal) return found;
        rows_ += block_.rows();
        block_.clear();
      }
      if (fields.empty()) return RowsAre::Equal;
      if (late()) return Clock::now() - begun_ > kFairTime ? RowsAre::TooLong : RowsAre::Unknown;
      if (!append_loaded_row(target_, block_, fields, {lsn_, {}}, clamped_)) return RowsAre::Untold;
    }
  }

  [[nodiscard]] std::string column_names() const {
    std::vector<std::string> names;
    for (const auto& column : target_.columns)
      names.push_back(column.name);
    return joined(names);
  }

  /// The block, as a table of ClickHouse.
  [[nodiscard]] std::string block_rows() const {
    std::string structure;
    for (const auto& field : target_.fields)
      structure += (structure.empty() ? "" : ", ") + clickhouse::quote(field.name) + " " + field.type.text;
    return fmt::format("format(Native, {}, {})", clickhouse::literal(structure),
                       clickhouse::literal(native()));
  }

  /// Whether the target has each row of the block as it is, or in a version of after the snapshot. It is read
  /// once, for the stream goes on; and without FINAL, which leaves tombstones out.
  Result<RowsAre> find_block() {
    const auto version = clickhouse::kVersionColumn;
    std::string newest, names;
    for (std::size_t at = 0; at < target_.columns.size(); ++at) {
      // Of a NULL by itself argMax() takes another row's value.
      newest += fmt::format(", argMax(tuple({}), {}).1 AS _penstock_{}",
                            clickhouse::quote(target_.columns[at].name), version, at);
      names += fmt::format("{}_penstock_{}", at == 0 ? "" : ", ", at);
    }
    const auto sql = fmt::format(
        "WITH _penstock_block AS (SELECT * FROM {0}) SELECT countIf(_penstock_newest >= {{before:UInt128}} "
        "OR "
        "(_penstock_gone = 0 AND ({1}) IN (SELECT {2} FROM _penstock_block))) FROM (SELECT max({3}) AS "
        "_penstock_newest, argMax({4}, {3}) AS _penstock_gone{5} FROM {6} WHERE ({7}) IN (SELECT {7} FROM "
        "_penstock_block) GROUP BY {7})",
        block_rows(), names, column_names(), version, clickhouse::kDeletedColumn, newest,
        clickhouse::quote(target_.target), joined(target_.key));
    PENSTOCK_ASSIGN(const auto found, ask(sql));
    if (found.size() != 1) return RowsAre::Unknown;
    return found[0] == std::to_string(block_.rows()) ? RowsAre::Equal : RowsAre::Different;
  }

  Result<RowsAre> compare_block() {
    if (keeps_more_) return find_block();
    const auto names = column_names();
    const auto rows = block_rows();
    PENSTOCK_ASSIGN(const auto counts,
                    count(fmt::format("count(), countIf(({0}) NOT IN (SELECT {0} FROM {1}))", names, rows),
                          fmt::format(" AND ({0}) IN (SELECT {0} FROM {1})", joined(target_.key), rows)));
    if (counts.size() != 2 || counts[1] != "0") return RowsAre::Different;
    if (counts[0] == std::to_string(block_.rows())) return RowsAre::Equal;
    PENSTOCK_ASSIGN(const auto found, find_block());
    return found == RowsAre::Different ? found : RowsAre::Unknown;
  }

  /// Of the target's rows of before the snapshot: as many as the source has. Fewer may have been changed
  /// since.
  Result<RowsAre> compare_counts() {
    PENSTOCK_ASSIGN(const auto counts, count("count()", ""));
    if (counts.size() != 1) return RowsAre::Unknown;
    std::uint64_t rows = 0;
    const auto* const end = counts[0].data() + counts[0].size();
    if (std::from_chars(counts[0].data(), end, rows).ptr != end) return RowsAre::Unknown;
    return rows == rows_ ? RowsAre::Equal : rows > rows_ ? RowsAre::Different : RowsAre::Unknown;
  }

  Result<std::vector<std::string>> count(const std::string& what, const std::string& where) {
    return ask(fmt::format("SELECT {} FROM {} FINAL WHERE {} < {{before:UInt128}} AND {} = 0{}", what,
                           clickhouse::quote(target_.target), clickhouse::kVersionColumn,
                           clickhouse::kDeletedColumn, where));
  }

  Result<std::vector<std::string>> ask(const std::string& sql) {
    clickhouse::Request request{sql};
    request.settings = {{"param_before", RowVersion{lsn_, {}}.text()},
                        {"max_query_size", std::to_string(std::uint64_t{1} << 32)},
                        {"transform_null_in", "1"}};
    request.purpose = "compare rows of " + clickhouse::quote(target_.target);
    request.limit = kStatementLimit;
    PENSTOCK_ASSIGN(auto rows, client_.select(request));
    return rows.empty() ? clickhouse::Row{} : std::move(rows.front());
  }

  [[nodiscard]] std::string native() const {
    std::vector<std::string> scratch;
    std::vector<std::string_view> pieces;
    block_.native_pieces(scratch, pieces);
    std::string out;
    for (const auto piece : pieces)
      out += piece;
    return out;
  }

  const PipeJob& job_;
  const postgres::SourceTable& source_;
  const Binding& target_;
  const postgres::Heap* part_;  ///< alone; null: all
  const bool keeps_more_;       ///< only what the source has is looked for
  clickhouse::Client client_;
  const Clock::time_point until_, begun_ = Clock::now();
  Block block_;
  ClampCounts clamped_;
  std::size_t rows_ = 0;
  Lsn lsn_;
};

}  // namespace

namespace {
Result<RowsAre> compare(const PipeJob& job, const postgres::SourceTable& source, const Binding& target,
                        const postgres::Heap* part, bool keeps_more, Clock::time_point until) {
  if (target.append_only || target.key.empty()) return RowsAre::Untold;
  if (Clock::now() > until) return RowsAre::Unknown;
  auto found = Comparison(job, source, target, part, keeps_more, until).run();
  if (!found || *found != RowsAre::Different) return found;
  // A commit may be in the log, and in the target, for a moment before it is visible: such rows look
  // different once.
  auto again = Comparison(job, source, target, part, keeps_more, until).run();
  return again && *again == RowsAre::Equal ? again : found;
}
}  // namespace

Result<RowsAre> compare_rows(const PipeJob& job, const postgres::SourceTable& source, const Binding& target,
                             bool keeps_more, Clock::time_point until) {
  PENSTOCK_ASSIGN(const auto found, compare(job, source, target, nullptr, keeps_more, until));
  if (found != RowsAre::Different) return found;
  PENSTOCK_ASSIGN(const auto session, postgres::connect(job.source));
  PENSTOCK_ASSIGN(const bool waits, postgres::waits_for_standbys(session.get(), job.source));
  return waits ? RowsAre::Unknown : found;
}

Result<RowsAre> compare_part(const PipeJob& job, const postgres::SourceTable& source,
                             const postgres::Heap& part, const Binding& target, Clock::time_point until) {
  return compare(job, source, target, &part, true, until);
}

}  // namespace penstock::pipeline
