// The part of StreamDecoder that completes rows whose unchanged values the stream left out. The source's
// present value is taken: if it is newer than the change, a later change brings it, with a higher version,
// too; if the row is gone, its tombstone follows.

#include <algorithm>
#include <map>

#include "dataplane/pipeline/stream_decoder.hpp"

namespace penstock::pipeline {

namespace po = postgres::pgoutput;
using Kind = po::Field::Kind;

namespace {
/// How much may be read back at once: a block's size is only known when its values are in.
constexpr std::size_t kReadBackBytes = 8u << 20;
constexpr std::size_t kReadBackRows = 500;
}  // namespace

Status StreamDecoder::defer(const Route& route, const po::Tuple& tuple, const po::Tuple* old, Lsn version) {
  Deferred row{route.table, route.columns, version, commit_lsn_, xid_, {}, {}};
  for (std::size_t column = 0; column < route.field_of.size(); ++column) {
    const int at = route.field_of[column];
    const auto position = static_cast<std::size_t>(at);
    const po::Field* field = at >= 0 && position < tuple.size() ? &tuple[position] : nullptr;
    if (field && field->kind == Kind::Unchanged && old && position < old->size()) field = &(*old)[position];
    const po::Field filler{Kind::Text, route.missing[column] ? *route.missing[column] : std::string_view{}};
    if (!field && route.missing[column]) field = &filler;
    row.kinds.push_back(field ? field->kind : Kind::Null);
    row.values.emplace_back(field ? field->bytes : std::string_view{});
    deferred_bytes_ += row.values.back().size() + sizeof(std::string);
  }
  if (batch_.oldest_commit == 0) batch_.oldest_commit = commit_time_;
  ++batch_.rows;
  ++counts_[route.table];
  deferred_.push_back(std::move(row));
  return deferred_.size() < deferred_limit_ ? Status{} : complete();
}

Status StreamDecoder::complete() {
  if (deferred_.empty()) return {};
  std::vector<std::uint32_t> xids;
  for (const auto& row : deferred_)
    if (row.xid != visible_xid_ && (xids.empty() || xids.back() != row.xid)) xids.push_back(row.xid);
  if (!xids.empty()) {
    PENSTOCK_TRY(source_.wait_until_visible(xids));
    visible_xid_ = xids.back();
  }
  const auto before = batch_.bytes();
  std::map<std::size_t, std::vector<std::size_t>> by_table;
  for (std::size_t at = 0; at < deferred_.size(); ++at)
    by_table[deferred_[at].table].push_back(at);
  for (const auto& [table, rows] : by_table)
    PENSTOCK_TRY(complete_table(table, rows));
  const auto row_bytes = std::max<std::size_t>((batch_.bytes() - before) / deferred_.size(), 1);
  deferred_limit_ = std::clamp<std::size_t>(kReadBackBytes / row_bytes, 1, kReadBackRows);
  deferred_.clear();
  deferred_bytes_ = 0;
  return {};
}

Status StreamDecoder::complete_table(std::size_t table, const std::vector<std::size_t>& rows) {
  const auto& binding = tables_[table].binding;
  std::vector<postgres::KeyColumn> key;
  std::vector<std::size_t> key_at;
  std::vector<postgres::CopyColumn> wanted;
  std::vector<int> read_at(binding.columns.size(), -1);
  for (std::size_t at = 0; at < binding.columns.size(); ++at) {
    const auto& column = binding.columns[at];
    const auto& identity = tables_[table].source.identity_key;
    if (std::find(identity.begin(), identity.end(), column.name) != identity.end()) {
      key.push_back({column.name, column.source_type.name});
      key_at.push_back(at);
    }
    const bool missing = std::any_of(rows.begin(), rows.end(), [&](std::size_t row) {
      return deferred_[row].kinds[at] == Kind::Unchanged;
    });
    if (!missing) continue;
    read_at[at] = static_cast<int>(wanted.size());
    wanted.push_back({column.name, column.as_text});
  }
  std::vector<postgres::KeyField> keys;
  for (const auto row : rows)
    for (const auto at : key_at)
      keys.push_back({deferred_[row].values[at], deferred_[row].kinds[at] == Kind::Binary});
  std::vector<bool> found(rows.size());
  if (!key.empty()) {
    PENSTOCK_TRY(source_.lookup(tables_[table], key, wanted, keys, [&](std::size_t index, auto fields) {
      found[index] = true;
      return append_deferred(deferred_[rows[index]], read_at, fields);
    }));
  }
  for (std::size_t index = 0; index < rows.size(); ++index)
    if (!found[index]) PENSTOCK_TRY(append_deferred(deferred_[rows[index]], read_at, {}));
  return {};
}

Status StreamDecoder::append_deferred(const Deferred& row, const std::vector<int>& read_at,
                                      std::span<const postgres::FieldView> read) {
  const auto& binding = tables_[row.table].binding;
  auto& slot = batch_.tables[row.table];
  if (!slot)
    slot = std::make_unique<TableBatch>(
        TableBatch{row.table, Block(binding.fields), ClampCounts(binding.columns.size())});
  const auto before = slot->block.rows();
  for (std::size_t at = 0; at < binding.columns.size(); ++at) {
    const auto& column = binding.columns[at];
    auto& to = slot->block.column(at);
    FieldOutcome outcome = FieldOutcome::Exact;
    const auto& sent = (*row.columns)[at];  // the stream's type may be an older one than the source has now
    if (row.kinds[at] == Kind::Unchanged && read_at[at] >= 0 && !read.empty()) {
      const auto& field = read[static_cast<std::size_t>(read_at[at])];
      outcome = append_field(column, to, field.null, field.bytes,
                             column.as_text ? WireForm::Text : WireForm::Binary);
    } else {
      const bool null = row.kinds[at] == Kind::Null || row.kinds[at] == Kind::Unchanged;
      outcome = append_field(sent, to, null, row.values[at],
                             row.kinds[at] == Kind::Binary ? WireForm::Binary : WireForm::Text);
    }
    if (outcome == FieldOutcome::Clamped || outcome == FieldOutcome::Nulled) ++slot->clamped[at];
    if (outcome == FieldOutcome::Unrepresentable || outcome == FieldOutcome::Malformed) {
      slot->block.truncate(before);
      failed_table_ = row.table;
      return fail(unrepresentable(binding, column, "", outcome));
    }
  }
  append_control(binding, slot->block, row.version, false, row.commit);
  return {};
}

}  // namespace penstock::pipeline
