#include "dataplane/pipeline/partitions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace penstock::pipeline {
namespace {

/// Takes a number that ends at `stop` or at the end of `rest`; both are consumed.
bool take_number(std::string_view& rest, char stop, std::int64_t& out) {
  const auto [end, ec] = std::from_chars(rest.data(), rest.data() + rest.size(), out);
  if (ec != std::errc{} || out < 0) return false;
  rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
  if (rest.empty()) return true;
  if (rest.front() != stop) return false;
  rest.remove_prefix(1);
  return true;
}

std::string_view take_item(std::string_view& rest) {
  const auto comma = rest.find(',');
  const auto item = rest.substr(0, comma);
  rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
  return item;
}

/// Of the first columns, in the order of their numbers: one that is added is none of them.
std::string digest_of(const postgres::SourceTable& table, std::size_t count) {
  constexpr std::uint32_t kVarchar = 1043;       // whose length changes nothing of a value
  std::uint64_t digest = 14695981039346656037u;  // FNV-1a: the same in every build
  const auto take = [&](std::string_view text) {
    for (const char c : text)
      digest = (digest ^ static_cast<unsigned char>(c)) * 1099511628211u;
  };
  for (std::size_t at = 0; at < count; ++at) {
    const auto& column = table.columns[at];
    const auto typmod = column.type.oid == kVarchar ? -1 : column.type.typmod;
    take(fmt::format("{}:{}:{}:{}:{};", column.attribute_number, column.name, column.declared_type, typmod,
                     column.generated));
  }
  return fmt::format("{}-{:016x}", count, digest);
}

bool columns_fit(const std::string& columns, const postgres::SourceTable& table) {
  if (columns.empty()) return true;
  std::string_view rest = columns;
  std::int64_t count = 0;
  return take_number(rest, '-', count) && static_cast<std::size_t>(count) <= table.columns.size() &&
         digest_of(table, static_cast<std::size_t>(count)) == columns;
}

}  // namespace

Result<IndexSet> IndexSet::parse(std::string_view text) {
  IndexSet out;
  for (auto rest = text; !rest.empty();) {
    auto item = take_item(rest);
    const bool range = item.find('-') != std::string_view::npos;
    std::int64_t first = 0;
    if (!take_number(item, '-', first))
      return fail(ErrorKind::Internal, "InvalidStatus", fmt::format("\"{}\" is not a list of ranges", text));
    std::int64_t last = first;
    if ((range && !take_number(item, ',', last)) || last < first || !item.empty())
      return fail(ErrorKind::Internal, "InvalidStatus", fmt::format("\"{}\" is not a list of ranges", text));
    out.ranges_[first] = last;
  }
  return out;
}

std::string IndexSet::text() const {
  std::string out;
  for (const auto& [first, last] : ranges_) {
    if (!out.empty()) out += ',';
    out += first == last ? fmt::format("{}", first) : fmt::format("{}-{}", first, last);
  }
  return out;
}

void IndexSet::insert(std::int64_t index) {
  if (contains(index)) return;
  auto next = ranges_.upper_bound(index);
  std::int64_t last = index;
  if (next != ranges_.end() && next->first == index + 1) {
    last = next->second;
    next = ranges_.erase(next);
  }
  if (next != ranges_.begin() && std::prev(next)->second == index - 1)
    std::prev(next)->second = last;
  else
    ranges_[index] = last;
}

bool IndexSet::contains(std::int64_t index) const {
  const auto after = ranges_.upper_bound(index);
  return after != ranges_.begin() && std::prev(after)->second >= index;
}

std::int64_t IndexSet::size() const {
  std::int64_t out = 0;
  for (const auto& [first, last] : ranges_)
    out += last - first + 1;
  return out;
}

