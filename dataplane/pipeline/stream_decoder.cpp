#include "dataplane/pipeline/stream_decoder.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace penstock::pipeline {

namespace po = postgres::pgoutput;
using Kind = po::Field::Kind;

namespace {

WireForm form_of(Kind kind) {
  return kind == Kind::Binary ? WireForm::Binary : WireForm::Text;
}

/// The table that a relation's changes belong to: itself, or the one it is a leaf of.
int table_of(const std::vector<BoundTable>& tables, const TableName& relation) {
  for (std::size_t at = 0; at < tables.size(); ++at)
    if (tables[at].job.source == relation) return static_cast<int>(at);
  for (std::size_t at = 0; at < tables.size(); ++at)
    for (const auto& heap : tables[at].source.heaps)
      if (heap.name == relation) return static_cast<int>(at);
  return -1;
}

/// What rows hold in a column that was added after them; null: NULL.
const std::string* missing_value(const BoundTable& table, const std::string& column) {
  for (const auto& one : table.source.columns)
    if (one.name == column && one.missing_value) return &*one.missing_value;
  return nullptr;
}

}  // namespace

StreamDecoder::StreamDecoder(const std::vector<BoundTable>& tables, std::vector<LogPosition> written,
                             SourceReader& source, bool binary)
    : tables_(tables),
      written_(std::move(written)),
      source_(source),
      binary_(binary),
      counts_(tables.size()) {
  written_.resize(tables.size());
  batch_.tables.resize(tables.size());
  for (const auto& table : tables)
    bound_.push_back(std::make_shared<const std::vector<BoundColumn>>(table.binding.columns));
}

Status StreamDecoder::apply(const postgres::XLogData& data) {
  PENSTOCK_ASSIGN(const auto change, parser_.parse(data.payload));
  if (const auto* one = std::get_if<po::Insert>(&change)) return insert(one->relation, data.start);
  if (const auto* one = std::get_if<po::Update>(&change)) return update(*one, data.start);
  if (const auto* one = std::get_if<po::Delete>(&change)) return remove(*one, data.start);
  if (const auto* one = std::get_if<po::Begin>(&change)) {
    in_transaction_ = true;
    commit_lsn_ = one->final_lsn;
    commit_time_ = one->commit_time;
    xid_ = one->xid;
  } else if (const auto* end = std::get_if<po::Commit>(&change)) {
    in_transaction_ = false;
    committed_ = end->end_lsn;
    batch_.covers = end->end_lsn;
  } else if (const auto* relation = std::get_if<po::Relation>(&change)) {
    return route(*relation);
  } else if (const auto* cut = std::get_if<po::Truncate>(&change)) {
    return truncate(*cut, data.start);
  }
  return {};
}

Status StreamDecoder::route(const po::Relation& relation) {
  last_route_ = nullptr;
  Route out;
  out.name = {std::string(relation.schema), std::string(relation.name)};
  const int table = table_of(tables_, out.name);
  if (table >= 0) {
    out.ours = true;
    out.table = static_cast<std::size_t>(table);
    PENSTOCK_TRY(check_columns(relation, out.table));
    for (const auto& column : tables_[out.table].binding.columns) {
      const auto at = std::find_if(relation.columns.begin(), relation.columns.end(),
                                   [&](const auto& c) { return c.name == column.name; });
      out.field_of.push_back(at == relation.columns.end() ? -1
                                                          : static_cast<int>(at - relation.columns.begin()));
    }
    for (const auto& column : tables_[out.table].binding.columns)
      out.missing.push_back(missing_value(tables_[out.table], column.name));
    PENSTOCK_ASSIGN(out.columns, columns_of(relation, out));
  }
  routes_[relation.id] = std::move(out);
  return {};
}

Status StreamDecoder::check_columns(const po::Relation& relation, std::size_t table) {
  const auto& [job, source, binding, target_columns] = tables_[table];
  const auto named = [](const auto& list, std::string_view name) {
    return std::any_of(list.begin(), list.end(), [&](const auto& one) { return one.name == name; });
  };
  for (const auto& column : relation.columns) {
    const std::string name(column.name);
    const auto known = std::find_if(source.columns.begin(), source.columns.end(),
                                    [&](const auto& one) { return one.name == name; });
    const bool generated = known != source.columns.end() && known->generated;
    const bool excluded = std::find(job.excluded_columns.begin(), job.excluded_columns.end(), name) !=
                          job.excluded_columns.end();
    if (generated || excluded || named(binding.columns, name)) continue;
    PENSTOCK_ASSIGN(const bool still_there, source_.has_column(job.source, name));
    if (!still_there) {
      const bool kept = std::find(target_columns.begin(), target_columns.end(), name) != target_columns.end();
      if (!kept) continue;  // added and dropped again since: nobody misses it
      source_.note_dropped({job.source_text, name, column.type, column.typmod});
    }
    return fail(ErrorKind::Transient, kSourceTableChanged,
                fmt::format("table {} has another column, {}", job.source_text, name));
  }
  return {};
}

