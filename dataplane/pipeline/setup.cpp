#include "dataplane/pipeline/setup.hpp"

#include <fmt/format.h>

#include "dataplane/postgres/checks.hpp"

namespace penstock::pipeline {
namespace {

/// One Error that tells of all: the first one's kind and reason, everyone's text.
Error all_of(const std::vector<Error>& faults) {
  if (faults.size() == 1) return faults.front();
  Error out = faults.front();
  out.message = fmt::format("{} things are to be done:", faults.size());
  out.cure.clear();
  for (std::size_t at = 0; at < faults.size(); ++at)
    out.message += fmt::format("{} ({}) {}", at == 0 ? "" : ";", at + 1, faults[at].text());
  return out;
}

std::vector<TableName> names_of(const PipeJob& job) {
  std::vector<TableName> out;
  for (const auto& table : job.tables)
    out.push_back(table.source);
  return out;
}

postgres::SourceWish wish_of(const PipeJob& job, bool slot_exists) {
  postgres::SourceWish wish;
  wish.streams = job.streams;
  wish.publication = job.owns_publication ? "" : job.publication;
  wish.replication_slot = job.owns_slot ? "" : job.slot;
  wish.slot_exists_already = slot_exists;
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
  std::vector<std::optional<postgres::SourceTable>> tables;
};

Result<SourceLook> look_at_source(const PipeJob& job) {
  SourceLook out;
  PENSTOCK_ASSIGN(out.server, postgres::read_server(job.source));
  PENSTOCK_ASSIGN(out.tables, postgres::read_tables(job.source, names_of(job)));
  postgres::PublicationFacts publication;
  postgres::SlotFacts slot;
  if (job.streams) {
    PENSTOCK_ASSIGN(publication, postgres::read_publication(job.source, job.publication));
    PENSTOCK_ASSIGN(slot, postgres::read_slot(job.source, job.slot));
  }
  const auto faults =
      postgres::check_source(wish_of(job, slot.exists), out.server, out.tables, publication, slot);
  if (!faults.empty()) return fail(all_of(faults));
  return out;
}

Result<clickhouse::DestinationFacts> look_at_destination(const PipeJob& job, clickhouse::Client& client) {
  PENSTOCK_ASSIGN(auto facts, clickhouse::read_destination(client));
  const auto faults = clickhouse::check_destination(facts, job.destination);
  if (!faults.empty()) return fail(all_of(faults));
  return facts;
}

}  // namespace

Result<SetupReport> set_up(const PipeJob& job) {
  PENSTOCK_ASSIGN(const auto source, look_at_source(job));
  clickhouse::Client client(job.destination);
  PENSTOCK_ASSIGN(const auto destination, look_at_destination(job, client));
  std::vector<clickhouse::TargetDefinition> wanted;
  std::vector<Error> faults;
  SetupReport report;
  report.system = {source.server.system_identifier, source.server.timeline, job.source.database};
  for (std::size_t at = 0; at < job.tables.size(); ++at) {
    const auto definition = define_target(job, job.tables[at], *source.tables[at], {destination.time64});
    PENSTOCK_ASSIGN(auto exact, clickhouse::with_server_types(client, definition));
    wanted.push_back(std::move(exact));
    report.tables.push_back(
        {job.tables[at].source_text, job.tables[at].target, source.tables[at]->rows_estimated});
    if (!destination.database_exists) continue;
    PENSTOCK_ASSIGN(const auto present, clickhouse::read_target(client, job.tables[at].target));
    if (!present) continue;
    for (auto& fault : clickhouse::check_target(wanted.back(), *present))
      faults.push_back(std::move(fault));
  }
  if (!faults.empty()) return fail(all_of(faults));
  for (const auto& definition : wanted)
    PENSTOCK_TRY(clickhouse::create_target(client, definition));
  return report;
}

Result<std::vector<BoundTable>> bind_tables(const PipeJob& job, clickhouse::Client& client,
                                            const std::vector<DroppedColumn>& dropped) {
  PENSTOCK_ASSIGN(auto sources, postgres::read_tables(job.source, names_of(job)));
  std::vector<BoundTable> out;
  for (std::size_t at = 0; at < job.tables.size(); ++at) {
    const auto& table = job.tables[at];
    if (!sources[at])
      return fail(ErrorKind::NeedsUser, "TableNotFound",
                  fmt::format("table {} is not in the source any more", table.source_text),
                  "Create it again, or take it out of spec.tables");
    PENSTOCK_ASSIGN(const auto target, clickhouse::read_target(client, table.target));
    if (!target)
      return fail(
          ErrorKind::BadData, "TargetMissing",
          fmt::format("target table {}.{} is not there any more", job.destination.database, table.target),
          "Resync the table, or create the Pipe anew");
    for (const auto& column : dropped) {
      if (column.table != table.source_text) continue;
      postgres::SourceColumn former;
      former.name = column.name;
      former.declared_type = column.type;
      PENSTOCK_ASSIGN(former.type, postgres::read_type(job.source, column.type, column.typmod));
      sources[at]->columns.push_back(std::move(former));
    }
    auto binding = bind(table, *sources[at], *target);
    std::vector<std::string> target_columns;
    for (const auto& column : target->columns)
      target_columns.push_back(column.name);
    out.push_back({table, std::move(*sources[at]), std::move(binding), std::move(target_columns)});
  }
  return out;
}

Status check_same_system(const PipeJob& job, const SourceSystem& expected) {
  PENSTOCK_ASSIGN(const auto server, postgres::read_server(job.source));
  if (server.system_identifier == expected.identifier && job.source.database == expected.database) return {};
  return fail(
      ErrorKind::Terminal, "SourceChanged",
      fmt::format(
          "{} is PostgreSQL system {}, database {}; the pipe was set up against system {}, database {}",
          job.source.text(), server.system_identifier, job.source.database, expected.identifier,
          expected.database),
      "Point spec.source.postgres back at the old system, or create a new Pipe for the new one");
}

Status release(const PipeJob& job, const Release& what) {
  if (what.slot) PENSTOCK_TRY(postgres::drop_slot(job.source, job.slot));
  if (what.publication) PENSTOCK_TRY(postgres::drop_publication(job.source, job.publication));
  if (what.targets.empty()) return {};
  clickhouse::Client client(job.destination);
  for (const auto& name : what.targets) {
    PENSTOCK_ASSIGN(const auto target, clickhouse::read_target(client, name));
    if (!target || !target->mark || target->mark->pipe_uid != job.uid) continue;
    PENSTOCK_TRY(clickhouse::drop_target(client, job.destination.database, name));
  }
  return {};
}

}  // namespace penstock::pipeline
