#include "controller/adapters/run_facts.hpp"

namespace penstock::adapters {

reconcile::RunFacts facts_of(const pipeline::LoadFacts& facts) {
  reconcile::RunFacts out;
  out.there = true;
  out.ended = facts.run.ended;
  out.error = facts.run.error;
  out.retrying = facts.run.retrying;
  for (const auto& table : facts.tables) {
    reconcile::TableFacts one;
    one.source = table.source;
    one.load_generation = table.load;
    one.error = table.error;
    one.load_finished = table.finished;
    one.load = {table.layout, table.done, table.snapshot ? table.snapshot.text() : ""};
    one.source_partitions = table.partitions;
    one.source_definition = table.definition;
    one.rows_loaded = table.rows;
    one.rows_estimated = table.rows_estimated;
    one.partitions_loaded = table.partitions_done;
    one.partitions_total = table.partitions_total;
    one.clamped = table.clamped;
    out.tables.push_back(std::move(one));
  }
  return out;
}

reconcile::RunFacts facts_of(const pipeline::StreamFacts& facts,
                             const std::map<std::string, std::int64_t>& before) {
  reconcile::RunFacts out;
  out.there = true;
  out.ended = facts.run.ended;
  out.error = facts.run.error;
  out.retrying = facts.run.retrying;
  out.connected = facts.streaming;
  out.timeline = facts.timeline;
  out.confirmed = facts.confirmed;
  out.last_commit = facts.last.text();
  out.received = facts.received;
  out.lag_bytes = facts.lag_bytes;
  out.lag_seconds = facts.lag_seconds;
  for (const auto& table : facts.tables) {
    reconcile::TableFacts one;
    one.source = table.source;
    one.load_generation = table.load;
    one.error = table.error;
    const auto earlier = before.find(table.source);
    one.rows_streamed =
        static_cast<std::int64_t>(table.rows) + (earlier == before.end() ? 0 : earlier->second);
    one.clamped = table.clamped;
    one.differences = table.differences;
    one.written = table.written;
    one.lag_seconds = table.lag_seconds;
    out.tables.push_back(std::move(one));
  }
  return out;
}

reconcile::SetupFacts facts_of(const pipeline::SetupReport& report) {
  reconcile::SetupFacts out;
  out.source = {report.system.identifier, report.system.timeline, report.system.database};
  out.source_lsn = report.source_lsn;
  out.complete = report.complete;
  for (const auto& table : report.tables)
    out.tables.push_back({table.source, table.rows_estimated, table.load, table.staged, table.lost,
                          table.published, table.definition, table.partitions, table.newly_published});
  return out;
}

std::vector<pipeline::TableLoad> resume_of(const PipeStatus& status) {
  std::vector<pipeline::TableLoad> out;
  for (const auto& table : status.tables) {
    pipeline::TableLoad one;
    one.source = table.source;
    one.load = table.load_generation;
    one.finished = table.state == TableState::CatchingUp || table.state == TableState::Streaming ||
                   table.state == TableState::Completed;
    one.rows = table.rows_loaded;
    one.rows_estimated = table.rows_estimated;
    one.partitions_done = table.partitions_loaded;
    one.partitions_total = table.partitions_total;
    if (table.load) {
      one.layout = table.load->layout;
      one.done = table.load->done;
      if (const auto lsn = Lsn::parse(table.load->snapshot_lsn)) one.snapshot = *lsn;
    }
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace penstock::adapters
