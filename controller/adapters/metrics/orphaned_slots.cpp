#include "controller/adapters/metrics/orphaned_slots.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "reconcilers/pipe/tables.hpp"

namespace penstock::adapters {
namespace {

/// "penstock_<uid>" of "penstock_<uid>_<generation>"; empty: it is not called as a pipe's is.
std::string prefix_of(const std::string& slot) {
  static const auto kLength = reconcile::own_prefix("00000000-0000-0000-0000-000000000000").size();
  if (slot.size() < kLength + 2 || slot[kLength] != '_') return "";
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const bool numbered =
      std::all_of(slot.begin() + static_cast<std::ptrdiff_t>(kLength) + 1, slot.end(), is_digit);
  return numbered ? slot.substr(0, kLength) : "";
}

}  // namespace

std::vector<SeenSlot> orphaned(const std::vector<SeenSlot>& seen, const std::vector<Pipe>& pipes) {
  std::set<std::string> prefixes, names;
  for (const auto& pipe : pipes) {
    prefixes.insert(reconcile::own_prefix(pipe.uid));
    names.insert(pipe.spec.source.replication_slot);
    names.insert(pipe.status.replication.slot);
  }
  std::map<std::string, SeenSlot> out;  // a server may go by more than one name
  for (const auto& slot : seen) {
    const auto prefix = prefix_of(slot.name);
    if (prefix.empty() || prefixes.contains(prefix) || names.contains(slot.name)) continue;
    auto& known = out.try_emplace(slot.name, slot).first->second;
    if (slot.server < known.server) known = slot;
  }
  std::vector<SeenSlot> all;
  for (auto& [name, slot] : out)
    all.push_back(std::move(slot));
  return all;
}

}  // namespace penstock::adapters