/// Where a column's type is another than the catalog had when the run began (it was altered since, or the
/// stream is still before the change), its values are decoded as what they were when they were written.
Result<std::shared_ptr<const std::vector<BoundColumn>>> StreamDecoder::columns_of(
    const po::Relation& relation, const Route& route) {
  const auto& [job, source, binding, target_columns] = tables_[route.table];
  std::shared_ptr<std::vector<BoundColumn>> altered;
  for (std::size_t at = 0; at < binding.columns.size(); ++at) {
    if (route.field_of[at] < 0) continue;
    const auto& sent = relation.columns[static_cast<std::size_t>(route.field_of[at])];
    const auto& name = binding.columns[at].name;
    const auto known = std::find_if(source.columns.begin(), source.columns.end(),
                                    [&](const auto& one) { return one.name == name; });
    if (known == source.columns.end() || known->declared_type == sent.type) continue;
    PENSTOCK_ASSIGN(auto type, source_.type_of(sent.type, sent.typmod));
    if (!altered) altered = std::make_shared<std::vector<BoundColumn>>(binding.columns);
    auto& column = (*altered)[at];
    const auto& target = binding.fields[at].type;
    column.decoder = FieldDecoder(type, target, column.null_if_unrepresentable);
    column.as_text = !FieldDecoder::takes_binary(type, target);
    column.source_type = std::move(type);
    if (binary_ && column.as_text)
      return fail(ErrorKind::Transient, kTextStreamNeeded,
                  fmt::format("table {}, column {} is of type {} now", job.source_text, column.name,
                              column.source_type.name));
  }
  return altered ? std::shared_ptr<const std::vector<BoundColumn>>(std::move(altered)) : bound_[route.table];
}

const StreamDecoder::Route* StreamDecoder::find(std::uint32_t relation) {
  if (last_route_ && last_relation_ == relation) return last_route_;
  const auto at = routes_.find(relation);
  if (at == routes_.end() || !at->second.ours) return nullptr;
  last_relation_ = relation;
  last_route_ = &at->second;
  return last_route_;
}

bool StreamDecoder::written_already(std::size_t table, Lsn version) const {
  return LogPosition{commit_lsn_, version} <= written_[table];
}

TableBatch& StreamDecoder::open(std::size_t table) {
  auto& slot = batch_.tables[table];
  if (!slot) {
    const auto& binding = tables_[table].binding;
    slot = std::make_unique<TableBatch>(
        TableBatch{table, Block(binding.fields), ClampCounts(binding.columns.size())});
  }
  if (batch_.oldest_commit == 0) batch_.oldest_commit = commit_time_;
  ++batch_.rows;
  ++counts_[table];
  return *slot;
}

Status StreamDecoder::insert(std::uint32_t relation, Lsn version) {
  const Route* route = find(relation);
  if (!route || written_already(route->table, version)) return {};
  return append(*route, parser_.new_tuple(), nullptr, version, false);
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
        (before[position].kind != after[position].kind || before[position].bytes != after[position].bytes))
      return true;
  }
  return false;
}

Status StreamDecoder::update(const po::Update& change, Lsn version) {
  const Route* route = find(change.relation);
  if (!route || written_already(route->table, version)) return {};
  const bool full = change.old == po::OldTuple::Full;
  const auto* old = full ? &parser_.old_tuple() : nullptr;
  if (change.old != po::OldTuple::None && !tables_[route->table].binding.append_only && key_changed(*route))
    PENSTOCK_TRY(append(*route, parser_.old_tuple(), nullptr, version, true));
  const auto& tuple = parser_.new_tuple();
  const bool incomplete = std::any_of(route->field_of.begin(), route->field_of.end(), [&](int at) {
    const auto field = static_cast<std::size_t>(at);
    return at >= 0 && field < tuple.size() && tuple[field].kind == Kind::Unchanged &&
           (!old || field >= old->size() || (*old)[field].kind == Kind::Unchanged);
  });
  if (incomplete) return defer(*route, tuple, old, version);
  return append(*route, tuple, old, version, false);
}

Status StreamDecoder::remove(const po::Delete& change, Lsn version) {
  const Route* route = find(change.relation);
  if (!route || written_already(route->table, version)) return {};
  return append(*route, parser_.old_tuple(), nullptr, version, true);
}

Status StreamDecoder::append(const Route& route, const po::Tuple& tuple, const po::Tuple* old, Lsn version,
                             bool deleted) {
  const auto& binding = tables_[route.table].binding;
  auto& batch = open(route.table);
  const auto before = batch.block.rows();
  for (std::size_t at = 0; at < binding.columns.size(); ++at) {
    auto& to = batch.block.column(at);
    const auto position = static_cast<std::size_t>(route.field_of[at]);
    const bool sent = route.field_of[at] >= 0 && position < tuple.size();
    if (!sent && (deleted || !route.missing[at])) {
      to.append_null();
      continue;
    }
    const po::Field filler{Kind::Text, sent ? std::string_view{} : *route.missing[at]};
    const auto* field = sent ? &tuple[position] : &filler;
    if (field->kind == Kind::Unchanged && old && position < old->size()) field = &(*old)[position];
    const bool null = field->kind == Kind::Null || field->kind == Kind::Unchanged;
    const auto outcome = append_field((*route.columns)[at], to, null, field->bytes, form_of(field->kind));
    if (outcome == FieldOutcome::Exact) continue;
    if (outcome != FieldOutcome::Clamped && outcome != FieldOutcome::Nulled) {
      batch.block.truncate(before);
      failed_table_ = route.table;
      return fail(refused(route, tuple, at, outcome));
    }
    ++batch.clamped[at];
  }
  append_control(binding, batch.block, version, deleted, commit_lsn_);
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

Result<Batch> StreamDecoder::take() {
  PENSTOCK_TRY(complete());
  Batch out;
  if (batch_.rows == 0 && !truncates_.empty()) {
    out.truncate = truncates_.front();
    truncates_.erase(truncates_.begin());
    out.oldest_commit = commit_time_;
    if (truncates_.empty()) out.covers = batch_.covers;
    return out;
  }
  out = std::move(batch_);
  batch_ = Batch{};
  batch_.tables.resize(tables_.size());
  return out;
}

}  // namespace penstock::pipeline
