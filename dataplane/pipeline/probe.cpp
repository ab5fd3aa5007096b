#include "dataplane/pipeline/probe.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <set>

#include "core/log.hpp"
#include "dataplane/clickhouse/key_text.hpp"
#include "dataplane/columns/widening.hpp"
#include "dataplane/pipeline/compare_rows.hpp"
#include "dataplane/pipeline/row_identity.hpp"
#include "dataplane/pipeline/setup.hpp"
#include "dataplane/pipeline/source_changes.hpp"
#include "dataplane/pipeline/source_partitions.hpp"
#include "dataplane/pipeline/source_tables.hpp"
#include "dataplane/postgres/checks.hpp"

namespace penstock::pipeline {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint32_t kTimestamp = 1114, kTimestampTz = 1184;  // pg_type.oid

/// Of rows that ALTER TABLE has rewritten, of all tables in one probe. What takes longer is told of as
/// different.
constexpr std::chrono::seconds kTimeToCompare{10};

/// What was published of the table when it was loaded, and is not any more. A user may filter rows: another
/// filter than at the load's time is a difference, which a resync takes up. One of ours is always put right.
std::optional<Error> publication_fault(const PipeJob& job, const TableJob& table,
                                       const postgres::PublicationFacts& publication,
                                       const postgres::PublishedTable& published) {
  const bool all = publication.inserts && publication.updates && publication.deletes && publication.truncates;
  if (all && (published.row_filter.empty() || !job.owns_publication)) return std::nullopt;
  return Error{ErrorKind::Quarantine, "PublicationChanged",
               fmt::format("publication {} {} table {} any more", job.publication,
                           all ? "does not publish every row of" : "does not publish every operation on",
                           table.source_text),
               fmt::format("Run ALTER PUBLICATION {} {}; the table is reloaded automatically then",
                           quote_identifier(job.publication),
                           all ? "to publish it without WHERE"
                               : "SET (publish = 'insert, update, delete, truncate')")};
}

/// One table that is on both sides, and what its target was loaded from.
class TableProbe {
 public:
  TableProbe(const PipeJob& job, const TableJob& table, const postgres::SourceTable& source,
             const clickhouse::TargetTable& target, const postgres::PublicationFacts& publication,
             Clock::time_point compare_until)
      : job_(job),
        table_(table),
        source_(source),
        target_(target),
        publication_(publication),
        compare_until_(compare_until) {
    published_ = postgres::published_as(publication, source.name);
    replaces_ = table.engine == clickhouse::Engine::ReplacingMergeTree;
    key_ = bind(table, source, target).key;
  }

  /// Why its changes cannot be applied; nullopt: they can.
  [[nodiscard]] std::optional<Error> fault() const {
    const auto known = SourceDefinition::parse(table_.definition);
    if (known && known->oid != source_.oid) return table_replaced(table_);
    if (published_)
      if (auto fault = publication_fault(job_, table_, publication_, *published_)) return fault;
    return replaces_ ? identity_fault(table_.source_text, source_, key_) : std::nullopt;
  }

  /// Fails where the table cannot be looked at now, and may be later.
  [[nodiscard]] Result<ProbedTable> report() const {
    ProbedTable out;
    auto drift = drift_of(job_, table_, source_, target_);
    out.changes = std::move(drift.changes);
    auto look = this->look();
    if (!look && look.error().kind == ErrorKind::Transient) return fail(std::move(look).error());
    if (!look) look = PartitionLook{table_.partitions, not_looked_at(look.error())};
    out.partitions = std::move(look->known);
    out.partition_changes = std::move(look->drift);
    out.in_doubt = look->in_doubt;
    compare_definition(*look, std::move(drift.differences), out);
    return out;
  }

 private:
  /// Rows that were rewritten are compared, so that an ALTER that left the values (a wider type) is nobody's
  /// matter.
  [[nodiscard]] Result<PartitionLook> look() const {
    PartitionQuestion question{.known = table_.partitions,
                               .truncates = !table_.ignore_truncate && replaces_,
                               .listed = job_.owns_publication,
                               .truncated_by = table_.truncated_by,
                               .streamed_parts = table_.streamed_parts,
                               .key = replaces_ ? key_ : std::vector<std::string>{},
                               .stream_has_passed = table_.stream_has_passed,
                               .appends = !replaces_};
    const auto with_target_columns = with_taken_columns(table_, source_);
    PENSTOCK_ASSIGN(auto look, look_at_partitions(job_.source, with_target_columns, question));
    if (!look.unproven.empty()) {
      question.proven = compare_parts(look.unproven);
      PENSTOCK_ASSIGN(look, look_at_partitions(job_.source, with_target_columns, question));
    }
    question.again = true;
    if (!look.to_compare) return look;
    question.known = with_compared(look.known, compare(), question);
    return look_at_partitions(job_.source, with_target_columns, question);
  }

