#include "dataplane/pipeline/setup.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "core/listing.hpp"
#include "dataplane/clickhouse/key_text.hpp"
#include "dataplane/columns/key_type.hpp"
#include "dataplane/pipeline/making.hpp"
#include "dataplane/pipeline/row_identity.hpp"
#include "dataplane/pipeline/source_changes.hpp"
#include "dataplane/pipeline/source_partitions.hpp"
#include "dataplane/pipeline/source_tables.hpp"
#include "dataplane/postgres/checks.hpp"

namespace penstock::pipeline {
namespace {

/// One Error that tells of all: the first one's kind and reason, everyone's text.
Error all_of(const std::vector<Error>& faults) {
  if (faults.size() == 1) return faults.front();
  Error out = faults.front();
  std::vector<std::string> texts;
  for (const auto& fault : faults)
    texts.push_back(fmt::format("({}) {}", texts.size() + 1, fault.text()));
  out.message = fmt::format("{} things are to be done: {}", faults.size(), first_few(texts, "; "));
  out.cure.clear();
  return out;
}

postgres::SourceWish wish_of(const PipeJob& job, bool slot_exists) {
  postgres::SourceWish wish;
  wish.streams = job.streams;
  wish.publication = job.owns_publication ? "" : job.publication;
  wish.replication_slot = job.owns_slot ? "" : job.slot;
  wish.failover_slot = job.failover_slot && job.owns_slot;
  wish.slot_exists_already = slot_exists || job.replaces_a_slot;
  for (const auto& table : job.tables) {
    postgres::TableWish one{table.source,           table.source_text,
                            table.excluded_columns, {},
                            table.order_by,         table.engine == clickhouse::Engine::ReplacingMergeTree};
    for (const auto& column : table.overrides) {
      one.named_columns.push_back(column.name);
      if (!column.type.empty()) one.retyped_columns.push_back(column.name);
    }
    for (const auto& column : table.order_by)
      one.named_columns.push_back(column);
    wish.tables.push_back(std::move(one));
  }
  return wish;
}

struct SourceLook {
  postgres::ServerFacts server;
  postgres::PublicationFacts publication;
  std::vector<std::optional<postgres::SourceTable>> tables;
};

Result<SourceLook> look_at_source(const PipeJob& job) {
  SourceLook out;
  PENSTOCK_ASSIGN(out.server, postgres::read_server(job.source));
  PENSTOCK_ASSIGN(auto read, read_source_tables(job));
  out.tables = std::move(read.tables);
  out.publication = std::move(read.publication);
  postgres::SlotFacts slot;
  PENSTOCK_TRY(check_slot_readers(job, out.server.system_identifier, job.source.database));
  if (job.streams) {
    PENSTOCK_ASSIGN(slot, postgres::read_slot(job.source, job.slot));
    slot.active = slot.active || job.replaces_a_slot;
  }
  const auto faults =
      postgres::check_source(wish_of(job, slot.exists), out.server, out.tables, out.publication, slot);
  if (!faults.empty()) return fail(all_of(faults));
  return out;
}

/// Of all tables at once: a statement for each would take minutes where there are a thousand.
struct DestinationLook {
  clickhouse::DestinationFacts facts;
  TargetsLook targets;
  clickhouse::TypeTexts types;
};

Result<DestinationLook> look_at_destination(const PipeJob& job, const SourceLook& source,
                                            clickhouse::Client& client) {
  DestinationLook out;
  PENSTOCK_ASSIGN(out.facts, clickhouse::read_destination(client));
  const auto faults = clickhouse::check_destination(out.facts, job.destination);
  if (!faults.empty()) return fail(all_of(faults));
  std::vector<clickhouse::TargetDefinition> definitions;
  for (std::size_t at = 0; at < job.tables.size(); ++at)
    definitions.push_back(define_target(job, job.tables[at], *source.tables[at], {out.facts.time64}));
  PENSTOCK_ASSIGN(out.types, clickhouse::ask_types(client, definitions));
  if (!out.facts.database_exists) return out;
  PENSTOCK_ASSIGN(out.targets, look_at_targets(job, client));
  return out;
}

/// Types that the manifest gives to columns by which the target tells rows apart.
void check_key_types(const TableJob& table, const postgres::SourceTable& source,
                     const clickhouse::TargetDefinition& definition, std::vector<Error>& faults) {
  if (table.engine != clickhouse::Engine::ReplacingMergeTree) return;
  for (const auto& one : table.overrides) {
    const auto column = std::find_if(source.columns.begin(), source.columns.end(),
                                     [&](const auto& known) { return known.name == one.name; });
    const auto& key = definition.order_by;
    const bool in_key = std::find(key.begin(), key.end(), one.name) != key.end();
    if (!in_key || one.type.empty() || column == source.columns.end()) continue;
    if (keeps_apart(column->type, ColumnType::parse(one.type))) continue;
    faults.push_back({ErrorKind::NeedsUser, "KeyTypeLossy",
                      fmt::format("column {} of {} is part of the key, and different values of type {} could "
                                  "become one of type {}",
                                  one.name, table.source_text, column->type.name, one.type),
                      "Give it a type that holds every value exactly, or String"});
  }
}

Result<Making> examine(const PipeJob& pipe, const TableJob& table, const postgres::SourceTable& source,
                       const DestinationLook& look, clickhouse::Client& client) {
  Making out{table, {}, {}, {}};
  const auto definition = define_target(pipe, table, source, {look.facts.time64});
  PENSTOCK_ASSIGN(out.definition, clickhouse::with_server_types(client, definition, look.types));
  out.faults = clickhouse::check_definition(out.definition);
  auto partitioned = clickhouse::with_partition_key(client, out.definition);
  if (!partitioned && partitioned.error().reason != "PartitionByInvalid") return fail(partitioned.error());
  if (!partitioned) out.faults.push_back(std::move(partitioned).error());
  check_key_types(table, source, out.definition, out.faults);
  if (auto fault = renamed_exclusion(table, source)) out.faults.push_back(*std::move(fault));
  // A resync to come is not to fail of the name; a Null table is never staged.
  const auto named =
      clickhouse::check_staging_name(pipe.destination.database, clickhouse::staging_name(table.target));
  if (!named && table.engine != clickhouse::Engine::Null) out.faults.push_back(named.error());
  if (look.facts.database_exists)
    PENSTOCK_TRY(settle_target(pipe, out, look.targets, client));
  else
    out.job.load = std::max<std::int64_t>(out.job.load, 1);
  out.definition.table = out.job.written();
  out.definition.mark.load = out.job.load;
  return out;
}

bool is_newly_published(const TableJob& table, const std::string& definition) {
  const auto before = SourceDefinition::parse(table.former_definition);
  const auto now = SourceDefinition::parse(definition);
  return !before || !now || now->publication.empty() || before->publication != now->publication;
}

TableReport report_of(const Making& making, const postgres::SourceTable& source,
                      const postgres::PublicationFacts* publication) {
  const auto definition = define(making.job, source, making.definition.order_by, publication).text();
  return {making.job.source_text,
          source.rows_estimated,
          making.job.load,
          making.job.staged,
          making.lost,
          published_part(source),
          definition,
          publication ? partitions_text(with_taken_columns(making.job, source)) : "",
          publication && is_newly_published(making.job, definition)};
}

/// Those that were made in time, and the report of these alone.
Status make_in_time(const PipeJob& job, const std::vector<Making>& makings, const DestinationLook& look,
                    std::chrono::milliseconds limit, clickhouse::Client& client, SetupReport& report) {
  if (!look.facts.database_exists) PENSTOCK_TRY(clickhouse::make_database(client, job.destination.database));
  PENSTOCK_ASSIGN(const auto made,
                  make_tables(job, makings, look.targets, std::chrono::steady_clock::now() + limit, client));
  std::vector<TableReport> tables;
  for (std::size_t at = 0; at < made.size(); ++at)
    if (made[at]) tables.push_back(std::move(report.tables[at]));
  report.complete = tables.size() == made.size();
  report.tables = std::move(tables);
  return {};
}

}  // namespace

Result<SetupReport> set_up(const PipeJob& job, bool make, std::chrono::milliseconds limit) {
  PENSTOCK_ASSIGN(const auto source, look_at_source(job));
  clickhouse::Client client(job.destination);
  PENSTOCK_ASSIGN(const auto destination, look_at_destination(job, source, client));
  std::vector<Making> makings;
  std::vector<Error> faults;
  SetupReport report;
  report.system = {source.server.system_identifier, source.server.timeline, job.source.database};
  for (std::size_t at = 0; at < job.tables.size(); ++at) {
    PENSTOCK_ASSIGN(auto making, examine(job, job.tables[at], *source.tables[at], destination, client));
    faults.insert(faults.end(), making.faults.begin(), making.faults.end());
    report.tables.push_back(
        report_of(making, *source.tables[at], job.streams ? &source.publication : nullptr));
    makings.push_back(std::move(making));
  }
  if (!faults.empty()) return fail(all_of(faults));
  if (job.streams) {
    PENSTOCK_ASSIGN(report.source_lsn, postgres::current_wal_lsn(job.source));
  }
  if (make) PENSTOCK_TRY(make_in_time(job, makings, destination, limit, client, report));
  return report;
}

std::vector<std::string> written_by(const PipeJob& job) {
  std::vector<std::string> out;
  for (const auto& table : job.tables)
    out.push_back(table.written());
  return out;
}

Error table_not_found(const TableJob& table) {
  return {ErrorKind::BadData, "TableNotFound",
          fmt::format("table {} is not in the source any more", table.source_text),
          "Create it again, or take it out of spec.tables"};
}

Error table_replaced(const TableJob& table) {
  return {
      ErrorKind::Quarantine, "TableReplaced",
      fmt::format("table {} is another table than the one that was loaded: that one was renamed or dropped",
                  table.source_text),
      "It is reloaded automatically"};
}

namespace {

/// Nothing of another pipe's life.
Status carry_over(const PipeJob& job, const TableJob& table, clickhouse::Client& client) {
  PENSTOCK_ASSIGN(const auto former, clickhouse::read_target(client, table.target));
  if (former && former->mark && former->mark->pipe_uid != job.uid) return {};
  return clickhouse::carry_tombstones(client, table.target, table.written());
}

}  // namespace

Result<std::vector<std::string>> swap_tables(const PipeJob& job) {
  clickhouse::Client client(job.destination);
  std::vector<std::string> out;
  for (const auto& table : job.tables) {
    PENSTOCK_ASSIGN(const auto staging, clickhouse::read_target(client, table.written()));
    const bool to_come =
        staging && staging->mark && staging->mark->pipe_uid == job.uid && staging->mark->load == table.load;
    if (to_come) PENSTOCK_TRY(carry_over(job, table, client));
    PENSTOCK_ASSIGN(const auto kept,
                    clickhouse::swap_target(client, {table.target, job.uid, table.load, take_over_of(job)}));
    if (kept) out.push_back(fmt::format("{} as {}", table.target, *kept));
  }
  return out;
}

std::string temporary_slot(const std::string& slot) {
  return "load_" + slot.substr(slot.find('_') + 1);
}

}  // namespace penstock::pipeline
