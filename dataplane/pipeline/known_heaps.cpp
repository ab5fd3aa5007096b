#include "dataplane/pipeline/known_heaps.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <vector>

namespace penstock::pipeline {
namespace {
constexpr const char* kNone = "none";
}  // namespace

std::int64_t changes_of(const postgres::SourceTable& table, const postgres::Heap& heap) {
  std::uint64_t out = 14'695'981'039'346'656'037U;  // FNV-1a
  for (const auto& [name, changed] : heap.columns_changed) {
    const bool taken = std::any_of(table.columns.begin(), table.columns.end(),
                                   [&](const auto& column) { return column.name == name; });
    if (!taken) continue;
    for (const char c : name + ":" + changed + ";")
      out = (out ^ static_cast<unsigned char>(c)) * 1'099'511'628'211U;
  }
  return static_cast<std::int64_t>(out >> 1U);
}

KnownHeaps known_of(const postgres::SourceTable& table) {
  KnownHeaps out;
  for (const auto& heap : table.heaps)
    out[heap.oid] = {heap.attached, heap.relation_file, 0, changes_of(table, heap), heap.horizon};
  return out;
}

std::string text_of(const KnownHeaps& heaps) {
  std::vector<std::string> out;
  for (const auto& [oid, known] : heaps)
    out.push_back(fmt::format("{}:{}:{}:{}:{}:{}:{}", oid, known.attached, known.file, known.what,
                              known.columns, known.horizon, known.compared ? 1 : 0));
  return out.empty() ? kNone : fmt::format("{}", fmt::join(out, ","));
}

KnownHeaps parse_heaps(const std::string& text) {
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
    int compared = 0;
    if (then(':') && number(known.file) && then(':') && number(known.what) && then(':') &&
        number(known.columns) && then(':') && number(known.horizon) && then(':'))
      number(compared);
    known.compared = compared != 0;
    out[oid] = known;
    then(',');
  }
  return out;
}

bool is_none(const std::string& text) {
  return text == kNone;
}

}  // namespace penstock::pipeline
