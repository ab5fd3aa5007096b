#include "controller/adapters/metrics/pipe_meter.hpp"

namespace penstock::adapters {

void PipeMeter::note_slot(const std::string& uid, std::optional<SlotMeasures> slot) {
  const std::lock_guard lock(mutex_);
  entries_[uid].measures.slot = slot;
}

void PipeMeter::note_slots(const std::string& uid, const std::string& server,
                           const std::vector<postgres::SlotFacts>& slots) {
  std::vector<SeenSlot> seen;
  for (const auto& slot : slots)
    seen.push_back({server, slot.database, slot.name, slot.retained_bytes});
  const std::lock_guard lock(mutex_);
  entries_[uid].measures.slots_of_pipes = std::move(seen);
}

void PipeMeter::note_run(const std::string& uid, const std::string& kind,
                         const std::vector<reconcile::TableFacts>& tables) {
  std::map<PipeMeasures::TableAndColumn, std::uint64_t> now;
  for (const auto& table : tables)
    for (const auto& [column, count] : table.clamped)
      now[{table.source, column}] = count;
  const std::lock_guard lock(mutex_);
  if (now.empty() && !entries_.contains(uid)) return;
  auto& entry = entries_[uid];
  auto& last = entry.last[kind];
  for (const auto& [where, count] : now) {
    const auto before = last.find(where);
    const bool went_on = before != last.end() && before->second <= count;
    entry.measures.clamped[where] += went_on ? count - before->second : count;
  }
  last = std::move(now);
}

void PipeMeter::note_warning(const std::string& uid, const std::string& reason) {
  const std::lock_guard lock(mutex_);
  ++entries_[uid].measures.warnings[reason];
}

void PipeMeter::forget(const std::string& uid) {
  const std::lock_guard lock(mutex_);
  entries_.erase(uid);
}

PipeMeasures PipeMeter::of(const std::string& uid) const {
  const std::lock_guard lock(mutex_);
  const auto at = entries_.find(uid);
  return at == entries_.end() ? PipeMeasures{} : at->second.measures;
}

}  // namespace penstock::adapters
