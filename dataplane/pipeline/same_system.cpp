#include <fmt/format.h>

#include <algorithm>

#include "dataplane/pipeline/setup.hpp"
#include "dataplane/postgres/catalog.hpp"

namespace penstock::pipeline {

Error source_changed(std::string what) {
  return {ErrorKind::Terminal, "SourceChanged", std::move(what),
          "Point spec.source.postgres back at the old system, or raise spec.resyncGeneration to take the new "
          "one: everything is loaded anew then"};
}

Error slot_moved(const PipeJob& job, Lsn place, Lsn told) {
  return {ErrorKind::Terminal, "SlotMoved",
          fmt::format("replication slot {} is at {}, and the pipe has confirmed up to {}: somebody else has "
                      "read it, moved it, or made it anew, and what was changed between is not replicated",
                      job.slot, place.text(), told.text()),
          "Raise spec.resyncGeneration to load everything anew"};
}

namespace {

/// Every switch to a later timeline lies where nothing had been taken from the earlier one yet.
Status check_timelines(const PipeJob& job, const postgres::ServerFacts& server,
                       const SourceSystem& expected) {
  const Lsn taken = std::max(expected.confirmed, expected.last.lsn);
  PENSTOCK_ASSIGN(const auto history, postgres::read_timeline_history(job.source, server.timeline));
  for (const auto& [timeline, end] : history)
    if (timeline >= expected.timeline && end < taken)
      return fail(source_changed(fmt::format(
          "{} left timeline {} at {}; the pipe has replicated it up to {}: a standby was promoted without "
          "the last changes",
          job.source.text(), timeline, end.text(), taken.text())));
  return {};
}

}  // namespace

Result<SourceSystem> check_same_system(const PipeJob& job, const SourceSystem& expected) {
  PENSTOCK_ASSIGN(const auto server, postgres::read_server(job.source));
  if (server.system_identifier != expected.identifier || job.source.database != expected.database)
    return fail(source_changed(fmt::format(
        "{} is PostgreSQL system {}, database {}; the pipe was set up against system {}, database {}",
        job.source.text(), server.system_identifier, job.source.database, expected.identifier,
        expected.database)));
  if (server.timeline != 0 && server.timeline < expected.timeline)
    return fail(source_changed(fmt::format(
        "{} is on timeline {}; the pipe has followed it to timeline {}: it was restored from a backup, or is "
        "a server that was left behind at a failover",
        job.source.text(), server.timeline, expected.timeline)));
  if (server.timeline > expected.timeline && expected.timeline != 0)
    PENSTOCK_TRY(check_timelines(job, server, expected));
  // A standby that was restarted may have to replay again what was taken from it.
  if (!server.in_recovery && server.wal_end < expected.confirmed)
    return fail(source_changed(
        fmt::format("the WAL of {} ends at {}; the pipe has replicated it up to {}: it was restored from a "
                    "backup, or its standby was promoted without the last changes",
                    job.source.text(), server.wal_end.text(), expected.confirmed.text())));
  return SourceSystem{server.system_identifier, server.timeline, job.source.database, expected.confirmed,
                      expected.last};
}

Status check_slot_readers(const PipeJob& job, const std::string& system, const std::string& database) {
  for (const auto& reader : job.slot_readers)
    if (reader.system == system && reader.database == database)
      return fail(ErrorKind::NeedsUser, "SlotNotOurs",
                  fmt::format("replication slot {} is read by Pipe {}: two that read one slot in turn each "
                              "miss what the other has read",
                              job.slot, reader.name),
                  fmt::format("Name another slot in spec.source.postgres.replicationSlot; or delete Pipe {}: "
                              "then this one goes on from there by itself",
                              reader.name));
  return {};
}

Error unless_on_a_standby(const PipeJob& job, Error error) {
  if (!job.failover_slot || error.reason != "SlotLost") return error;
  const auto server = postgres::read_server(job.source);
  if (!server || !server->in_recovery) return error;
  return {ErrorKind::Transient, "SourceIsStandby",
          fmt::format("{} is a standby, and replication slot {} is not there, or lost, on it",
                      job.source.text(), job.slot),
          "Point spec.source.postgres.host at the primary"};
}

}  // namespace penstock::pipeline
