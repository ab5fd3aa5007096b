#include "dataplane/pipeline/held_tables.hpp"

#include <algorithm>

namespace penstock::pipeline {
namespace {
constexpr std::chrono::seconds kFirstTry{5};
constexpr std::chrono::seconds kLastTry{60};
}  // namespace

void HeldTables::fail(const std::string& table, Error error, const StreamPlace& at, Time now) {
  auto& held = held_[table];
  if (held.failures == 0) {
    held.since = held.patient_since = now;
    held.from = held.patient_from = at.confirmed;
  } else if (held.error.kind == ErrorKind::Transient) {
    held.patient_since += now - held.last;
    held.patient_from.value += std::max(at.received, held.last_received).value - held.last_received.value;
  }
  held.last = now;
  held.last_received = at.received;
  held.error = std::move(error);
  held.stage = held.error.kind == ErrorKind::Quarantine ? Stage::SetApart : Stage::Waiting;
  held.failed_at = std::max(held.failed_at, at.commit);
  held.next = now + std::min(kFirstTry * (1 << std::min(held.failures, 4)), kLastTry);
  ++held.failures;
}

bool HeldTables::set_apart_overdue(Lsn received, Time now) {
  bool any = false;
  for (auto& [table, held] : held_) {
    if (held.stage != Stage::Waiting || held.error.kind == ErrorKind::Transient) continue;
    const bool too_much = held.from && received.value > held.patient_from.value + patience_.wal_bytes;
    // What a person has to permit is waited for as long as the source has room.
    const bool overdue =
        now - held.patient_since >= patience_.time && held.error.kind != ErrorKind::NeedsUser;
    if (!overdue && !too_much) continue;
    held.stage = Stage::SetApart;
    any = true;
  }
  return any;
}

bool HeldTables::retry_due(Time now) const {
  return std::any_of(held_.begin(), held_.end(), [&](const auto& one) {
    return one.second.stage == Stage::Waiting && now >= one.second.next;
  });
}

void HeldTables::try_again(Time now) {
  for (auto& [table, held] : held_)
    if (held.stage == Stage::Waiting && now >= held.next) held.stage = Stage::Trying;
}

void HeldTables::note_written(Lsn written) {
  std::erase_if(held_, [&](const auto& one) {
    return one.second.stage == Stage::Trying && written > one.second.failed_at;
  });
}

bool HeldTables::skips(const std::string& table) const {
  const auto at = held_.find(table);
  return at != held_.end() && at->second.stage != Stage::Trying;
}

std::optional<Error> HeldTables::set_apart(const std::string& table) const {
  const auto at = held_.find(table);
  if (at == held_.end() || at->second.stage != Stage::SetApart) return std::nullopt;
  return at->second.error;
}

std::optional<Lsn> HeldTables::limit() const {
  std::optional<Lsn> out;
  for (const auto& [table, held] : held_)
    if (held.stage != Stage::Trying && (!out || held.from < *out)) out = held.from;
  return out;
}

std::optional<std::chrono::duration<double>> HeldTables::behind(const std::string& table, Time now) const {
  const auto at = held_.find(table);
  if (at == held_.end()) return std::nullopt;
  return now - at->second.since;
}

bool HeldTables::tries() const {
  return std::any_of(held_.begin(), held_.end(),
                     [](const auto& one) { return one.second.stage == Stage::Trying; });
}

std::optional<Error> HeldTables::waited_for() const {
  constexpr std::size_t kInFull = 8;  // of the others the names
  std::optional<Error> out;
  std::size_t count = 0;
  for (const auto& [table, held] : held_) {
    if (held.stage == Stage::SetApart) continue;
    ++count;
    if (!out)
      out = held.error;
    else if (count <= kInFull)
      out->message += "; " + held.error.message;
    else
      out->message += (count == kInFull + 1 ? "; and so do " : ", ") + table;
  }
  return out;
}

}  // namespace penstock::pipeline
