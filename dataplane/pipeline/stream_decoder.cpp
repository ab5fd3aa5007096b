#include "dataplane/pipeline/stream_decoder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "dataplane/columns/widening.hpp"
#include "dataplane/pipeline/key_value.hpp"

namespace penstock::pipeline {

namespace po = postgres::pgoutput;
using Kind = po::Field::Kind;

namespace {

WireForm form_of(Kind kind) {
  return kind == Kind::Binary ? WireForm::Binary : WireForm::Text;
}

/// Whether an old tuple says what a column held that is stored out of line, which NULL never is. NULL is said
/// of all but the key, also where a root with REPLICA IDENTITY FULL publishes partitions that have not.
bool has_value(const po::Field& field) {
  return field.kind == Kind::Text || field.kind == Kind::Binary;
}

}  // namespace

StreamDecoder::StreamDecoder(const std::vector<BoundTable>& tables, std::vector<RowVersion> written,
                             SourceReader& source, bool binary, Replay replay)
    : tables_(tables),
      written_(std::move(written)),
      source_(source),
      binary_(binary),
      replay_(replay),
      counts_(tables.size()) {
  written_.resize(tables.size());
  batch_.tables.resize(tables.size());
  unread_.resize(tables.size());
  for (const auto& table : tables)
    bound_.push_back(std::make_shared<const std::vector<BoundColumn>>(table.binding.columns));
}

Status StreamDecoder::apply(const postgres::XLogData& data) {
  PENSTOCK_ASSIGN(const auto change, parser_.parse(data.payload));
  const RowVersion version{commit_lsn_, data.start};
  if (const auto* one = std::get_if<po::Insert>(&change)) return insert(one->relation, version);
  if (const auto* one = std::get_if<po::Update>(&change)) return update(*one, version);
  if (const auto* one = std::get_if<po::Delete>(&change)) return remove(*one, version);
  if (const auto* one = std::get_if<po::Begin>(&change)) {
    in_transaction_ = true;
    commit_lsn_ = one->final_lsn;
    commit_time_ = one->commit_time;
    xid_ = one->xid;
    if (!replay_.goes_on_with({commit_lsn_, xid_, commit_time_}))
      return fail(
          source_changed(fmt::format("the transaction that commits at {} is not the one that was replicated "
                                     "before: the source was restored from "
                                     "a copy of its disks, or promoted without the last changes",
                                     commit_lsn_.text())));
  } else if (const auto* end = std::get_if<po::Commit>(&change)) {
    in_transaction_ = false;
    committed_ = end->end_lsn;
    batch_.covers = end->end_lsn;
    batch_.last = {commit_lsn_, xid_, commit_time_};
  } else if (const auto* relation = std::get_if<po::Relation>(&change)) {
    return route(*relation, data.payload);
  } else if (const auto* cut = std::get_if<po::Truncate>(&change)) {
    return truncate(*cut, version);
  }
  return {};
}

const StreamDecoder::Route* StreamDecoder::find(std::uint32_t relation) {
  if (last_route_ && last_relation_ == relation) return last_route_;
  const auto at = routes_.find(relation);
  if (at == routes_.end() || !at->second.ours) return nullptr;
  last_relation_ = relation;
  last_route_ = &at->second;
  return last_route_;
}

bool StreamDecoder::written_already(std::size_t table, const RowVersion& version) const {
  return version <= written_[table];
}

bool StreamDecoder::written_already(std::size_t table) const {
  return written_already(table, {commit_lsn_, Lsn{std::numeric_limits<std::uint64_t>::max()}});
}

Result<const StreamDecoder::Route*> StreamDecoder::to_take(std::uint32_t relation,
                                                           const RowVersion& version) {
  note_announced(relation, version);
  const Route* found = find(relation);
  if (!found || written_already(found->table, version)) return nullptr;
  if (found->unread.empty()) return found;
  const std::string message = found->unread;
  po::Parser parser;  // the present change is in the other one
  PENSTOCK_ASSIGN(const auto change, parser.parse(message));
  PENSTOCK_TRY(route(std::get<po::Relation>(change), message));
  announced_.reset();  // what came last is another message
  return find(relation);
}

TableBatch& StreamDecoder::open(std::size_t table) {
  auto& slot = batch_.tables[table];
  if (!slot) {
    const auto& binding = tables_[table].binding;
    slot = std::make_unique<TableBatch>(TableBatch{
        .table = table, .block = Block(binding.fields), .clamped = ClampCounts(binding.columns.size())});
  }
  if (batch_.oldest_commit == 0) batch_.oldest_commit = commit_time_;
  ++batch_.rows;
  ++counts_[table];
  return *slot;
}

Status StreamDecoder::insert(std::uint32_t relation, const RowVersion& version) {
  PENSTOCK_ASSIGN(const Route* route, to_take(relation, version));
  if (!route) return {};
  PENSTOCK_TRY(check_key(*route, parser_.new_tuple()));
  // An UPDATE that moves a row into a row filter is sent as an INSERT, and leaves out what it did not change.
  if (is_incomplete(*route, parser_.new_tuple()))
    return defer(*route, parser_.new_tuple(), po::OldTuple::None, version);
  return append(*route, parser_.new_tuple(), version, false);
}

bool StreamDecoder::is_incomplete(const Route& route, const po::Tuple& tuple) {
  return std::any_of(route.field_of.begin(), route.field_of.end(), [&](int at) {
    const auto field = static_cast<std::size_t>(at);
    return at >= 0 && field < tuple.size() && tuple[field].kind == Kind::Unchanged;
  });
}

bool StreamDecoder::key_changed(const Route& route) const {
  const auto& columns = tables_[route.table].binding.columns;
  const auto& before = parser_.old_tuple();
  const auto& after = parser_.new_tuple();
  for (std::size_t at = 0; at < columns.size(); ++at) {
    const int field = route.field_of[at];
    if (!columns[at].key || field < 0) continue;
    const auto position = static_cast<std::size_t>(field);
    if (position >= before.size() || position >= after.size()) continue;
    if (after[position].kind != Kind::Unchanged &&
        !same_key_value((*route.columns)[at], tables_[route.table].binding.fields[at].type, before[position],
                        after[position]))
      return true;
  }
  return false;
}

Status StreamDecoder::update(const po::Update& change, const RowVersion& version) {
  PENSTOCK_ASSIGN(const Route* route, to_take(change.relation, version));
  if (!route) return {};
  const bool old = change.old != po::OldTuple::None;
  const auto& tuple = old ? completed() : parser_.new_tuple();
  PENSTOCK_TRY(check_key(*route, tuple));
  if (old && !route->key.empty()) {
    PENSTOCK_TRY(check_key(*route, parser_.old_tuple()));
    if (key_changed(*route)) PENSTOCK_TRY(append(*route, parser_.old_tuple(), version, true));
  }
  if (is_incomplete(*route, tuple)) return defer(*route, tuple, change.old, version);
  return append(*route, tuple, version, false);
}

/// The new tuple with what it leaves out, because it is stored out of line and did not change, from the old
/// one.
const po::Tuple& StreamDecoder::completed() {
  const auto& fresh = parser_.new_tuple();
  const auto& old = parser_.old_tuple();
  completed_.assign(fresh.begin(), fresh.end());
  for (std::size_t at = 0; at < completed_.size() && at < old.size(); ++at)
    if (completed_[at].kind == Kind::Unchanged && has_value(old[at])) completed_[at] = old[at];
  return completed_;
}

Status StreamDecoder::remove(const po::Delete& change, const RowVersion& version) {
  PENSTOCK_ASSIGN(const Route* route, to_take(change.relation, version));
  if (!route) return {};
  PENSTOCK_TRY(check_key(*route, parser_.old_tuple()));
  return append(*route, parser_.old_tuple(), version, true);
}

Status StreamDecoder::append(const Route& route, const po::Tuple& tuple, const RowVersion& version,
                             bool deleted) {
  const auto& binding = tables_[route.table].binding;
  if (deleted && binding.ignore_truncate) unread_[route.table].erase(key_bytes(route.sent->key, tuple, {}));
  auto& batch = open(route.table);
  const auto before = batch.block.rows();
  for (std::size_t at = 0; at < binding.columns.size(); ++at) {
    auto& to = batch.block.column(at);
    const auto position = static_cast<std::size_t>(route.field_of[at]);
    const bool sent = route.field_of[at] >= 0 && position < tuple.size();
    const bool filled = !sent && !deleted && route.missing[at];
    if (!sent && route.sent->dropped[at]) {
      to.append_null();
      continue;
    }
    const po::Field filler{filled ? Kind::Text : Kind::Null,
                           filled ? *route.missing[at] : std::string_view{}};
    const auto* field = sent ? &tuple[position] : &filler;
    const bool null = field->kind == Kind::Null || field->kind == Kind::Unchanged;
    const auto outcome =
        append_field((*route.columns)[at], to, null, field->bytes, form_of(field->kind), deleted);
    if (outcome == FieldOutcome::Exact) continue;
    if (outcome != FieldOutcome::Clamped && outcome != FieldOutcome::Nulled) {
      batch.block.truncate(before);
      if (outcome == FieldOutcome::NotNullable) PENSTOCK_TRY(check_nullable(route, at));
      failed_table_ = route.table;
      return fail(refused(route, tuple, at, outcome));
    }
    ++batch.clamped[at];
  }
  append_control(binding, batch.block, version, deleted);
  batch.first = std::min(batch.first, version);
  return {};
}

/// Where the source has dropped a NOT NULL, the target follows.
Status StreamDecoder::check_nullable(const Route& route, std::size_t column) {
  const auto& bound = tables_[route.table];
  const auto& taken = bound.binding.columns[column];
  if (taken.settled) return {};
  PENSTOCK_ASSIGN(const auto found, source_.definitions({bound.source.oid}));
  const auto& now = found.front();
  if (!now) return {};
  for (const auto& one : now->columns)
    if (one.name == taken.name && !one.not_null &&
        widened_type(bound.binding.fields[column].type,
                     ColumnType::parse(default_column_type(one.type, true, {}))))
      return fail(ErrorKind::Transient, kSourceTableChanged,
                  fmt::format("column {} of table {} may be NULL now", taken.name, bound.job.source_text));
  return {};
}

Error StreamDecoder::refused(const Route& route, const po::Tuple& tuple, std::size_t column,
                             FieldOutcome outcome) const {
  const auto& binding = tables_[route.table].binding;
  std::string names;
  std::string values;
  for (std::size_t at = 0; at < binding.columns.size(); ++at) {
    const auto position = static_cast<std::size_t>(route.field_of[at]);
    if (!binding.columns[at].key || route.field_of[at] < 0 || position >= tuple.size()) continue;
    const auto& field = tuple[position];
    names += (names.empty() ? "" : ", ") + binding.columns[at].name;
    values +=
        (values.empty() ? "" : ", ") + readable((*route.columns)[at].source_type, field.kind == Kind::Null,
                                                field.bytes, form_of(field.kind));
  }
  const auto key = names.empty() ? "" : fmt::format(", key ({})=({})", names, values);
  return unrepresentable(binding, (*route.columns)[column], key, outcome);
}

Status StreamDecoder::take_into(BatchQueue& queue) {
  PENSTOCK_ASSIGN(auto batch, take());
  queue.push(std::move(batch));
  return {};
}

Result<Batch> StreamDecoder::take() {
  PENSTOCK_TRY(complete());
  Batch out;
  if (batch_.rows == 0 && !truncates_.empty()) {
    out.truncate = truncates_.front();
    truncates_.erase(truncates_.begin());
    out.oldest_commit = commit_time_;
    if (truncates_.empty()) {
      out.covers = batch_.covers;
      out.last = batch_.last;
    }
    return out;
  }
  out = std::move(batch_);
  batch_ = Batch{};
  batch_.tables.resize(tables_.size());
  return out;
}

}  // namespace penstock::pipeline
