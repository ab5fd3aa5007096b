// What runs, and what it is started with.

#include "tests/unit/reconcilers/simulation/sim_dataplane.hpp"

#include <fmt/format.h>

#include <bit>
#include <charconv>

namespace penstock::reconcile::simulation {
namespace {

Lsn lsn(Position position) {
  return Lsn{static_cast<std::uint64_t>(position)};
}

Position position_of(const std::string& text) {
  const auto parsed = Lsn::parse(text);
  return parsed ? static_cast<Position>(parsed->value) : 0;
}

RunFacts facts_of(const Load& load) {
  RunFacts out;
  out.there = true;
  out.fingerprint = load.fingerprint;
  out.stopping = load.stopping;
  out.ended = load.ended;
  out.error = load.error;
  if (!load.begun) return out;
  for (const auto& table : load.tables) {
    TableFacts one;
    one.source = table.source;
    one.load_generation = table.load;
    one.error = table.error;
    one.load_finished = table.finished();
    one.load = {"2", std::to_string(table.done), table.snapshot ? lsn(table.snapshot).text() : ""};
    one.partitions_loaded = std::popcount(table.done);
    one.partitions_total = kPartitions;
    one.rows_loaded = one.partitions_loaded;
    out.tables.push_back(std::move(one));
  }
  return out;
}

RunFacts facts_of(const Stream& stream, Position end) {
  RunFacts out;
  out.there = true;
  out.fingerprint = stream.fingerprint;
  out.stopping = stream.stopping;
  out.ended = stream.ended;
  out.error = stream.error;
  out.connected = stream.connected && !stream.ended;
  out.confirmed = lsn(stream.confirmed);
  out.received = lsn(stream.received);
  out.lag_bytes = end - stream.confirmed;
  for (const auto& table : stream.tables) {
    TableFacts one;
    one.source = table.source;
    one.load_generation = table.load;
    one.error = table.error;
    one.rows_streamed = table.rows;
    out.tables.push_back(std::move(one));
  }
  return out;
}

std::string connections(const Pipe& pipe) {
  return pipe.spec.source.host + "|" + pipe.spec.destination.url;
}

std::string load_fingerprint(const Pipe& pipe) {
  return fmt::format("{}|{}", connections(pipe), pipe.spec.snapshot.rows_per_partition);
}

bool is_streamed(const TableStatus& table) {
  return !table.making && table.state != TableState::Failed;
}

std::string stream_fingerprint(const Pipe& pipe) {
  auto out = connections(pipe) + "|" + pipe.status.replication.slot;
  for (const auto& table : pipe.status.tables)
    if (is_streamed(table))
      out += "|" + table.source + ">" + written(table) + "#" + std::to_string(table.load_generation);
  return out;
}

LoadTable load_table(const Pipe& pipe, const TableStatus& status) {
  LoadTable out;
  out.source = status.source;
  out.written = written(status);
  out.table = table_index(status.source);
  out.load = status.load_generation;
  out.kind = kind_of(status);
  const bool one_snapshot = out.kind != Kind::Replacing || pipe.spec.mode == Mode::SnapshotOnly;
  if (!status.load || one_snapshot) return out;
  int done = 0;
  std::from_chars(status.load->done.data(), status.load->done.data() + status.load->done.size(), done);
  out.done = static_cast<std::uint8_t>(done);
  out.snapshot = position_of(status.load->snapshot_lsn);
  return out;
}

}  // namespace

Kind kind_of(const TableStatus& table) {
  const auto engine = table.settings ? table.settings->engine : TableEngine::ReplacingMergeTree;
  if (engine == TableEngine::Null) return Kind::Null;
  return engine == TableEngine::MergeTree ? Kind::Log : Kind::Replacing;
}

std::int8_t shape_of(const TableStatus& table) {
  return table.settings ? static_cast<std::int8_t>(table.settings->order_by.size()) : std::int8_t{0};
}

std::string written(const TableStatus& table) {
  return table.staged ? staging_name(table.target) : table.target;
}

Runs SimDataplane::observe(const Pipe&) {
  const auto& world = stage_.world;
  Runs out;
  if (world.runs->load) out.load = facts_of(*world.runs->load);
  if (world.runs->stream) out.stream = facts_of(*world.runs->stream, world.source->end());
  return out;
}

Fingerprints SimDataplane::fingerprint(const Pipe& pipe, const Credentials&) {
  return {load_fingerprint(pipe), stream_fingerprint(pipe)};
}

Status SimDataplane::start_load(const Pipe& pipe, const Credentials&) {
  auto& runs = stage_.world.runs.edit();
  if (runs.load && !runs.load->ended) stage_.violated("a load is started beside one that runs");
  Load load;
  load.fingerprint = load_fingerprint(pipe);
  load.uid = pipe.uid;
  load.streams = pipe.spec.mode != Mode::SnapshotOnly;
  load.version = position_of(pipe.status.replication.start_lsn);
  bool late = false;
  for (const auto& table : pipe.status.tables) {
    if (table.making || (table.state != TableState::Pending && table.state != TableState::Loading)) continue;
    load.tables.push_back(load_table(pipe, table));
    late = late || table.added_later;
  }
  if (!late && runs.slot_snapshot == load.version) load.snapshot = runs.slot_snapshot;
  runs.slot_snapshot.reset();
  runs.load = std::move(load);
  return {};
}

Status SimDataplane::start_stream(const Pipe& pipe, const Credentials&) {
  auto& runs = stage_.world.runs.edit();
  if (runs.stream && !runs.stream->ended) stage_.violated("a stream is started beside one that runs");
  Stream stream;
  stream.fingerprint = stream_fingerprint(pipe);
  stream.slot = pipe.status.replication.slot;
  stream.publication = pipe.status.replication.publication;
  stream.system = pipe.status.source ? pipe.status.source->system_identifier : "";
  for (const auto& status : pipe.status.tables) {
    if (!is_streamed(status)) continue;
    StreamTable table;
    table.source = status.source;
    table.written = written(status);
    table.table = table_index(status.source);
    table.load = status.load_generation;
    table.kind = kind_of(status);
    table.rows = static_cast<int>(status.rows_streamed);
    table.added_at = position_of(status.added_lsn);
    if (status.load) table.loaded_up_to = position_of(status.load->snapshot_lsn);
    stream.tables.push_back(std::move(table));
  }
  runs.stream = std::move(stream);
  return {};
}

void SimDataplane::stop_load(const Pipe&) {
  auto& load = stage_.world.runs.edit().load;
  if (!load) return;
  if (load->ended)
    load.reset();
  else
    load->stopping = true;
}

void SimDataplane::stop_stream(const Pipe&) {
  auto& stream = stage_.world.runs.edit().stream;
  if (!stream) return;
  if (stream->ended)
    stream.reset();
  else
    stream->stopping = true;
}

void SimDataplane::stop_reading(const std::optional<Stream>& stream) {
  if (!stream || !stream->connected || stream->ended) return;
  if (auto* slot = stage_.world.source.edit().slot(stream->slot)) slot->read = false;
}

void SimDataplane::forget(const std::string&) {
  stop_reading(stage_.world.runs->stream);
  stage_.world.runs.edit() = {};
}

}  // namespace penstock::reconcile::simulation
