#include "dataplane/pipeline/source_partitions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <vector>

namespace penstock::pipeline {
namespace {

constexpr const char* kNone = "none";

using Attachments = std::map<std::uint32_t, std::int64_t>;  // by oid

Attachments attachments_of(const postgres::SourceTable& table) {
  Attachments out;
  for (const auto& heap : table.heaps)
    out[heap.oid] = heap.attached;
  return out;
}

std::string text_of(const Attachments& heaps) {
  std::string out;
  for (const auto& [oid, attached] : heaps)
    out += fmt::format("{}{}:{}", out.empty() ? "" : ",", oid, attached);
  return out.empty() ? kNone : out;
}

/// What is not readable is left out: it will be looked at as if it were new.
Attachments parse(const std::string& text) {
  Attachments out;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at < end && text != kNone) {
    std::uint32_t oid = 0;
    std::int64_t attached = 0;
    const auto first = std::from_chars(at, end, oid);
    if (first.ec != std::errc{} || first.ptr == end || *first.ptr != ':') break;
    const auto second = std::from_chars(first.ptr + 1, end, attached);
    if (second.ec != std::errc{}) break;
    out[oid] = attached;
    at = second.ptr == end ? end : second.ptr + 1;
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

Result<std::string> departures(const postgres::Endpoint& source, const std::vector<std::uint32_t>& gone) {
  if (gone.empty()) return std::string{};
  PENSTOCK_ASSIGN(const auto names, postgres::read_names(source, gone));
  std::string out;
  for (const auto& [oid, name] : names)
    out += fmt::format("{}{} was detached, its rows are still in the target", out.empty() ? "" : "; ",
                       name.text());
  const auto dropped = gone.size() - names.size();
  if (dropped > 0)
    out += fmt::format("{}{} dropped, their rows are still in the target", out.empty() ? "" : "; ",
                       dropped == 1 ? "a partition was" : fmt::format("{} partitions were", dropped));
  return out;
}

}  // namespace

std::string partitions_text(const postgres::SourceTable& table) {
  return text_of(attachments_of(table));
}

Result<PartitionLook> look_at_partitions(const postgres::Endpoint& source, const postgres::SourceTable& table,
                                         const std::string& known) {
  if (known.empty()) return PartitionLook{partitions_text(table), ""};
  auto remembered = parse(known);
  const auto present = attachments_of(table);
  std::vector<const postgres::Heap*> arrived;
  for (const auto& heap : table.heaps)
    if (const auto at = remembered.find(heap.oid); at == remembered.end() || at->second != heap.attached)
      arrived.push_back(&heap);
  std::vector<std::uint32_t> gone;
  for (const auto& [oid, attached] : remembered)
    if (!present.contains(oid)) gone.push_back(oid);
  PENSTOCK_ASSIGN(const auto unknown, not_covered(source, table, arrived));
  PENSTOCK_ASSIGN(auto drift, departures(source, gone));
  for (const auto* heap : arrived) {
    if (std::find(unknown.begin(), unknown.end(), heap->oid) == unknown.end())
      remembered[heap->oid] = heap->attached;
    else
      drift += fmt::format("{}{} was attached, rows of it are not in the target", drift.empty() ? "" : "; ",
                           heap->name.text());
  }
  return PartitionLook{text_of(remembered), std::move(drift)};
}

}  // namespace penstock::pipeline