  [[nodiscard]] RowsAre compare() const {
    const auto rows =
        compare_rows(job_, source_, bind(table_, source_, target_), table_.ignore_truncate, compare_until_);
    if (rows) return *rows;
    log::info("stream", "{}: comparing rows of {}: {}", job_.name, table_.source_text, rows.error().text());
    return rows.error().kind == ErrorKind::Transient ? RowsAre::Unknown : RowsAre::Untold;
  }

  /// Of those that could be compared by now.
  [[nodiscard]] std::map<std::uint32_t, RowsAre> compare_parts(
      const std::vector<std::uint32_t>& parts) const {
    std::map<std::uint32_t, RowsAre> out;
    for (const auto& heap : source_.heaps) {
      if (std::find(parts.begin(), parts.end(), heap.oid) == parts.end()) continue;
      const auto rows = compare_part(job_, source_, heap, bind(table_, source_, target_), compare_until_);
      if (!rows)
        log::info("stream", "{}: comparing rows of {}: {}", job_.name, heap.name.text(), rows.error().text());
      const bool later = rows ? *rows == RowsAre::Unknown || *rows == RowsAre::TooLong
                              : rows.error().kind == ErrorKind::Transient;
      if (later) continue;
      // A row that the target cannot hold was not streamed: the table would have been set apart.
      const bool untold = !rows || *rows == RowsAre::Untold;
      out[heap.oid] = !untold ? *rows : replaces_ ? RowsAre::Unknown : RowsAre::Untold;
    }
    return out;
  }

  static std::string not_looked_at(const Error& error) {
    return fmt::format("it cannot be looked at, and what the stream does not bring would not be seen: {}",
                       error.text());
  }

  /// `drift`: in what the target's columns differ.
  void compare_definition(const PartitionLook& look, std::vector<std::string> drift, ProbedTable& out) const {
    const auto now = define(table_, source_, key_, &publication_);
    const auto known = SourceDefinition::parse(table_.definition).value_or(now);
    // What the stream has followed since the last look may have been replaced by now.
    const auto streamed = SourceDefinition::parse(table_.streamed_definition);
    const auto all = streamed && streamed->oid == known.oid ? joined(known, *streamed) : known;
    out.differences = differences(all, now);
    for (auto& one : drift)
      out.differences.push_back(std::move(one));
    for (const auto& column : now.columns)
      if (look.moved_after_change && is_new(column, known) && !column.generated && !column.excluded &&
          !has_default(column.name))
        out.differences.push_back(fmt::format(
            "column {} was added, and what earlier rows hold in it cannot be told since they were "
            "rewritten (VACUUM FULL, CLUSTER)",
            column.name));
    for (auto& one : taken_over(known, now))
      out.differences.push_back(std::move(one));
    for (auto& one : reprinted_times(all, now))
      out.differences.push_back(std::move(one));
    std::vector<std::string> names;
    for (const auto& column : target_.columns)
      names.push_back(column.name);
    auto followed = with_numbers(with_followed(all, now, names), now, table_.stream_has_passed);
    out.in_doubt = out.in_doubt || followed.last_number != now.last_number;
    const bool same_rows = out.differences.empty() && look.drift.empty() && !look.to_compare;
    out.definition = (same_rows ? with_types(std::move(followed), now) : followed).text();
  }

  /// Columns that were added under a name that was taken: in a child of the table, or in the target.
  [[nodiscard]] std::vector<std::string> taken_over(const SourceDefinition& known,
                                                    const SourceDefinition& now) const {
    std::vector<std::string> out;
    for (const auto& column : now.columns) {
      if (!is_new(column, known) || column.generated || column.excluded) continue;
      for (const auto& heap : source_.heaps)
        if (std::find(heap.own_columns.begin(), heap.own_columns.end(), column.name) !=
            heap.own_columns.end())
          out.push_back(
              fmt::format("column {0} was added, and {1} had a column {0} before: what its earlier "
                          "rows hold in it is not in the target",
                          column.name, heap.name.text()));
      if (parts_changed(column.name))
        out.push_back(fmt::format(
            "the type of column {} was altered after it was added: earlier rows may have its former values",
            column.name));
      if (is_the_users(column.name))
        out.push_back(fmt::format(
            "column {} was in the target before it was in the source: earlier rows have what it held then",
            column.name));
    }
    return out;
  }

