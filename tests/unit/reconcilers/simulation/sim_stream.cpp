#include <algorithm>

#include "tests/unit/reconcilers/simulation/sim_runs.hpp"

namespace penstock::reconcile::simulation {
namespace {

Stream& stream_of(Stage& stage) {
  return *stage.world.runs.edit().stream;
}

bool end(Stage& stage, std::optional<Error> error = std::nullopt) {
  auto& stream = stream_of(stage);
  if (stream.connected)
    if (auto* slot = stage.world.source.edit().slot(stream.slot)) slot->read = false;
  stream.ended = true;
  stream.error = std::move(error);
  stage.woken = true;
  return true;
}

Error target_missing() {
  return {ErrorKind::BadData, "TargetMissing", "the target is gone", "it is loaded anew"};
}

/// Why the stream cannot begin, or go on.
std::optional<Error> fault_of(const World& world, const Stream& stream) {
  const auto& source = *world.source;
  if (!source.up || !world.destination->up)
    return Error{ErrorKind::Transient, "Unreachable", "a server is away", ""};
  if (source.system != stream.system)
    return Error{ErrorKind::Terminal, "SourceChanged", "another system", "point back"};
  const auto* slot = source.slot(stream.slot);
  if (!slot || slot->lost) return Error{ErrorKind::Terminal, "SlotLost", "the slot is gone", "resync"};
  return std::nullopt;
}

/// What a log holds already is not written to it again.
void skip_what_is_there(const World& world, StreamTable& table) {
  const auto* target = world.destination->table(table.written);
  if (table.kind != Kind::Log || !target) return;
  for (const auto& entry : target->log)
    table.loaded_up_to = std::max<Position>(table.loaded_up_to, entry.commit);
}

bool connect(Stage& stage) {
  const auto slot_name = stream_of(stage).slot;
  auto done = stage.effect("connect", [&](World& world) -> Status {
    auto* slot = world.source.edit().slot(slot_name);
    if (slot->read) return fail(ErrorKind::Transient, "SlotActive", "the slot is read by another");
    slot->read = true;
    return {};
  });
  auto& stream = stream_of(stage);
  if (!done) {
    // The answer is lost: the session ends with us.
    if (done.error().kind == ErrorKind::InDoubt) stage.world.source.edit().slot(slot_name)->read = false;
    return end(stage, done.error());
  }
  stream.connected = true;
  stream.confirmed = stream.received = stage.world.source->slot(slot_name)->confirmed;
  for (auto& table : stream.tables) {
    skip_what_is_there(stage.world, table);
    if (stage.world.destination->table(table.written)) continue;
    table.held = stream.received;
    table.held_since = stage.now;
  }
  stage.woken = true;
  return true;
}

void write_change(Table& target, const Change& change, Position lsn) {
  const auto number = static_cast<std::int16_t>(lsn);
  if (target.kind == Kind::Log)
    target.log.push_back({change.key, number, number});
  else if (target.kind == Kind::Replacing)
    target.write(change.key, {number, number, change.deleted});
}

/// False: the stream has ended over it.
bool deliver_to(Stage& stage, std::size_t at, const Change& change, Position lsn) {
  const auto table = stream_of(stage).tables[at];
  if (table.error || table.held || lsn <= table.added_at) return true;
  if (table.kind == Kind::Log && lsn <= table.loaded_up_to) return true;
  const bool there = stage.world.destination->table(table.written);
  if (!there || (stage.world.destination->broken & (1 << table.table))) {
    auto& held = stream_of(stage).tables[at];
    held.held = lsn - 1;
    held.held_since = stage.now;
    return true;
  }
  auto done = stage.effect_of("insert streamed rows", [&](World& world) {
    if (auto* target = world.destination.edit().table(table.written)) write_change(*target, change, lsn);
  });
  if (!done) {
    end(stage, done.error());
    return false;
  }
  ++stream_of(stage).tables[at].rows;
  return true;
}

/// What the source may be told is written, at most: not past what a table lacks that was set apart, before
/// that is recorded and a stream without it is started. A crash in between would take it for one that
/// streams.
Position limit(const Stream& stream) {
  auto out = stream.received;
  for (const auto& table : stream.tables)
    if (table.held) out = std::min(out, *table.held);
  return out;
}

/// Tables that are waited for are tried again once they are well, and set apart when that takes too long.
bool tend_held(Stage& stage) {
  const auto stream = *stage.world.runs->stream;
  bool moved = false;
  for (std::size_t at = 0; at < stream.tables.size(); ++at) {
    const auto& table = stream.tables[at];
    if (!table.held || table.error) continue;
    const bool there = stage.world.destination->table(table.written);
    if (there && !(stage.world.destination->broken & (1 << table.table))) {
      auto& now = stream_of(stage);
      now.tables[at].held.reset();
      now.received = now.confirmed;
      for (auto& one : now.tables)
        skip_what_is_there(stage.world, one);
      moved = true;
    } else if (stage.now - table.held_since >= kPatience) {
      stream_of(stage).tables[at].error =
          there ? Error{ErrorKind::BadData, "Refused", "it is refused", "mend"} : target_missing();
      stage.woken = moved = true;
    }
  }
  return moved;
}

}  // namespace

bool deliver_next(Stage& stage) {
  const auto& stream = *stage.world.runs->stream;
  if (stream.received >= stage.world.source->end()) return false;
  const Position lsn = stream.received + 1;
  const auto change = stage.world.source->wal[static_cast<std::size_t>(lsn - 1)];
  const auto published = stage.world.source->published_at(stream.publication, lsn);
  if (published == kNoPublication)
    return end(stage, Error{ErrorKind::Terminal, "PublicationMissing", "it was not there", "resync"});
  if (published & (1 << change.table)) {
    for (std::size_t at = 0; at < stream.tables.size(); ++at)
      if (stream.tables[at].table == change.table && !deliver_to(stage, at, change, lsn)) return true;
  }
  stream_of(stage).received = lsn;
  return true;
}

bool confirm_received(Stage& stage) {
  const auto& stream = *stage.world.runs->stream;
  const auto upto = limit(stream);
  if (upto <= stream.confirmed) return false;
  const auto slot_name = stream.slot;
  auto done = stage.effect_of("confirm", [&](World& world) {
    if (auto* slot = world.source.edit().slot(slot_name)) slot->confirmed = std::max(slot->confirmed, upto);
  });
  if (!done) return end(stage, done.error());
  stream_of(stage).confirmed = upto;
  return true;
}

bool step_stream(Stage& stage) {
  const auto& stream = stage.world.runs->stream;
  if (!stream || stream->ended) return false;
  if (auto fault = fault_of(stage.world, *stream)) return end(stage, std::move(fault));
  if (!stream->connected) return stream->stopping ? end(stage) : connect(stage);
  if (confirm_received(stage)) return true;
  if (stream->stopping) return end(stage);
  return tend_held(stage) || deliver_next(stage);
}

}  // namespace penstock::reconcile::simulation
