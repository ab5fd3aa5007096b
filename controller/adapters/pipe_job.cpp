#include "controller/adapters/pipe_job.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>

namespace penstock::adapters {
namespace {

Secret secret_of(const std::optional<SecretKeyRef>& ref, const reconcile::Credentials& credentials) {
  if (!ref) return {};
  const auto at = credentials.find(ref->name + "/" + ref->key);
  return at == credentials.end() ? Secret{} : at->second;
}

postgres::Tls tls_of(TlsMode mode) {
  switch (mode) {
    case TlsMode::VerifyFull:
      return postgres::Tls::VerifyFull;
    case TlsMode::Require:
      return postgres::Tls::Require;
    case TlsMode::Disable:
      return postgres::Tls::Disable;
  }
  return postgres::Tls::VerifyFull;
}

clickhouse::Engine engine_of(TableEngine engine) {
  switch (engine) {
    case TableEngine::ReplacingMergeTree:
      return clickhouse::Engine::ReplacingMergeTree;
    case TableEngine::MergeTree:
      return clickhouse::Engine::MergeTree;
    case TableEngine::Null:
      return clickhouse::Engine::Null;
  }
  return clickhouse::Engine::ReplacingMergeTree;
}

postgres::Endpoint source_of(const PostgresSpec& spec, const reconcile::Credentials& credentials) {
  postgres::Endpoint out;
  out.host = spec.host;
  out.port = spec.port;
  out.database = spec.database;
  out.user = spec.user;
  out.password = secret_of(spec.password, credentials);
  out.tls = tls_of(spec.tls.mode);
  out.ca_pem = secret_of(spec.tls.ca, credentials).reveal();
  out.client_certificate_pem = secret_of(spec.tls.client_certificate, credentials).reveal();
  out.client_key_pem = secret_of(spec.tls.client_key, credentials);
  return out;
}

clickhouse::Endpoint destination_of(const ClickHouseSpec& spec, const reconcile::Credentials& credentials) {
  clickhouse::Endpoint out;
  out.url = spec.url;
  out.database = spec.database;
  out.user = spec.user;
  out.password = secret_of(spec.password, credentials);
  out.ca_pem = secret_of(spec.ca, credentials).reveal();
  return out;
}

/// What a table of the status is now; what may change live comes from the spec.
pipeline::TableJob table_of(const Pipe& pipe, const TableStatus& status) {
  pipeline::TableJob out;
  out.source = TableName::parse(status.source).value_or(TableName{"", status.source});
  out.source_text = status.source;
  out.target = status.target;
  out.staged = status.staged;
  out.load = status.load_generation;
  out.added_later = status.added_later;
  out.newly_published = status.newly_published;
  out.partitions = status.source_partitions;
  out.definition = status.source_definition;
  out.former_definition = status.former_definition;
  for (const auto& spec : pipe.spec.tables)
    if (spec.source == status.source) out.ignore_truncate = spec.on_truncate == OnTruncate::Ignore;
  const auto settings = status.settings.value_or(TargetSettings{});
  out.excluded_columns = settings.excluded_columns;
  out.order_by = settings.order_by;
  out.partition_by = settings.partition_by;
  out.engine = engine_of(settings.engine);
  for (const auto& column : settings.columns)
    out.overrides.push_back({column.name, column.type, column.unrepresentable == Unrepresentable::Null});
  return out;
}

bool takes(JobTables wanted, const TableStatus& table) {
  switch (wanted) {
    case JobTables::All:
      return true;
    case JobTables::ToLoad:
      return !table.making && (table.state == TableState::Pending || table.state == TableState::Loading);
    case JobTables::Streamed:
      return !table.making && table.state != TableState::Failed;
  }
  return true;
}

pipeline::PipeJob job_without_tables(const Pipe& pipe, const reconcile::Credentials& credentials) {
  const auto& status = pipe.status;
  pipeline::PipeJob out;
  out.name = pipe.ns + "/" + pipe.name;
  out.uid = pipe.uid;
  out.source = source_of(pipe.spec.source, credentials);
  out.destination = destination_of(pipe.spec.destination, credentials);
  out.loads = pipe.spec.mode != Mode::CdcOnly;
  out.streams = pipe.spec.mode != Mode::SnapshotOnly;
  out.slot = status.replication.slot;
  out.publication = status.replication.publication;
  out.owns_slot = status.replication.owns_slot;
  out.owns_publication = status.replication.owns_publication;
  out.failover_slot = pipe.spec.source.failover_slot;
  out.replaces_a_slot = status.resync && status.resync->step == ResyncStep::TakeDown;
  out.take_over = pipe.spec.take_over;
  out.generation = status.resync ? status.resync->target_generation : status.observed_resync_generation;
  out.flush_interval = pipe.spec.sync.interval;
  out.max_inserts_per_second = pipe.spec.sync.max_inserts_per_second;
  out.batch_rows = static_cast<std::size_t>(pipe.spec.sync.batch_rows);
  out.rows_per_partition = pipe.spec.snapshot.rows_per_partition;
  out.workers_per_table = pipe.spec.snapshot.workers_per_table;
  out.parallel_tables = pipe.spec.snapshot.parallel_tables;
  return out;
}

nlohmann::json connections_of(const pipeline::PipeJob& job) {
  return {job.source.host,
          job.source.port,
          job.source.database,
          job.source.user,
          job.source.password.reveal(),
          static_cast<int>(job.source.tls),
          job.source.ca_pem,
          job.source.client_certificate_pem,
          job.source.client_key_pem.reveal(),
          job.destination.url,
          job.destination.database,
          job.destination.user,
          job.destination.password.reveal(),
          job.destination.ca_pem};
}

std::string hash_of(const nlohmann::json& seen) {
  return fmt::format("{:016x}", std::hash<std::string>{}(
                                    seen.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)));
}

}  // namespace

pipeline::PipeJob job_of(const Pipe& pipe, const reconcile::Credentials& credentials, JobTables tables) {
  auto out = job_without_tables(pipe, credentials);
  for (const auto& table : pipe.status.tables)
    if (takes(tables, table)) out.tables.push_back(table_of(pipe, table));
  return out;
}

pipeline::PipeJob job_of(const Pipe& pipe, const reconcile::Credentials& credentials,
                         const std::vector<std::string>& sources) {
  auto out = job_without_tables(pipe, credentials);
  for (const auto& table : pipe.status.tables)
    if (std::find(sources.begin(), sources.end(), table.source) != sources.end())
      out.tables.push_back(table_of(pipe, table));
  return out;
}

std::string load_fingerprint(const pipeline::PipeJob& job) {
  return hash_of(connections_of(job));
}

std::string stream_fingerprint(const pipeline::PipeJob& job) {
  nlohmann::json tables = nlohmann::json::array();
  for (const auto& table : job.tables)
    tables.push_back({table.source_text, table.written(), table.load, table.ignore_truncate});
  return hash_of({connections_of(job), job.slot, tables});
}

pipeline::SourceSystem system_of(const Pipe& pipe) {
  if (!pipe.status.source) return {};
  const auto& source = *pipe.status.source;
  const auto confirmed = Lsn::parse(pipe.status.replication.confirmed_lsn);
  return {source.system_identifier, source.timeline, source.database, confirmed ? *confirmed : Lsn{},
          pipeline::LastCommit::parse(pipe.status.replication.last_commit).value_or(pipeline::LastCommit{})};
}

}  // namespace penstock::adapters