  [[nodiscard]] bool parts_changed(const std::string& name) const {
    return std::any_of(source_.columns.begin(), source_.columns.end(),
                       [&](const auto& one) { return one.name == name && one.parts_changed; });
  }

  /// The target's column was not made by us, and earlier rows need not have the source's NULL in it.
  [[nodiscard]] bool is_the_users(const std::string& name) const {
    const auto target = std::find_if(target_.columns.begin(), target_.columns.end(),
                                     [&](const auto& one) { return one.name == name; });
    const auto source = std::find_if(source_.columns.begin(), source_.columns.end(),
                                     [&](const auto& one) { return one.name == name; });
    if (target == target_.columns.end() || source == source_.columns.end()) return false;
    const bool followed =
        target->comment == clickhouse::kFollowed || target->comment == clickhouse::kFollowedWithoutDefault;
    return !followed &&
           (source->missing_value || !target->default_kind.empty() || !clickhouse::is_nullable(target->type));
  }

  /// Where the session's time zone is UTC, the two types are altered into one another without a rewrite, but
  /// are text of another form.
  [[nodiscard]] std::vector<std::string> reprinted_times(const SourceDefinition& known,
                                                         const SourceDefinition& now) const {
    std::vector<std::string> out;
    for (const auto& column : now.columns) {
      const auto* before = by_number(known, column.number);
      const auto target = std::find_if(target_.columns.begin(), target_.columns.end(),
                                       [&](const auto& one) { return one.name == column.name; });
      if (!before || target == target_.columns.end() || before->excluded) continue;
      const auto is_one = [](std::uint32_t type) { return type == kTimestamp || type == kTimestampTz; };
      const bool altered = before->type != column.type && is_one(before->type) && is_one(column.type);
      if (altered && target->type.find("String") != std::string::npos)
        out.push_back(fmt::format("the type of column {} was altered: earlier rows have its former values",
                                  column.name));
    }
    return out;
  }

  /// The target's column was added in time, with what earlier rows hold.
  [[nodiscard]] bool has_default(const std::string& name) const {
    return std::any_of(target_.columns.begin(), target_.columns.end(),
                       [&](const auto& one) { return one.name == name && !one.default_kind.empty(); });
  }

  [[nodiscard]] static bool is_new(const DefinedColumn& column, const SourceDefinition& known) {
    return std::none_of(known.columns.begin(), known.columns.end(),
                        [&](const auto& one) { return one.number == column.number; });
  }

  const PipeJob& job_;
  const TableJob& table_;
  const postgres::SourceTable& source_;
  const clickhouse::TargetTable& target_;
  const postgres::PublicationFacts& publication_;
  const Clock::time_point compare_until_;
  const postgres::PublishedTable* published_ = nullptr;
  bool replaces_ = true;
  std::vector<std::string> key_;
};

/// Columns of the target that somebody has altered under the stream, which ClickHouse casts its rows into.
std::vector<std::string> cut_types(const TableJob& table, const clickhouse::TargetTable& target) {
  std::vector<std::string> out;
  for (const auto& column : target.columns) {
    const auto bound = table.streamed_types.find(column.name);
    if (bound == table.streamed_types.end()) continue;
    // The type that could hold both is another one: a smaller number, a Decimal of fewer digits, no NULL.
    if (widened_type(ColumnType::parse(column.type), ColumnType::parse(bound->second)))
      out.push_back(
          fmt::format("column {} was altered in the target from {} to {}, which may not hold all values",
                      column.name, bound->second, column.type));
  }
  return out;
}

/// The look at all tables, one after the other. What keeps it from one of them keeps it from no other.
class TablesProbe {
 public:
  TablesProbe(const PipeJob& job, const postgres::PublicationFacts& publication, ProbeReport& out)
      : job_(job), publication_(publication), out_(out), client_(job.destination) {}

  /// First of all.
  Status read_targets() {
    PENSTOCK_ASSIGN(targets_, clickhouse::read_targets(client_, written_by(job_)));
    return {};
  }

