#include "dataplane/pipeline/source_partitions.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <vector>

namespace penstock::pipeline {
namespace {

constexpr const char* kNone = "none";
constexpr std::int64_t kOtherFile = 1;  // no table of a user's has it

/// One heap as it is remembered.
struct Known {
  static constexpr std::int64_t kTruncated = -1;
  std::int64_t attached = 0;
  std::int64_t file = 0;  ///< 0: not known, or it has none
  std::int64_t what = 0;  ///< became of rows that the target has: 0 nothing, kTruncated, a column's number
};
using KnownHeaps = std::map<std::uint32_t, Known>;  // by oid

KnownHeaps known_of(const postgres::SourceTable& table) {
  KnownHeaps out;
  for (const auto& heap : table.heaps)
    out[heap.oid] = {heap.attached, heap.relation_file, 0};
  return out;
}

std::string text_of(const KnownHeaps& heaps) {
  std::vector<std::string> out;
  for (const auto& [oid, known] : heaps)
    out.push_back(fmt::format("{}:{}:{}{}", oid, known.attached, known.file,
                              known.what == 0 ? "" : fmt::format(":{}", known.what)));
  return out.empty() ? kNone : fmt::format("{}", fmt::join(out, ","));
}

/// What is not readable is left out: it will be looked at as if it were new.
KnownHeaps parse(const std::string& text) {
  KnownHeaps out;
  const char* at = text.data();
  const char* const end = at + text.size();
  const auto number = [&](auto& to) {
    const auto read = std::from_chars(at, end, to);
    if (read.ec != std::errc{}) return false;
    at = read.ptr;
    return true;
  };
  const auto then = [&](char c) { return at < end && *at == c && ++at; };
  while (at < end && text != kNone) {
    std::uint32_t oid = 0;
    Known known;
    if (!number(oid) || !then(':') || !number(known.attached)) break;
    if (then(':') && number(known.file) && then(':')) number(known.what);
    out[oid] = known;
    then(',');
  }
  return out;
}

/// Those that the stream does not bring from their first row on.
Result<std::vector<std::uint32_t>> not_covered(const postgres::Endpoint& source,
                                               const postgres::SourceTable& table,
                                               const std::vector<const postgres::Heap*>& arrived) {
  std::vector<std::uint32_t> out, to_ask;
  for (const auto* heap : arrived)
    (table.kind == 'p' && heap->kind == 'r' ? to_ask : out).push_back(heap->oid);
  if (to_ask.empty()) return out;
  PENSTOCK_ASSIGN(const auto filled, postgres::filled_before_attached(source, table.oid, to_ask));
  out.insert(out.end(), filled.begin(), filled.end());
  return out;
}

Result<std::vector<std::string>> departures(const postgres::Endpoint& source,
                                            const std::vector<std::uint32_t>& gone) {
  std::vector<std::string> out;
  if (gone.empty()) return out;
  PENSTOCK_ASSIGN(const auto names, postgres::read_names(source, gone));
  for (const auto& [oid, name] : names)
    out.push_back(fmt::format("{} was detached, its rows are still in the target", name.text()));
  const auto dropped = gone.size() - names.size();
  if (dropped > 0)
    out.push_back(fmt::format("{} dropped, their rows are still in the target",
                              dropped == 1 ? "a partition was" : fmt::format("{} partitions were", dropped)));
  return out;
}

/// Takes up what became of the rows of heaps that have another file.
Status note_new_files(const postgres::Endpoint& source, const postgres::SourceTable& table,
                      KnownHeaps& remembered) {
  std::vector<std::uint32_t> other;
  bool all = true;
  for (const auto& heap : table.heaps) {
    const auto at = remembered.find(heap.oid);
    if (at == remembered.end() || at->second.attached != heap.attached || heap.relation_file == 0) continue;
    if (at->second.file == 0) at->second.file = heap.relation_file;
    const bool same = at->second.file == heap.relation_file;
    all = all && !same;
    if (!same) other.push_back(heap.oid);
  }
  if (other.empty()) return {};
  PENSTOCK_ASSIGN(const auto found, postgres::read_new_files(source, table, other));
  // The TRUNCATE of a whole table is in the stream, and so is that of a heap that is published by itself.
  const bool streamed = all || table.kind != 'p';
  for (const auto& heap : table.heaps) {
    const auto at = found.find(heap.oid);
    if (at == found.end()) continue;
    auto& known = remembered[heap.oid];
    known.file = heap.relation_file;
    if (at->second.rewritten_with != 0)
      known.what = at->second.rewritten_with;
    else if (at->second.emptied)
      known.what = streamed ? 0 : Known::kTruncated;
  }
  return {};
}

std::string rewritten(const postgres::SourceTable& table, std::int64_t number) {
  const auto at = std::find_if(table.columns.begin(), table.columns.end(),
                               [&](const auto& column) { return column.attribute_number == number; });
  return fmt::format("{} was added or altered in a way that rewrote the rows, which the target has as before",
                     at == table.columns.end() ? "a column" : "column " + at->name);
}

/// What is remembered of the rows of heaps that are there.
std::vector<std::string> losses(const postgres::SourceTable& table, const KnownHeaps& remembered,
                                bool truncates) {
  std::vector<std::string> out;
  std::set<std::int64_t> columns;
  for (const auto& heap : table.heaps) {
    const auto at = remembered.find(heap.oid);
    const auto what = at == remembered.end() ? 0 : at->second.what;
    if (what > 0 && columns.insert(what).second) out.push_back(rewritten(table, what));
    if (what == Known::kTruncated && truncates)
      out.push_back(fmt::format("{} was truncated, its rows are still in the target", heap.name.text()));
  }
  return out;
}

}  // namespace

std::string partitions_text(const postgres::SourceTable& table, bool complete) {
  auto known = known_of(table);
  for (auto& [oid, heap] : known)
    if (!complete && heap.file != 0) heap.file = kOtherFile;
  return text_of(known);
}

Result<PartitionLook> look_at_partitions(const postgres::Endpoint& source, const postgres::SourceTable& table,
                                         const std::string& known, bool truncates) {
  if (known.empty()) return PartitionLook{partitions_text(table), ""};
  auto remembered = parse(known);
  const auto present = known_of(table);
  std::vector<const postgres::Heap*> arrived;
  for (const auto& heap : table.heaps)
    if (const auto at = remembered.find(heap.oid);
        at == remembered.end() || at->second.attached != heap.attached)
      arrived.push_back(&heap);
  std::vector<std::uint32_t> gone;
  for (const auto& [oid, heap] : remembered)
    if (!present.contains(oid)) gone.push_back(oid);
  PENSTOCK_ASSIGN(const auto unknown, not_covered(source, table, arrived));
  PENSTOCK_TRY(note_new_files(source, table, remembered));
  PENSTOCK_ASSIGN(auto drifts, departures(source, gone));
  for (const auto* heap : arrived) {
    if (std::find(unknown.begin(), unknown.end(), heap->oid) == unknown.end())
      remembered[heap->oid] = present.at(heap->oid);
    else
      drifts.push_back(fmt::format("{} was attached, rows of it are not in the target", heap->name.text()));
  }
  for (auto& loss : losses(table, remembered, truncates))
    drifts.push_back(std::move(loss));
  return PartitionLook{text_of(remembered), fmt::format("{}", fmt::join(drifts, "; "))};
}

}  // namespace penstock::pipeline
