#include "tests/unit/reconcilers/simulation/source.hpp"

#include <algorithm>

namespace penstock::reconcile::simulation {
namespace {

template <typename List>
auto* named(List& list, const std::string& name) {
  const auto at = std::find_if(list.begin(), list.end(), [&](const auto& one) { return one.name == name; });
  return at == list.end() ? nullptr : &*at;
}

}  // namespace

std::int8_t Publication::tables_at(Position lsn) const {
  std::int8_t out = kNoPublication;
  for (const auto& one : history)
    if (one.from < lsn) out = one.tables;
  return out;
}

void Publication::become(Position from, std::int8_t tables) {
  if (!history.empty() && history.back().from == from) history.pop_back();
  if (history.empty() || history.back().tables != tables) history.push_back({from, tables});
}

Rows Source::rows(int table, Position at) const {
  Rows out{};
  for (Position lsn = 1; lsn <= at; ++lsn) {
    const auto& change = wal[static_cast<std::size_t>(lsn - 1)];
    if (change.table == table) out[static_cast<std::size_t>(change.key)] = change.deleted ? 0 : lsn;
  }
  return out;
}

const Slot* Source::slot(const std::string& name) const {
  return named(slots, name);
}
Slot* Source::slot(const std::string& name) {
  return named(slots, name);
}
const Publication* Source::publication(const std::string& name) const {
  const auto* out = named(publications, name);
  return out && out->exists() ? out : nullptr;
}
std::int8_t Source::published_at(const std::string& publication, Position lsn) const {
  const auto* out = named(publications, publication);
  return out ? out->tables_at(lsn) : kNoPublication;
}
Publication* Source::publication(const std::string& name) {
  return named(publications, name);
}

int table_index(const std::string& source) {
  const auto at = std::find(kTableNames.begin(), kTableNames.end(), source);
  return at == kTableNames.end() ? -1 : static_cast<int>(at - kTableNames.begin());
}

}  // namespace penstock::reconcile::simulation
