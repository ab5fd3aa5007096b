#include "dataplane/pipeline/source_partitions.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <tuple>
#include <vector>

#include "dataplane/pipeline/arrived_parts.hpp"

namespace penstock::pipeline {
namespace {

constexpr const char* kNone = "none";

/// One heap as it is remembered.
struct Known {
  static constexpr std::int64_t kTruncated = -1;
  static constexpr std::int64_t kRewritten = -2;
  static constexpr std::int64_t kInDoubt =
      -10;  ///< less the transaction that emptied it, or did something else
  std::int64_t attached = 0;
  std::int64_t file = 0;  ///< 0: not known, or it has none
  std::int64_t what =
      0;  ///< became of rows that the target has: 0 nothing, else as above, or a column's number
  std::int64_t columns = 0;   ///< a digest of Heap::columns_changed; 0: not known
  std::uint32_t horizon = 0;  ///< Heap::horizon, when that was seen first
  bool compared = false;      ///< rows that were rewritten, and they differ; of a doubt: it has been told

  [[nodiscard]] bool rewritten() const { return what > 0 || what == kRewritten; }
};
using KnownHeaps = std::map<std::uint32_t, Known>;  // by oid

/// Of the changes of those columns that the table takes.
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

/// What the catalog says of a heap's columns from now on.
void remember_columns(Known& known, std::int64_t changes, const postgres::Heap& heap) {
  if (known.columns == changes && known.file == heap.relation_file) return;
  known.columns = changes;
  known.file = heap.relation_file;
  known.horizon = heap.horizon;
}

bool truncated_in(const PartitionQuestion& question, std::uint32_t transaction) {
  return std::find(question.truncated_by.begin(), question.truncated_by.end(), transaction) !=
         question.truncated_by.end();
}

/// The TRUNCATE that a heap was in doubt for at the last look may have come by now. Of those it has not: told
/// of from the second look on, for the first may be ahead of the stream; and then until it comes.
std::set<std::uint32_t> settle_doubts(const PartitionQuestion& question, KnownHeaps& remembered) {
  std::set<std::uint32_t> out;
  for (auto& [oid, known] : remembered) {
    if (known.what > Known::kInDoubt) continue;
    const bool came = truncated_in(question, static_cast<std::uint32_t>(Known::kInDoubt - known.what));
    known.compared = !came && (known.compared || question.stream_has_passed);
    if (came) known.what = 0;
    if (known.compared) out.insert(oid);
  }
  return out;
}

/// What became of the target's rows of a heap that was emptied. `whole`: all of its table have another file;
/// `all_empty`: those that have are all without a row.
std::int64_t after_emptying(const PartitionQuestion& question, const postgres::SourceTable& table, bool whole,
                            bool all_empty, const postgres::NewFile& file) {
  // The TRUNCATE of a whole table is in the stream, and so is that of a heap that is published by itself.
  if (table.kind == 'p' && (!whole || (all_empty && !question.truncates))) return Known::kTruncated;
  const bool listed = question.listed && table.kind != 'p';
  // A partition without a row was moved with those that have some, by and large.
  const bool moved = !file.has_rows && table.kind == 'p' && !all_empty;
  if (listed || moved || truncated_in(question, file.changed_by)) return 0;
  return Known::kInDoubt - static_cast<std::int64_t>(file.changed_by);
}

/// Whether a column of the target's key was altered by a transaction that had not ended at `horizon`.
bool alters_key(const PartitionQuestion& question, const postgres::Heap& heap, std::uint32_t horizon) {
  return std::any_of(heap.columns_changed.begin(), heap.columns_changed.end(), [&](const auto& one) {
    const auto& [name, changed] = one;
    const bool key = std::find(question.key.begin(), question.key.end(), name) != question.key.end();
    const auto since = static_cast<std::int32_t>(static_cast<std::uint32_t>(std::stoul(changed)) - horizon);
    return key && (horizon == 0 || since >= 0);
  });
}

/// Takes up what became of the rows of heaps that have another file. True when rows were moved (VACUUM FULL)
/// after columns had been changed: what these hold in a column that was added is not in the catalog any more.
Result<bool> note_new_files(const postgres::Endpoint& source, const postgres::SourceTable& table,
                            const PartitionQuestion& question, KnownHeaps& remembered) {
  std::map<std::uint32_t, std::uint32_t> other;
  bool all = true;
  for (const auto& heap : table.heaps) {
    const auto at = remembered.find(heap.oid);
    if (at == remembered.end() || at->second.attached != heap.attached || heap.relation_file == 0) continue;
    if (at->second.file == 0) at->second.file = heap.relation_file;
    const bool same = at->second.file == heap.relation_file;
    all = all && !same;
    if (same)
      remember_columns(at->second, changes_of(table, heap), heap);
    else
      other[heap.oid] = at->second.horizon;
  }
  if (other.empty()) return false;
  bool moved = false;
  PENSTOCK_ASSIGN(const auto found, postgres::read_new_files(source, table, other));
  const bool all_empty = std::all_of(
      found.begin(), found.end(), [](const auto& one) { return one.second.emptied && !one.second.has_rows; });
  for (const auto& heap : table.heaps) {
    const auto at = found.find(heap.oid);
    if (at == found.end()) continue;
    auto& known = remembered[heap.oid];
    const auto changes = changes_of(table, heap);
    const bool altered = known.columns != 0 && known.columns != changes;
    remember_columns(known, changes, heap);
    moved = moved || (altered && !at->second.all_newer);
    const auto before = known.what;
    if (at->second.rewritten_with != 0)
      known.what = at->second.rewritten_with;
    else if (altered && at->second.all_newer)
      known.what = Known::kRewritten;
    else if (at->second.emptied)
      known.what = after_emptying(question, table, all, all_empty, at->second);
    if (known.what != before || at->second.rewritten_with != 0)
      known.compared = known.rewritten() && alters_key(question, heap, other.at(heap.oid));
  }
  return moved;
}

std::string rewritten(const postgres::SourceTable& table, std::int64_t number) {
  const auto at = std::find_if(table.columns.begin(), table.columns.end(),
                               [&](const auto& column) { return column.attribute_number == number; });
  return fmt::format("{} was added or altered in a way that rewrote the rows, which the target has as before",
                     at == table.columns.end() ? "a column" : "column " + at->name);
}

/// What is remembered of the rows of heaps that are there.
std::vector<std::string> losses(const postgres::SourceTable& table, const KnownHeaps& remembered,
                                bool truncates, const std::set<std::uint32_t>& doubts) {
  std::vector<std::string> out;
  std::set<std::int64_t> columns;
  for (const auto& heap : table.heaps) {
    const auto at = remembered.find(heap.oid);
    const auto what = at == remembered.end() ? 0 : at->second.what;
    if (what > 0 && columns.insert(what).second) out.push_back(rewritten(table, what));
    if (what == Known::kRewritten && columns.insert(what).second)
      out.push_back(fmt::format("rows of {} were rewritten by ALTER TABLE, and the target has them as before",
                                heap.name.text()));
    if (what <= Known::kInDoubt && doubts.contains(heap.oid))
      out.push_back(fmt::format(
          "{} has a new file without a row of before, and no TRUNCATE of it has come: it may have been "
          "UNLOGGED for a while, or truncated by itself",
          heap.name.text()));
    if (what == Known::kTruncated && truncates)
      out.push_back(fmt::format("{} was truncated, its rows are still in the target", heap.name.text()));
  }
  return out;
}

}  // namespace

bool has_heap(const postgres::SourceTable& table, std::uint32_t oid) {
  return std::any_of(table.heaps.begin(), table.heaps.end(),
                     [&](const auto& heap) { return heap.oid == oid; });
}

std::string partitions_text(const postgres::SourceTable& table) {
  return text_of(known_of(table));
}

bool has_other_heaps(const postgres::SourceTable& table, const std::string& known,
                     const std::map<std::uint32_t, std::uint32_t>& streamed_parts) {
  const auto present = known_of(table);
  const auto remembered = parse(known);
  if (remembered.empty() && known != kNone) return false;
  for (const auto& [oid, first] : streamed_parts)
    if (const auto now = present.find(oid);
        !remembered.contains(oid) && (now == present.end() || now->second.file != oid))
      return true;
  return std::any_of(remembered.begin(), remembered.end(), [&](const auto& one) {
    const auto& [oid, then] = one;
    const auto now = present.find(oid);
    return now == present.end() || now->second.attached != then.attached || now->second.file != then.file ||
           then.what != 0;
  });
}

namespace {

/// Parts that rows were streamed of, and that are new: those that are gone again are remembered as such, and
/// those that were emptied meanwhile are returned, with what became of their rows.
Result<std::map<std::uint32_t, std::int64_t>> note_streamed(const postgres::Endpoint& source,
                                                            const postgres::SourceTable& table,
                                                            const PartitionQuestion& question,
                                                            KnownHeaps& remembered) {
  std::map<std::uint32_t, std::uint32_t> there;
  for (const auto& [oid, first] : question.streamed_parts) {
    if (remembered.contains(oid)) continue;
    if (has_heap(table, oid))
      there[oid] = 0;
    else
      remembered[oid] = {};
  }
  std::map<std::uint32_t, std::int64_t> out;
  if (there.empty()) return out;
  PENSTOCK_ASSIGN(const auto files, postgres::read_new_files(source, table, there));
  for (const auto& heap : table.heaps) {
    const auto file = files.find(heap.oid);
    if (file == files.end() || table.kind != 'p') continue;
    const bool another = heap.relation_file != heap.oid;
    if (file->second.has_pages && !(another && file->second.emptied)) continue;
    if (!question.truncates)
      out[heap.oid] = Known::kTruncated;
    else if (!truncated_in(question, file->second.changed_by))
      out[heap.oid] = Known::kInDoubt - static_cast<std::int64_t>(file->second.changed_by);
  }
  return out;
}

/// Parts alone: the table itself is the definition's matter.
std::vector<std::string> without_log(const postgres::SourceTable& table) {
  std::vector<std::string> out;
  for (const auto& heap : table.heaps)
    if (heap.persistence == 'u' && heap.oid != table.oid)
      out.push_back(fmt::format("{} is unlogged: its changes are in no WAL", heap.name.text()));
  return out;
}

/// Remembers the heaps that arrived as what they are, and notes of the others why they are not.
void take_in(const std::vector<const postgres::Heap*>& arrived, const std::map<std::uint32_t, ArrivedAs>& as,
             const PartitionQuestion& question, const KnownHeaps& present, KnownHeaps& remembered,
             PartitionLook& out, std::vector<std::string>& drifts) {
  for (const auto* heap : arrived) {
    const auto how = as.at(heap->oid);
    const bool touched = how == ArrivedAs::Attached || heap->relation_file != heap->oid;
    const bool covered = how == ArrivedAs::Covered || how == ArrivedAs::Attached;
    // The stream may still bring rows of it that were deleted while it was detached, or truncated.
    const bool waits = covered && touched && !question.stream_has_passed;
    out.in_doubt = out.in_doubt || waits;
    if (covered && !waits) remembered[heap->oid] = present.at(heap->oid);
    if (how == ArrivedAs::Returned) remembered[heap->oid] = {};
    if (how == ArrivedAs::Filled)
      drifts.push_back(fmt::format("{} was attached, rows of it are not in the target", heap->name.text()));
    if (how != ArrivedAs::Unproven) continue;
    out.unproven.push_back(heap->oid);
    out.in_doubt = true;
    if (question.proven.contains(heap->oid) && question.stream_has_passed)
      drifts.push_back(
          fmt::format("{} was attached, and whether all of its rows are in the target cannot be told",
                      heap->name.text()));
  }
}

}  // namespace

Result<PartitionLook> look_at_partitions(const postgres::Endpoint& source, const postgres::SourceTable& table,
                                         const PartitionQuestion& question) {
  if (question.known.empty()) return PartitionLook{partitions_text(table), ""};
  auto remembered = parse(question.known);
  const auto doubts = settle_doubts(question, remembered);
  const auto present = known_of(table);
  std::vector<const postgres::Heap*> arrived;
  for (const auto& heap : table.heaps)
    if (!remembered.contains(heap.oid) && heap.persistence != 'u') arrived.push_back(&heap);
  PENSTOCK_ASSIGN(const auto emptied, note_streamed(source, table, question, remembered));
  std::vector<std::uint32_t> gone;
  for (const auto& [oid, heap] : remembered)
    if (!present.contains(oid)) gone.push_back(oid);
  PENSTOCK_ASSIGN(const auto as,
                  arrived_as(source, table, arrived, question.streamed_parts, question.proven));
  PENSTOCK_ASSIGN(const bool moved, note_new_files(source, table, question, remembered));
  PENSTOCK_ASSIGN(auto drifts, departures(source, gone));
  for (auto& one : without_log(table))
    drifts.push_back(std::move(one));
  PartitionLook out;
  take_in(arrived, as, question, present, remembered, out, drifts);
  for (const auto& [oid, what] : emptied)
    if (remembered.contains(oid)) remembered[oid].what = what;
  for (const auto& heap : table.heaps)
    if (const auto at = remembered.find(heap.oid);
        at != remembered.end() && at->second.attached != heap.attached)
      drifts.push_back(fmt::format(
          "{} was detached and attached again, and what changed of its rows meanwhile was not streamed",
          heap.name.text()));
  for (auto& loss : losses(table, remembered, question.truncates, doubts))
    drifts.push_back(std::move(loss));
  out.known = text_of(remembered);
  out.drift = fmt::format("{}", fmt::join(drifts, "; "));
  out.moved_after_change = moved;
  for (const auto& [oid, heap] : remembered) {
    out.to_compare = out.to_compare || (heap.what > 0 && !heap.compared);
    out.in_doubt = out.in_doubt || heap.what <= Known::kInDoubt;
  }
  return out;
}

std::string without_doubts(const std::string& known) {
  auto heaps = parse(known);
  for (auto& [oid, heap] : heaps)
    if (heap.what <= Known::kInDoubt) std::tie(heap.what, heap.compared) = std::tuple(0, false);
  return text_of(heaps);
}

std::string with_compared(const std::string& known, bool equal) {
  auto heaps = parse(known);
  for (auto& [oid, heap] : heaps) {
    if (!heap.rewritten()) continue;
    heap.compared = !equal;
    if (equal) heap.what = 0;
  }
  return text_of(heaps);
}

}  // namespace penstock::pipeline
