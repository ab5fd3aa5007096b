#include "dataplane/pipeline/source_partitions.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "dataplane/pipeline/arrived_parts.hpp"
#include "dataplane/pipeline/known_heaps.hpp"

namespace penstock::pipeline {
namespace {

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

/// What the catalog says of a heap's columns from now on. The horizon moves on in steps, so that not each
/// look is another status.
void remember_columns(Known& known, std::int64_t changes, const postgres::Heap& heap) {
  constexpr std::int32_t kStep = 100;
  const bool far = known.horizon == 0 || static_cast<std::int32_t>(heap.horizon - known.horizon) >= kStep;
  if (known.columns == changes && known.file == heap.relation_file && !far) return;
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
void settle_doubts(const PartitionQuestion& question, KnownHeaps& remembered) {
  for (auto& [oid, known] : remembered) {
    if (!known.doubted()) continue;
    const bool came = truncated_in(question, known.made_by());
    if (came && question.appends)
      known.what = 0;
    else if (came)
      known.what = Known::doubt(known.made_by(), known.weak(), false);
    else if (question.stream_has_passed && !question.again)
      known.what = Known::doubt(known.made_by(), known.weak(), true);
  }
}

/// What became of the target's rows of a heap that has another file, and no row that is known to be of
/// before. `told`: it is told of already, and nothing less than a proof ends that.
std::int64_t after_emptying(const PartitionQuestion& question, const postgres::SourceTable& table,
                            const postgres::NewFile& file, bool told) {
  // The TRUNCATE of a heap that is published by itself is in the stream.
  if (question.listed && table.kind != 'p') return 0;
  const bool explained = truncated_in(question, file.changed_by);
  // A log lacks no row of one that was truncated. One that was UNLOGGED is written anew by what ends that.
  if (question.appends && (explained || (!told && (file.changed_since || !file.has_rows_of_change))))
    return 0;
  return Known::doubt(file.changed_by, file.changed_since && !told, told && !explained);
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
  for (const auto& heap : table.heaps) {
    const auto at = remembered.find(heap.oid);
    if (at == remembered.end() || at->second.attached != heap.attached || heap.relation_file == 0) continue;
    if (at->second.file == 0) at->second.file = heap.relation_file;
    if (at->second.file == heap.relation_file)
      remember_columns(at->second, changes_of(table, heap), heap);
    else
      other[heap.oid] = at->second.horizon;
  }
  if (other.empty()) return false;
  bool moved = false;
  PENSTOCK_ASSIGN(const auto found, postgres::read_new_files(source, table, other));
  for (const auto& heap : table.heaps) {
    const auto at = found.find(heap.oid);
    if (at == found.end()) continue;
    auto& known = remembered[heap.oid];
    const auto changes = changes_of(table, heap);
    const bool altered = known.columns != 0 && known.columns != changes;
    remember_columns(known, changes, heap);
    moved = moved || (altered && !at->second.all_newer);
    const auto before = known.what;
    const bool told = known.told();
    if (at->second.rewritten_with != 0)
      known.what = at->second.rewritten_with;
    else if (altered && at->second.all_newer)
      known.what = Known::kRewritten;
    else if (!at->second.keeps_rows)
      known.what = after_emptying(question, table, at->second, told);
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
std::vector<std::string> losses(const postgres::SourceTable& table, const KnownHeaps& remembered) {
  std::vector<std::string> out;
  std::set<std::int64_t> columns;
  for (const auto& heap : table.heaps) {
    const auto at = remembered.find(heap.oid);
    const auto what = at == remembered.end() ? 0 : at->second.what;
    if (what > 0 && columns.insert(what).second) out.push_back(rewritten(table, what));
    if (what == Known::kRewritten && columns.insert(what).second)
      out.push_back(fmt::format("rows of {} were rewritten by ALTER TABLE, and the target has them as before",
                                heap.name.text()));
    if (what <= Known::kInDoubt && at->second.told())
      out.push_back(fmt::format(
          "{} has a new file without a row of before, and no TRUNCATE of it has come: it may have been "
          "UNLOGGED for a while, or truncated by itself",
          heap.name.text()));
    if (what == Known::kEmptied)
      out.push_back(
          fmt::format("{} has a new file, and the target has other rows: it was truncated by itself, or "
                      "UNLOGGED for a while",
                      heap.name.text()));
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
  const auto remembered = parse_heaps(known);
  if (remembered.empty() && !is_none(known)) return false;
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

/// New parts that rows were streamed of, and that are gone again, are remembered as such. Of those that are
/// there, and were emptied or have another file than they were made with, it is returned what became of their
/// rows: nobody has seen the former file.
Result<std::map<std::uint32_t, std::int64_t>> note_streamed(const postgres::Endpoint& source,
                                                            const postgres::SourceTable& table,
                                                            const PartitionQuestion& question,
                                                            KnownHeaps& remembered) {
  std::map<std::uint32_t, std::uint32_t> there;
  for (const auto& heap : table.heaps)
    if (!remembered.contains(heap.oid) && table.kind == 'p' && heap.kind == 'r' &&
        (heap.relation_file != heap.oid || question.streamed_parts.contains(heap.oid)))
      there[heap.oid] = 0;
  for (const auto& [oid, first] : question.streamed_parts)
    if (!remembered.contains(oid) && !has_heap(table, oid)) remembered[oid] = {};
  std::map<std::uint32_t, std::int64_t> out;
  if (there.empty()) return out;
  PENSTOCK_ASSIGN(const auto files, postgres::read_new_files(source, table, there));
  for (const auto& heap : table.heaps) {
    const auto file = files.find(heap.oid);
    if (file == files.end() || (heap.relation_file == heap.oid && file->second.has_pages)) continue;
    const auto what = after_emptying(question, table, file->second, false);
    if (what != 0) out[heap.oid] = what;
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

/// Of a log nothing can be compared.
bool to_be_compared(const Known& heap, const PartitionQuestion& question) {
  return !question.appends && heap.doubted() && !heap.compared;
}

}  // namespace

Result<PartitionLook> look_at_partitions(const postgres::Endpoint& source, const postgres::SourceTable& table,
                                         const PartitionQuestion& question) {
  if (question.known.empty()) return PartitionLook{partitions_text(table), ""};
  auto remembered = parse_heaps(question.known);
  settle_doubts(question, remembered);
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
  for (auto& loss : losses(table, remembered))
    drifts.push_back(std::move(loss));
  out.known = text_of(remembered);
  out.drift = fmt::format("{}", fmt::join(drifts, "; "));
  out.moved_after_change = moved;
  for (const auto& [oid, heap] : remembered) {
    out.to_compare = out.to_compare || (heap.what > 0 && !heap.compared) || to_be_compared(heap, question);
    out.in_doubt = out.in_doubt || (heap.doubted() && !heap.told());
  }
  return out;
}

namespace {

/// A TRUNCATE that was streamed explains the file; where truncated rows are kept, one that was not streamed
/// is nobody's matter.
void take_up(Known& heap, RowsAre rows, const PartitionQuestion& question) {
  const bool never = rows == RowsAre::TooLong || rows == RowsAre::Untold;
  const bool given_up =
      truncated_in(question, heap.made_by()) || (never && (heap.weak() || !question.truncates));
  if (rows == RowsAre::Different)
    heap.what = Known::kEmptied;
  else if (rows == RowsAre::Equal || given_up)
    heap.what = 0;
  heap.compared = heap.what != 0 && rows != RowsAre::Unknown;
}

}  // namespace

std::string with_compared(const std::string& known, RowsAre rows, const PartitionQuestion& question) {
  auto heaps = parse_heaps(known);
  for (auto& [oid, heap] : heaps) {
    if (to_be_compared(heap, question)) take_up(heap, rows, question);
    if (!heap.rewritten() || rows == RowsAre::Unknown) continue;
    heap.compared = rows != RowsAre::Equal;
    if (rows == RowsAre::Equal) heap.what = 0;
  }
  return text_of(heaps);
}

}  // namespace penstock::pipeline
