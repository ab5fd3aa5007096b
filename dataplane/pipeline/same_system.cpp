#include <fmt/format.h>

#include "dataplane/pipeline/setup.hpp"
#include "dataplane/postgres/catalog.hpp"

namespace penstock::pipeline {
namespace {

Error source_changed(std::string what) {
  return {ErrorKind::Terminal, "SourceChanged", std::move(what),
          "Point spec.source.postgres back at the old system, or raise spec.resyncGeneration to take the new "
          "one: everything is loaded anew then"};
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
  // A standby that was restarted may have to replay again what was taken from it.
  if (!server.in_recovery && server.wal_end < expected.confirmed)
    return fail(source_changed(
        fmt::format("the WAL of {} ends at {}; the pipe has replicated it up to {}: it was restored from a "
                    "backup, or its standby was promoted without the last changes",
                    job.source.text(), server.wal_end.text(), expected.confirmed.text())));
  return SourceSystem{server.system_identifier, server.timeline, job.source.database, expected.confirmed};
}

}  // namespace penstock::pipeline
