#pragma once

// Every field of a Pipe's spec and status, with its name in the API. A field is added here, in crds/pipe.hpp
// and in the schema; the drift test fails where one of the three was forgotten.

#include "crds/json_fields.hpp"
#include "crds/pipe.hpp"

namespace penstock {

template <typename Fields, like<SecretKeyRef> T>
void describe(Fields& fields, T& ref) {
  fields.required("name", ref.name);
  fields.field("key", ref.key);
}

template <typename Fields, like<TlsSpec> T>
void describe(Fields& fields, T& tls) {
  fields.field("mode", tls.mode);
  fields.secret("caSecretRef", tls.ca, "ca.crt");
  fields.secret("clientCertificateSecretRef", tls.client_certificate, "tls.crt");
  fields.secret("clientKeySecretRef", tls.client_key, "tls.key");
}

template <typename Fields, like<PostgresSpec> T>
void describe(Fields& fields, T& postgres) {
  fields.required("host", postgres.host);
  fields.field("port", postgres.port);
  fields.required("database", postgres.database);
  fields.field("user", postgres.user);
  fields.secret("passwordSecretRef", postgres.password, "password");
  fields.field("tls", postgres.tls);
  fields.unless_empty("publication", postgres.publication);
  fields.unless_empty("replicationSlot", postgres.replication_slot);
  fields.field("failoverSlot", postgres.failover_slot);
}

template <typename Fields, like<ClickHouseSpec> T>
void describe(Fields& fields, T& clickhouse) {
  fields.required("url", clickhouse.url);
  fields.field("database", clickhouse.database);
  fields.field("user", clickhouse.user);
  fields.secret("passwordSecretRef", clickhouse.password, "password");
  fields.secret("caSecretRef", clickhouse.ca, "ca.crt");
}

template <typename Fields, like<ColumnSpec> T>
void describe(Fields& fields, T& column) {
  fields.required("name", column.name);
  fields.unless_empty("type", column.type);
  fields.field("unrepresentable", column.unrepresentable);
}

template <typename Fields, like<TableSpec> T>
void describe(Fields& fields, T& table) {
  fields.required("source", table.source);
  fields.unless_empty("target", table.target);
  fields.unless_empty("excludedColumns", table.excluded_columns);
  fields.unless_empty("orderBy", table.order_by);
  fields.unless_empty("partitionBy", table.partition_by);
  fields.field("engine", table.engine);
  fields.unless_empty("columns", table.columns);
  fields.field("onTruncate", table.on_truncate);
  fields.field("onDifference", table.on_difference);
  fields.field("resyncGeneration", table.resync_generation);
}

template <typename Fields, like<SyncSpec> T>
void describe(Fields& fields, T& sync) {
  fields.field("interval", sync.interval);
  fields.field("maxInsertsPerSecond", sync.max_inserts_per_second);
  fields.field("batchRows", sync.batch_rows);
}

template <typename Fields, like<SnapshotSpec> T>
void describe(Fields& fields, T& snapshot) {
  fields.field("rowsPerPartition", snapshot.rows_per_partition);
  fields.field("workersPerTable", snapshot.workers_per_table);
  fields.field("parallelTables", snapshot.parallel_tables);
}

template <typename Fields, like<PipeSpec> T>
void describe(Fields& fields, T& spec) {
  fields.field("mode", spec.mode);
  fields.group("source", [&](auto& source) { source.required("postgres", spec.source); });
  fields.group("destination",
               [&](auto& destination) { destination.required("clickhouse", spec.destination); });
  fields.required("tables", spec.tables);
  fields.field("paused", spec.paused);
  fields.field("resyncGeneration", spec.resync_generation);
  fields.field("sync", spec.sync);
  fields.field("snapshot", spec.snapshot);
  fields.field("deletionPolicy", spec.deletion_policy);
  fields.field("takeOver", spec.take_over);
}

template <typename Fields, like<Condition> T>
void describe(Fields& fields, T& condition) {
  fields.required("type", condition.type);
  fields.truth("status", condition.status);
  fields.required("reason", condition.reason);
  fields.required("message", condition.message);
  fields.field("observedGeneration", condition.observed_generation);
  fields.required("lastTransitionTime", condition.last_transition_time);
}

template <typename Fields, like<LoadProgress> T>
void describe(Fields& fields, T& load) {
  fields.field("layout", load.layout);
  fields.field("done", load.done);
  fields.field("snapshotLSN", load.snapshot_lsn);
}

template <typename Fields, like<TargetSettings> T>
void describe(Fields& fields, T& settings) {
  fields.field("excludedColumns", settings.excluded_columns);
  fields.field("orderBy", settings.order_by);
  fields.field("partitionBy", settings.partition_by);
  fields.field("engine", settings.engine);
  fields.field("columns", settings.columns);
}

template <typename Fields, like<ResyncStatus> T>
void describe(Fields& fields, T& resync) {
  fields.field("targetGeneration", resync.target_generation);
  fields.field("step", resync.step);
  fields.field("startTime", resync.start_time);
}

template <typename Fields, like<TableStatus> T>
void describe(Fields& fields, T& table) {
  fields.required("source", table.source);
  fields.field("target", table.target);
  fields.field("state", table.state);
  fields.field("message", table.message);
  fields.field("rowsLoaded", table.rows_loaded);
  fields.field("rowsEstimated", table.rows_estimated);
  fields.field("partitionsLoaded", table.partitions_loaded);
  fields.field("partitionsTotal", table.partitions_total);
  fields.field("rowsStreamed", table.rows_streamed);
  fields.unless_empty("lagSeconds", table.lag_seconds);
  fields.field("loadGeneration", table.load_generation);
  fields.field("staged", table.staged);
  fields.field("addedLater", table.added_later);
  fields.field("newlyPublished", table.newly_published);
  fields.field("making", table.making);
  fields.field("leaving", table.leaving);
  fields.field("addedLSN", table.added_lsn);
  fields.field("observedResyncGeneration", table.observed_resync_generation);
  fields.unless_empty("settings", table.settings);
  fields.unless_empty("published", table.published);
  fields.field("sourceChanges", table.source_changes);
  fields.field("differences", table.differences);
  fields.field("partitionChanges", table.partition_changes);
  fields.field("sourceDefinition", table.source_definition);
  fields.field("formerDefinition", table.former_definition);
  fields.field("sourcePartitions", table.source_partitions);
  fields.unless_empty("load", table.load);
}

template <typename Fields, like<ReplicationStatus> T>
void describe(Fields& fields, T& replication) {
  fields.field("slot", replication.slot);
  fields.field("publication", replication.publication);
  fields.field("ownsSlot", replication.owns_slot);
  fields.field("ownsPublication", replication.owns_publication);
  fields.field("startLSN", replication.start_lsn);
  fields.field("confirmedLSN", replication.confirmed_lsn);
  fields.field("endedLSN", replication.ended_lsn);
  fields.field("lastCommit", replication.last_commit);
  fields.field("receivedLSN", replication.received_lsn);
  fields.field("lagBytes", replication.lag_bytes);
  fields.field("lagSeconds", replication.lag_seconds);
  fields.field("lag", replication.lag);
}

template <typename Fields, like<SourceIdentity> T>
void describe(Fields& fields, T& source) {
  fields.field("systemIdentifier", source.system_identifier);
  fields.field("timeline", source.timeline);
  fields.field("database", source.database);
}

// What is empty is written all the same (but for what may be absent), so that a merge patch of a status
// clears what an earlier one had set.
template <typename Fields, like<PipeStatus> T>
void describe(Fields& fields, T& status) {
  fields.unless_empty("state", status.state);
  fields.unless_empty("stateSince", status.state_since);
  fields.field("message", status.message);
  fields.field("observedGeneration", status.observed_generation);
  fields.field("observedResyncGeneration", status.observed_resync_generation);
  fields.field("conditions", status.conditions);
  fields.field("worker", status.worker);
  fields.field("tablesReady", status.tables_ready);
  fields.field("rows", status.rows);
  fields.field("tables", status.tables);
  fields.unless_empty("replication", status.replication);
  fields.unless_empty("source", status.source);
  fields.unless_empty("resync", status.resync);
  fields.field("revision", status.revision);
}

}  // namespace penstock