  Status look_at(const TableJob& table, const postgres::SourceTable& source) {
    auto known = table;
    if (!known.definition.empty()) known.definition = joined(known.definition, known.streamed_definition);
    if (auto fault = exclusion_fault(known, source)) return note(table, *std::move(fault));
    auto target = clickhouse::target_of(targets_, table.written());
    auto taken =
        target ? clickhouse::taken_from_us(job_.destination.database, table.written(), target->mark, job_.uid)
               : std::nullopt;
    if (taken) return note(table, *std::move(taken));
    const auto cut = target ? cut_types(table, *target) : std::vector<std::string>{};
    if (target && !followed_ && is_to_follow(job_, table, source, *target)) {
      PENSTOCK_ASSIGN(auto faults, follow_source(job_));
      for (auto& fault : faults)
        if (fault.error.kind != ErrorKind::Transient) out_.faults.push_back(std::move(fault));
      followed_ = true;  // and with it all that are still to come
      PENSTOCK_TRY(read_targets());
      target = clickhouse::target_of(targets_, table.written());
    }
    if (!target) return note(table, target_missing(job_, table));
    const TableProbe one(job_, table, source, *target, publication_, compare_until_);
    if (auto fault = one.fault()) out_.faults.push_back({table.source_text, *std::move(fault)});
    PENSTOCK_ASSIGN(auto report, one.report());
    report.differences.insert(report.differences.end(), cut.begin(), cut.end());
    out_.tables[table.source_text] = std::move(report);
    return {};
  }

 private:
  Status note(const TableJob& table, Error fault) {
    out_.faults.push_back({table.source_text, std::move(fault)});
    return {};
  }

  const PipeJob& job_;
  const postgres::PublicationFacts& publication_;
  ProbeReport& out_;
  clickhouse::Client client_;
  clickhouse::TargetTables targets_;
  const Clock::time_point compare_until_ = Clock::now() + kTimeToCompare;
  bool followed_ = false;
};

/// A lock that somebody holds on one table is that table's matter; it is looked at the next time.
Status probe_tables(const PipeJob& job, const std::vector<std::optional<postgres::SourceTable>>& sources,
                    const postgres::PublicationFacts& publication, ProbeReport& out) {
  TablesProbe tables(job, publication, out);
  PENSTOCK_TRY(tables.read_targets());
  for (std::size_t at = 0; at < job.tables.size(); ++at) {
    if (!sources[at]) continue;
    auto looked = tables.look_at(job.tables[at], *sources[at]);
    if (looked) continue;
    if (looked.error().reason != "LockTimeout") return looked;
    out.unseen = std::move(looked).error();
    out.unseen->message =
        fmt::format("{} cannot be looked at, and what the stream does not bring is not seen: {}",
                    job.tables[at].source_text, out.unseen->message);
    log::info("stream", "{}: {}", job.name, out.unseen->text());
  }
  return {};
}

}  // namespace

Result<ProbeReport> probe(const PipeJob& job, const SourceSystem& expected) {
  ProbeReport out;
  PENSTOCK_ASSIGN(out.system, check_same_system(job, expected));
  PENSTOCK_ASSIGN(auto slots, postgres::read_slots(job.source, job.slot, kSlotPrefix));
  out.slot = std::move(slots.slot);
  out.slots_of_pipes = std::move(slots.alike);
  if (auto fault = postgres::slot_fault(job.source, out.slot))
    return fail(unless_on_a_standby(job, *std::move(fault)));
  if (expected.told && out.slot.confirmed_lsn > *expected.told)
    return fail(slot_moved(job, out.slot.confirmed_lsn, *expected.told));
  PENSTOCK_ASSIGN(const auto read, read_source_tables(job, postgres::HeapSizes::LeftOut));
  const auto& publication = read.publication;
  if (!publication.exists)
    return fail(
        ErrorKind::Terminal, "PublicationMissing",
        fmt::format("publication {} is not there any more: what was changed since it was dropped cannot "
                    "be streamed",
                    job.publication),
        "Raise spec.resyncGeneration to load everything anew");
  out.faults = lost_tables(job, read.tables, publication);
  if (job.owns_publication) out.unlisted = unlisted_tables(job, read.tables, publication);
  PENSTOCK_TRY(probe_tables(job, read.tables, publication, out));
  if (std::any_of(out.tables.begin(), out.tables.end(),
                  [](const auto& one) { return one.second.in_doubt; })) {
    PENSTOCK_ASSIGN(out.end, postgres::current_wal_lsn(job.source));
  }
  return out;
}

}  // namespace penstock::pipeline
