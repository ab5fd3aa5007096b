#include "tests/unit/reconcilers/simulation/destination.hpp"

#include <algorithm>
#include <utility>

namespace penstock::reconcile::simulation {

bool Table::holds_rows() const {
  return !log.empty() ||
         std::any_of(rows.begin(), rows.end(), [](const Row& row) { return row.version >= 0; });
}

Rows Table::visible() const {
  Rows out{};
  for (std::size_t key = 0; key < rows.size(); ++key)
    if (rows[key].version >= 0 && !rows[key].deleted) out[key] = rows[key].content;
  return out;
}

void Table::write(int key, const Row& row) {
  auto& present = rows[static_cast<std::size_t>(key)];
  if (row.version >= present.version) present = row;
}

const Table* Destination::table(const std::string& name) const {
  const auto at = std::find_if(tables.begin(), tables.end(), [&](const Table& t) { return t.name == name; });
  return at == tables.end() ? nullptr : &*at;
}

Table* Destination::table(const std::string& name) {
  return const_cast<Table*>(std::as_const(*this).table(name));
}

void Destination::drop(const std::string& name) {
  std::erase_if(tables, [&](const Table& t) { return t.name == name; });
}

void Destination::add(Table table) {
  tables.push_back(std::move(table));
  sort();
}

void Destination::rename(const std::string& from, const std::string& to) {
  if (auto* one = table(from)) one->name = to;
  sort();
}

void Destination::exchange(const std::string& one, const std::string& other) {
  auto* first = table(one);
  auto* second = table(other);
  std::swap(first->name, second->name);
  sort();
}

void Destination::sort() {
  std::sort(tables.begin(), tables.end(), [](const Table& a, const Table& b) { return a.name < b.name; });
}

std::string staging_name(const std::string& target) {
  return target + "_resync";
}

bool is_staging(const std::string& name) {
  return name.ends_with("_resync");
}

}  // namespace penstock::reconcile::simulation