LoadLayout LoadLayout::of(const postgres::SourceTable& table, const PartitionSize& most) {
  constexpr std::int64_t kPage = 8192;  // nearly every server's (block_size); a bound need not be exact
  constexpr std::int64_t kWorthAWorker = (8 << 20) / kPage;
  std::int64_t pages = 0;
  for (const auto& heap : table.heaps)
    pages += heap.pages;
  const auto all_rows = static_cast<double>(std::max<std::int64_t>(table.rows_estimated, 1));
  const auto by_rows =
      static_cast<std::int64_t>(static_cast<double>(most.rows) * static_cast<double>(pages) / all_rows);
  const auto by_bytes = static_cast<std::int64_t>(most.bytes) / kPage;
  const auto by_workers = std::max((pages + most.workers - 1) / most.workers, kWorthAWorker);
  LoadLayout out;
  out.blocks_per_partition = std::clamp<std::int64_t>(std::min({by_rows, by_bytes, by_workers}), 1, 1 << 20);
  for (const auto& heap : table.heaps) {
    const auto count = (heap.pages + out.blocks_per_partition - 1) / out.blocks_per_partition;
    out.heaps.push_back(
        {heap.oid, heap.relation_file, heap.ctid_ranges ? std::max<std::int64_t>(count, 1) : 0});
  }
  if (!table.columns.empty()) out.columns = digest_of(table, table.columns.size());
  return out;
}

std::int64_t LoadLayout::partitions() const {
  std::int64_t out = 0;
  for (const auto& heap : heaps)
    out += std::max<std::int64_t>(heap.partitions, 1);
  return out;
}

Partition LoadLayout::partition(std::int64_t index) const {
  for (std::size_t at = 0; at < heaps.size(); ++at) {
    const auto count = std::max<std::int64_t>(heaps[at].partitions, 1);
    if (index >= count) {
      index -= count;
      continue;
    }
    const bool open = index == count - 1;
    return {at, index * blocks_per_partition, open ? -1 : (index + 1) * blocks_per_partition,
            heaps[at].partitions == 0};
  }
  return {};
}

bool LoadLayout::fits(const postgres::SourceTable& table) const {
  return columns_fit(columns, table) && heaps.size() == table.heaps.size() &&
         std::equal(heaps.begin(), heaps.end(), table.heaps.begin(), [](const auto& cut, const auto& heap) {
           return cut.oid == heap.oid && cut.file == heap.relation_file &&
                  (cut.partitions == 0) == !heap.ctid_ranges;
         });
}

std::string LoadLayout::text() const {
  std::string out = fmt::format("{};", blocks_per_partition);
  for (std::size_t at = 0; at < heaps.size(); ++at)
    out += fmt::format("{}{}:{}:{}", at ? "," : "", heaps[at].oid, heaps[at].file, heaps[at].partitions);
  if (!columns.empty()) out += ";" + columns;
  return out;
}

Result<LoadLayout> LoadLayout::parse(std::string_view text) {
  const auto bad = [&] {
    return fail(ErrorKind::Internal, "InvalidStatus", fmt::format("\"{}\" is not a load's layout", text));
  };
  LoadLayout out;
  auto rest = text;
  if (text.find(';') == std::string_view::npos || !take_number(rest, ';', out.blocks_per_partition) ||
      out.blocks_per_partition < 1)
    return bad();
  if (const auto end = rest.find(';'); end != std::string_view::npos) {
    out.columns = rest.substr(end + 1);
    rest = rest.substr(0, end);
  }
  while (!rest.empty()) {
    auto item = take_item(rest);
    std::int64_t oid = 0;
    HeapCut cut;
    if (!take_number(item, ':', oid) || !take_number(item, ':', cut.file) ||
        !take_number(item, ':', cut.partitions) || !item.empty() || oid > UINT32_MAX)
      return bad();
    cut.oid = static_cast<std::uint32_t>(oid);
    out.heaps.push_back(cut);
  }
  return out.heaps.empty() ? Result<LoadLayout>(bad()) : Result<LoadLayout>(out);
}

}  // namespace penstock::pipeline
