// The part of StreamDecoder that completes rows whose unchanged values the stream left out. The source's
// present value is taken: if it is newer than the change, a later change brings it, with a higher version,
// too.
//
// The source's definition may have moved on as well. The table is found by the OID that the stream names, its
// columns by their places, their types are read anew; a value that cannot be had for certain is never made
// up: the table is blamed, and the others go on.

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "dataplane/pipeline/attributes.hpp"
#include "dataplane/pipeline/stream_decoder.hpp"

namespace penstock::pipeline {

namespace po = postgres::pgoutput;
using Kind = po::Field::Kind;

namespace {

/// How much may be read back at once: a block's size is only known when its values are in.
constexpr std::size_t kReadBackBytes = 8u << 20;
constexpr std::size_t kReadBackRows = 500;

constexpr int kNotRead = -1;
constexpr int kGone = -2;  ///< the source has dropped the column

/// By the numbers of the table itself; a child of plain inheritance has its own.
bool is_kept_out(const postgres::PresentColumn& column, const BoundTable& table, std::uint32_t oid) {
  const auto& names = table.job.excluded_columns;
  if (std::find(names.begin(), names.end(), column.name) != names.end()) return true;
  const auto holds = [&](const SourceDefinition& definition) {
    return std::any_of(definition.columns.begin(), definition.columns.end(), [&](const auto& one) {
      return one.excluded &&
             (oid == table.source.oid ? one.number == column.number : one.name == column.name);
    });
  };
  return holds(table.known) || holds(table.now);
}

/// The columns of the table as it is now, for the relation's names to be found among them.
std::vector<Attribute> attributes_of(const postgres::PresentTable& present, const BoundTable& table,
                                     std::uint32_t oid) {
  std::vector<Attribute> out;
  for (const auto& column : present.columns)
    out.push_back({column.name, column.dropped, column.generated || is_kept_out(column, table, oid)});
  return out;
}

}  // namespace

/// How the rows of one relation are looked up, and what has become of them.
struct StreamDecoder::ReadBack {
  postgres::Lookup lookup;
  std::vector<int> present_at;        ///< by field of the relation: the index of its column now; -1: unknown
  std::vector<int> read_at;           ///< by bound column: into lookup.wanted, kNotRead, kGone
  std::vector<BoundColumn> decoders;  ///< by lookup.wanted: for the types that the columns have now
  std::vector<bool> found;            ///< by row
  bool retyped_key = false;
};

bool holds_up_one_table(const Error& error) {
  return is_of_one_table(error.kind) || error.reason == postgres::kLockTimeout ||
         error.reason == postgres::kCommitNotVisible || error.reason == "StatementStillRuns" ||
         clickhouse::holds_up_one_table(error);
}

Error StreamDecoder::value_lost(std::size_t table, const std::string& why) const {
  const auto& job = tables_[table].job;
  return {
      ErrorKind::BadData, "UnchangedValueLost",
      fmt::format("table {}: a change leaves out large values that it did not change, and they cannot be "
                  "read back: {}",
                  job.source_text, why),
      fmt::format("It is loaded anew by itself; ALTER TABLE {} REPLICA IDENTITY FULL has the stream bring "
                  "such values",
                  job.source.quoted())};
}

Status StreamDecoder::defer(const Route& route, const po::Tuple& tuple, po::OldTuple old,
                            const RowVersion& version) {
  const auto& binding = tables_[route.table].binding;
  if (binding.append_only) {
    // What the row holds by now need not be what it held then, and a log is of what was then.
    failed_table_ = route.table;
    return fail(
        ErrorKind::BadData, "AppendOnlyNeedsFull",
        fmt::format("table {}: its target keeps every change, and a change leaves out large values that "
                    "it did not change",
                    binding.source_text),
        fmt::format("Run ALTER TABLE {} REPLICA IDENTITY FULL (on each partition too); it is loaded anew "
                    "by itself",
                    binding.source.quoted()));
  }
  const auto& before = parser_.old_tuple();
  Deferred row{route.sent, version, xid_, {}, {}, {}};
  for (std::size_t column = 0; column < route.field_of.size(); ++column) {
    const int at = route.field_of[column];
    const auto position = static_cast<std::size_t>(at);
    const po::Field* field = at >= 0 && position < tuple.size() ? &tuple[position] : nullptr;
    const po::Field filler{Kind::Text, route.missing[column] ? *route.missing[column] : std::string_view{}};
    if (!field && route.missing[column]) field = &filler;
    row.kinds.push_back(field ? field->kind : Kind::Null);
    row.values.emplace_back(field ? field->bytes : std::string_view{});
    deferred_bytes_ += row.values.back().size() + sizeof(std::string);
  }
  if (binding.ignore_truncate) {
    row.key = key_bytes(route.sent->key, tuple, old == po::OldTuple::None ? po::Tuple{} : before);
    unread_[route.table].insert(row.key);
  }
  if (batch_.oldest_commit == 0) batch_.oldest_commit = commit_time_;
  ++batch_.rows;
  ++counts_[route.table];
  deferred_.push_back(std::move(row));
  return deferred_.size() < deferred_limit_ ? Status{} : complete();
}

std::string StreamDecoder::key_bytes(const std::vector<int>& key, const po::Tuple& tuple,
                                     const po::Tuple& old) {
  std::string out;
  for (const int at : key) {
    const auto position = static_cast<std::size_t>(at);
    const bool in_old =
        position < old.size() && position < tuple.size() && tuple[position].kind == Kind::Unchanged;
    const auto& from = in_old ? old : tuple;
    if (position < from.size())
      out += fmt::format("{}:{}", from[position].bytes.size(), from[position].bytes);
  }
  return out;
}

Status StreamDecoder::ignore_truncate(std::size_t table) {
  PENSTOCK_TRY(complete());
  if (unread_[table].empty()) return {};
  failed_table_ = table;
  return fail(value_lost(table, "a TRUNCATE has taken away rows that the target is to keep"));
}

Status StreamDecoder::complete() {
  if (deferred_.empty()) return {};
  std::vector<std::uint32_t> xids;
  for (const auto& row : deferred_)
    if (row.xid != visible_xid_ && (xids.empty() || xids.back() != row.xid)) xids.push_back(row.xid);
  if (!xids.empty()) {
    auto visible = source_.wait_until_visible(xids);
    if (!visible && visible.error().reason == postgres::kCommitNotVisible)
      failed_table_ = deferred_.front().sent->table;
    PENSTOCK_TRY(visible);
    visible_xid_ = xids.back();
  }
  const auto before = batch_.bytes();
  std::map<const SentRelation*, std::vector<std::size_t>> by_relation;
  for (std::size_t at = 0; at < deferred_.size(); ++at)
    by_relation[deferred_[at].sent.get()].push_back(at);
  for (const auto& [sent, rows] : by_relation) {
    auto done = complete_relation(*sent, rows);
    if (!done && holds_up_one_table(done.error())) failed_table_ = sent->table;
    PENSTOCK_TRY(done);
  }
  const auto row_bytes = std::max<std::size_t>((batch_.bytes() - before) / deferred_.size(), 1);
  deferred_limit_ = std::clamp<std::size_t>(kReadBackBytes / row_bytes, 1, kReadBackRows);
  deferred_.clear();
  deferred_bytes_ = 0;
  return {};
}

Status StreamDecoder::complete_relation(const SentRelation& sent, const std::vector<std::size_t>& rows) {
  const auto& binding = tables_[sent.table].binding;
  ReadBack plan;
  auto done = source_.lookup(
      sent.oid,
      [&](const postgres::PresentTable& present) -> Result<postgres::Lookup> {
        PENSTOCK_ASSIGN(plan, plan_read_back(sent, rows, present));
        return plan.lookup;
      },
      [&](std::size_t index, auto fields) -> Status {
        if (plan.found[index]) return fail(value_lost(sent.table, "several rows have the key of one"));
        plan.found[index] = true;
        if (binding.ignore_truncate) unread_[sent.table].erase(deferred_[rows[index]].key);
        return append_deferred(deferred_[rows[index]], plan, fields);
      });
  if (!done && done.error().reason == "TableNotFound")
    return fail(value_lost(sent.table, "the table was dropped, or dropped and made again"));
  PENSTOCK_TRY(done);
  // A row that is not there any more was deleted, emptied away or given another key after this change, and
  // the stream brings that next: a tombstone for this key, with a higher version. The change is left out, for
  // it would be seen only until then, and without its values. Two kinds of rows get no tombstone: those of a
  // partition that has left the table, of which a look at the catalog tells (source_partitions.hpp), and
  // those that a TRUNCATE took where it is ignored, which unread_ remembers. And a key that was altered may
  // have become another value: that its row is not found is no proof that it is gone.
  const bool all = std::find(plan.found.begin(), plan.found.end(), false) == plan.found.end();
  if (!all && plan.retyped_key)
    return fail(value_lost(sent.table, "no row has its key, whose type has been altered since"));
  return {};
}

Result<StreamDecoder::ReadBack> StreamDecoder::plan_read_back(const SentRelation& sent,
                                                              const std::vector<std::size_t>& rows,
                                                              const postgres::PresentTable& present) {
  const auto& binding = tables_[sent.table].binding;
  ReadBack plan;
  plan.found.resize(rows.size());
  plan.read_at.resize(binding.columns.size(), kNotRead);
  plan.present_at = match_attributes(sent.names, attributes_of(present, tables_[sent.table], sent.oid));
  PENSTOCK_TRY(plan_key(sent, rows, present, plan));
  for (std::size_t at = 0; at < binding.columns.size(); ++at) {
    const bool missing = std::any_of(rows.begin(), rows.end(), [&](std::size_t row) {
      return deferred_[row].kinds[at] == Kind::Unchanged;
    });
    if (!missing) continue;
    const auto field = static_cast<std::size_t>(sent.field_of[at]);
    const int index = plan.present_at[field];
    const auto& target = binding.fields[at].type;
    if (index < 0)
      return fail(value_lost(sent.table,
                             fmt::format("which column {} has become cannot be told", sent.names[field])));
    const auto& column = present.columns[static_cast<std::size_t>(index)];
    plan.read_at[at] = column.dropped ? kGone : static_cast<int>(plan.lookup.wanted.size());
    if (column.dropped) continue;
    auto decoder = (*sent.columns)[at];
    if (column.type != sent.types[field]) {
      PENSTOCK_ASSIGN(decoder.source_type, source_.type_of(column.type, column.typmod));
      if (!FieldDecoder::converts(decoder.source_type, target))
        return fail(
            value_lost(sent.table, fmt::format("column {} is of type {} now, which the target's does not "
                                               "hold",
                                               sent.names[field], decoder.source_type.name)));
      decoder.decoder = FieldDecoder(decoder.source_type, target, decoder.null_if_unrepresentable);
    }
    plan.lookup.wanted.push_back({&column, !FieldDecoder::takes_binary(decoder.source_type, target)});
    plan.decoders.push_back(std::move(decoder));
  }
  return plan;
}

Status StreamDecoder::plan_key(const SentRelation& sent, const std::vector<std::size_t>& rows,
                               const postgres::PresentTable& present, ReadBack& plan) {
  std::vector<std::size_t> bound_at;
  for (const int field : sent.key) {
    const auto position = static_cast<std::size_t>(field);
    const auto bound = std::find(sent.field_of.begin(), sent.field_of.end(), field);
    const int index = plan.present_at[position];
    if (bound == sent.field_of.end() || index < 0 || present.columns[static_cast<std::size_t>(index)].dropped)
      return fail(
          value_lost(sent.table, fmt::format("key column {} is not there any more", sent.names[position])));
    bound_at.push_back(static_cast<std::size_t>(bound - sent.field_of.begin()));
    const auto& column = present.columns[static_cast<std::size_t>(index)];
    const bool retyped = column.type != sent.types[position];
    plan.retyped_key = plan.retyped_key || retyped;
    plan.lookup.key.push_back({&column, retyped ? (*sent.columns)[bound_at.back()].source_type.name : ""});
  }
  if (bound_at.empty()) return fail(value_lost(sent.table, "it has no key"));
  for (const auto row : rows) {
    for (const auto at : bound_at) {
      const auto kind = deferred_[row].kinds[at];
      if (kind == Kind::Unchanged || kind == Kind::Null)
        return fail(value_lost(sent.table, "the change does not bring the key of its row"));
      plan.lookup.keys.push_back({deferred_[row].values[at], kind == Kind::Binary});
    }
  }
  return {};
}

Status StreamDecoder::append_deferred(const Deferred& row, const ReadBack& plan,
                                      std::span<const postgres::FieldView> read) {
  const auto table = row.sent->table;
  const auto& binding = tables_[table].binding;
  auto& slot = batch_.tables[table];
  if (!slot)
    slot = std::make_unique<TableBatch>(TableBatch{
        .table = table, .block = Block(binding.fields), .clamped = ClampCounts(binding.columns.size())});
  const auto before = slot->block.rows();
  for (std::size_t at = 0; at < binding.columns.size(); ++at) {
    auto& to = slot->block.column(at);
    const bool left_out = row.kinds[at] == Kind::Unchanged;
    const bool gone = left_out && plan.read_at[at] == kGone;
    if (gone || (row.sent->field_of[at] < 0 && row.sent->dropped[at])) {
      to.append_null();
      continue;
    }
    const auto index = static_cast<std::size_t>(plan.read_at[at]);
    // The stream's type may be an older one than the source has now.
    const auto& column = left_out ? plan.decoders[index] : (*row.sent->columns)[at];
    const bool as_text = left_out ? plan.lookup.wanted[index].as_text : row.kinds[at] != Kind::Binary;
    const bool null = left_out ? read[index].null : row.kinds[at] == Kind::Null;
    const auto bytes = null ? std::string_view{} : left_out ? read[index].bytes : row.values[at];
    const auto outcome = append_field(column, to, null, bytes, as_text ? WireForm::Text : WireForm::Binary);
    if (outcome == FieldOutcome::Clamped || outcome == FieldOutcome::Nulled) ++slot->clamped[at];
    if (outcome != FieldOutcome::Exact && outcome != FieldOutcome::Clamped &&
        outcome != FieldOutcome::Nulled) {
      slot->block.truncate(before);
      failed_table_ = table;
      // Bytes of a type that was altered since are not malformed: they were meant for another column.
      return fail(unrepresentable(
          binding, column, "",
          left_out && outcome == FieldOutcome::Malformed ? FieldOutcome::Unrepresentable : outcome));
    }
  }
  append_control(binding, slot->block, row.version, false);
  slot->first = std::min(slot->first, row.version);
  return {};
}

}  // namespace penstock::pipeline
