// The part of StreamDecoder that reads Relation messages: whose changes these are, whether they tell which
// row they are of, and where each of their fields belongs. PostgreSQL sends one before the first change of a
// table and again after each change of its definition (PostgreSQL docs, "Logical Replication Message
// Formats").

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "dataplane/columns/widening.hpp"
#include "dataplane/pipeline/row_identity.hpp"
#include "dataplane/pipeline/source_partitions.hpp"
#include "dataplane/pipeline/stream_decoder.hpp"

namespace penstock::pipeline {

namespace po = postgres::pgoutput;

namespace {

bool holds(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// The table that has this oid; else the one that is made of it.
std::optional<std::size_t> by_oid(const std::vector<BoundTable>& tables, std::uint32_t oid) {
  for (std::size_t at = 0; at < tables.size(); ++at)
    if (tables[at].source.oid == oid) return at;
  for (std::size_t at = 0; at < tables.size(); ++at)
    if (has_heap(tables[at].source, oid)) return at;
  return std::nullopt;
}

/// What rows hold in a column that was added after them; null: NULL.
const std::string* missing_value(const BoundTable& table, const std::string& column) {
  for (const auto& one : table.source.columns)
    if (one.name == column && one.missing_value && !one.missing_differs) return &*one.missing_value;
  return nullptr;
}

/// Whether the message describes the table as the catalog had it.
bool is_of(const po::Relation& relation, const postgres::SourceTable& source) {
  const auto sent = std::count_if(source.columns.begin(), source.columns.end(), [](const auto& column) {
    return !column.generated && column.published && column.attribute_number != 0;
  });
  return static_cast<std::size_t>(sent) == relation.columns.size() &&
         std::all_of(relation.columns.begin(), relation.columns.end(), [&](const auto& column) {
           return std::any_of(source.columns.begin(), source.columns.end(), [&](const auto& one) {
             return one.name == column.name && one.attribute_number != 0 && !one.generated && one.published &&
                    one.declared_type == column.type && one.declared_typmod == column.typmod;
           });
         });
}

/// No column of the definition bears another name now.
bool keeps_names(const SourceDefinition& known, const SourceDefinition& now) {
  return std::all_of(now.columns.begin(), now.columns.end(), [&](const auto& present) {
    return std::all_of(known.columns.begin(), known.columns.end(), [&](const auto& one) {
      return (one.number == present.number) == (one.name == present.name);
    });
  });
}

/// A part's message has the columns of its root, in their order; it may have more.
bool has_in_order(const po::Relation& relation, const SourceDefinition& root) {
  auto at = relation.columns.begin();
  for (const auto& column : root.columns) {
    if (column.generated || !column.published) continue;
    at = std::find_if(at, relation.columns.end(), [&](const auto& one) { return one.name == column.name; });
    if (at == relation.columns.end()) return false;
    ++at;
  }
  return true;
}

/// The name of the type that the column has by now, where the target is to be widened for it: a value may be
/// of that already, or of one between the two. Empty: it is not to be. Of what the catalog had when the table
/// was bound the target has taken up what it can.
std::string wider_type(const BoundTable& bound, std::size_t column, const postgres::SourceColumn& known,
                       const postgres::SourceColumn* present) {
  const auto& binding = bound.binding;
  if (!present || present->attribute_number == 0 || binding.columns[column].settled) return "";
  if (present->declared_type == known.declared_type && present->declared_typmod == known.declared_typmod)
    return "";
  const auto wanted = ColumnType::parse(default_column_type(present->type, false, {}));
  return widened_type(binding.fields[column].type, wanted) ? present->type.name : "";
}

bool has_parts(const BoundTable& table) {
  return table.source.kind == 'p' || table.source.heaps.size() > 1;
}

}  // namespace

tl::unexpected<Error> StreamDecoder::quarantine(std::size_t table, Error error) {
  failed_table_ = table;
  return fail(std::move(error));
}

Result<std::optional<std::size_t>> StreamDecoder::table_of(const po::Relation& relation) {
  if (const auto known = by_oid(tables_, relation.id)) return known;
  const TableName name{std::string(relation.schema), std::string(relation.name)};
  for (std::size_t at = 0; at < tables_.size(); ++at)
    if (tables_[at].job.source == name && !written_already(at))
      return quarantine(at, table_replaced(tables_[at].job));
  if (std::none_of(tables_.begin(), tables_.end(), has_parts)) return std::nullopt;
  PENSTOCK_ASSIGN(const auto ancestors, source_.ancestors_of(relation.id));
  for (const auto oid : ancestors)
    if (const auto whole = by_oid(tables_, oid)) return whole;
  return std::nullopt;
}

void StreamDecoder::announce(std::uint32_t relation, const TableName& name,
                             std::optional<std::size_t> table) {
  if (announced_ && !announced_->part && announced_->relation != relation)
    announced_->part = Announced::Part{relation, name, table};
  else
    announced_ = Announced{relation, name, table};
}

void StreamDecoder::note_announced(std::uint32_t relation, const RowVersion& version) {
  const auto one = std::exchange(announced_, std::nullopt);
  if (!one || one->relation != relation || !one->part || one->part->table == one->table) return;
  const auto report = [&](std::optional<std::size_t> table, const std::string& why) {
    if (table && !written_already(*table, version)) source_.report_difference(tables_[*table], why);
  };
  // What is a partition of it still is the catalog's to tell.
  if (!one->table || !has_heap(tables_[*one->table].source, one->part->relation))
    report(one->table, fmt::format("{} was a partition of it for a while", one->part->name.text()));
  report(
      one->part->table,
      fmt::format("it was published as a part of {} for a while, and changes of that time were not applied",
                  one->name.text()));
}

Status StreamDecoder::route(const po::Relation& relation, std::string_view message) {
  last_route_ = nullptr;
  Route out;
  out.name = {std::string(relation.schema), std::string(relation.name)};
  PENSTOCK_ASSIGN(const auto table, table_of(relation));
  if (table) {
    out.ours = true;
    out.table = *table;
    if (written_already(*table))
      out.unread = message;
    else
      PENSTOCK_TRY(bind_route(relation, out));
  }
  announce(relation.id, out.name, table);
  routes_[relation.id] = std::move(out);
  return {};
}

Status StreamDecoder::bind_route(const po::Relation& relation, Route& out) {
  const auto& bound = tables_[out.table];
  if (source_.is_outdated(bound))
    return fail(ErrorKind::Transient, kSourceTableChanged,
                fmt::format("more is known of table {}", bound.job.source_text));
  if (bound.source.oid != relation.id)
    source_.report_part(bound, relation.id, {commit_lsn_, xid_, commit_lsn_});
  std::optional<postgres::SourceTable> fresh;
  const auto known = routes_.find(relation.id);
  const bool again = known != routes_.end() && known->second.unread.empty();
  // The table may have been altered between the run's beginning and its first change.
  if (again || !is_of(relation, bound.source)) {
    PENSTOCK_ASSIGN(auto found, source_.definitions({bound.source.oid}));
    fresh = std::move(found.front());
  }
  const auto& now = fresh ? *fresh : bound.source;
  PENSTOCK_TRY(check_identity(relation, out.table, now));
  PENSTOCK_ASSIGN(const auto excluded, compare(relation, out.table, now));
  PENSTOCK_TRY(check_columns(relation, out.table, now, excluded));
  bind_fields(relation, excluded, out);
  report_unfilled(out, now);
  PENSTOCK_ASSIGN(out.columns, columns_of(relation, out, now));
  out.sent = sent_relation(relation, out, now);
  return {};
}

std::shared_ptr<const StreamDecoder::SentRelation> StreamDecoder::sent_relation(
    const po::Relation& relation, const Route& route, const postgres::SourceTable& now) const {
  // Of a partitioned table that is FULL itself and has parts that are not, every column is marked.
  const bool marked = relation.replica_identity == 'd' || relation.replica_identity == 'i';
  const auto& identity = tables_[route.table].source.identity_key;
  SentRelation out{route.table, relation.id, {}, {}, {}, route.field_of, {}, route.columns};
  for (const auto& column : tables_[route.table].binding.columns)
    out.dropped.push_back(std::none_of(now.columns.begin(), now.columns.end(), [&](const auto& one) {
      return one.name == column.name && one.attribute_number != 0;
    }));
  for (const auto& column : relation.columns) {
    const bool named = std::find(identity.begin(), identity.end(), column.name) != identity.end();
    if (marked ? column.key : named) out.key.push_back(static_cast<int>(out.names.size()));
    out.names.emplace_back(column.name);
    out.types.push_back(column.type);
  }
  return std::make_shared<const SentRelation>(std::move(out));
}

Status StreamDecoder::check_identity(const po::Relation& relation, std::size_t table,
                                     const postgres::SourceTable& now) {
  const auto& [binding, text] = std::tie(tables_[table].binding, tables_[table].job.source_text);
  if (binding.append_only) return {};
  const auto naming = naming_of(relation);
  const bool root = tables_[table].source.oid == relation.id;
  // Rows of a partitioned table are logged by what their partitions have, each of which has a message too.
  const bool speaks = !(root && tables_[table].source.kind == 'p');
  if (speaks && !names_rows_by(naming, binding.key)) {
    const auto part = root ? "" : fmt::format("{}.{}", relation.schema, relation.name);
    return quarantine(table, naming_fault(text, part, naming, binding.key));
  }
  if (auto fault = identity_fault(text, now, binding.key)) return quarantine(table, *std::move(fault));
  return {};
}

Result<std::vector<std::string>> StreamDecoder::compare(const po::Relation& relation, std::size_t table,
                                                        const postgres::SourceTable& now) {
  const auto& bound = tables_[table];
  const auto present = define(bound.job, now, bound.binding.key, nullptr);
  std::optional<std::vector<std::string>> excluded;
  const bool part = bound.source.oid != relation.id;
  // Published by its root, which is announced first, nothing comes under its own description.
  if (part && bound.source.kind == 'p' && routes_.contains(bound.source.oid))
    return std::vector<std::string>{};
  for (const auto& why : passing_types(present, relation))
    source_.report_difference(bound, why);
  if (part) {
    PENSTOCK_ASSIGN(excluded, compare_part(relation, bound, present));
  } else {
    for (const auto& why : passing_differences(bound.known, present, relation))
      source_.report_difference(bound, why);
    excluded = excluded_names(bound.known, present, relation);
  }
  if (excluded) return *std::move(excluded);
  return quarantine(table, {ErrorKind::Quarantine, "ExcludedColumnInDoubt",
                            fmt::format("columns of table {} were renamed, and which of them is excluded "
                                        "cannot be told for changes of that time",
                                        bound.job.source_text),
                            "It is reloaded automatically; name the excluded columns as they are named now"});
}

Result<std::optional<std::vector<std::string>>> StreamDecoder::compare_part(const po::Relation& relation,
                                                                            const BoundTable& bound,
                                                                            const SourceDefinition& now) {
  std::vector<std::string> excluded;
  for (const auto* side : {&bound.known, &now})
    for (const auto& column : side->columns)
      if (column.excluded) excluded.push_back(column.name);
  if (keeps_names(bound.known, now) && has_in_order(relation, now)) return excluded;
  PENSTOCK_ASSIGN(const auto found, source_.definitions({bound.source.oid, relation.id}));
  if (!found[0] || !found[1])  // a look at the catalog tells that it is gone
    return excluded.empty() ? std::optional(excluded) : std::nullopt;
  const auto root = define(bound.job, *found[0], bound.binding.key, nullptr);
  const auto then = as_in_part(bound.known, root, *found[1]);
  const auto present = as_in_part(root, root, *found[1]);
  for (const auto& why : passing_differences(then, present, relation))
    source_.report_difference(bound, why);
  return excluded_names(then, present, relation);
}

Status StreamDecoder::check_columns(const po::Relation& relation, std::size_t table,
                                    const postgres::SourceTable& now,
                                    const std::vector<std::string>& excluded) {
  const auto& bound = tables_[table];
  if (bound.source.oid != relation.id && bound.source.kind == 'p') return {};
  const auto taken_now = taken_columns(bound.job, now);
  for (const auto& column : relation.columns) {
    const std::string name(column.name);
    const auto& taken = bound.binding.columns;
    const bool known =
        std::any_of(taken.begin(), taken.end(), [&](const auto& one) { return one.name == name; });
    const auto present = std::find_if(now.columns.begin(), now.columns.end(),
                                      [&](const auto& one) { return one.name == name; });
    const bool exists = present != now.columns.end() && present->attribute_number != 0;
    if (known || holds(excluded, name) || holds(bound.job.excluded_columns, name)) continue;
    if (exists && std::find(taken_now.begin(), taken_now.end(), &*present) == taken_now.end()) continue;
    if (!exists) {
      if (!holds(bound.target_columns, name)) {  // added and dropped again since: nobody misses it
        report_renamed(relation, bound, now, name);
        continue;
      }
      source_.note_dropped({bound.job.source_text, name, column.type, column.typmod});
    }
    return fail(ErrorKind::Transient, kSourceTableChanged,
                fmt::format("table {} has another column, {}", bound.job.source_text, name));
  }
  return {};
}

void StreamDecoder::report_renamed(const po::Relation& relation, const BoundTable& bound,
                                   const postgres::SourceTable& now, const std::string& name) {
  for (const auto& column : now.columns) {
    const bool sent = std::any_of(relation.columns.begin(), relation.columns.end(),
                                  [&](const auto& one) { return one.name == column.name; });
    if (column.attribute_number == 0 || column.generated || sent ||
        by_number(bound.known, column.attribute_number))
      continue;
    source_.report_difference(
        bound, fmt::format("column {} came and went, or is named {} now: rows that were changed "
                           "meanwhile may lack it under that name",
                           name, column.name));
  }
}

void StreamDecoder::report_unfilled(const Route& route, const postgres::SourceTable& now) {
  const auto& bound = tables_[route.table];
  for (std::size_t at = 0; at < bound.binding.columns.size(); ++at) {
    const auto& name = bound.binding.columns[at].name;
    if (route.field_of[at] >= 0 || route.missing[at] || !holds(bound.with_default, name)) continue;
    if (std::any_of(now.columns.begin(), now.columns.end(), [&](const auto& one) {
          return one.name == name && one.attribute_number != 0 && !one.generated;
        }))
      source_.report_difference(
          bound,
          fmt::format("column {} was added with a default, which rows that were changed before that may "
                      "lack in the target: what they hold in it cannot be told since the table was "
                      "rewritten (VACUUM FULL, CLUSTER)",
                      name));
  }
}

void StreamDecoder::bind_fields(const po::Relation& relation, const std::vector<std::string>& excluded,
                                Route& route) const {
  const auto& binding = tables_[route.table].binding;
  for (std::size_t at = 0; at < binding.columns.size(); ++at) {
    const auto& name = binding.columns[at].name;
    const auto field = std::find_if(relation.columns.begin(), relation.columns.end(),
                                    [&](const auto& column) { return column.name == name; });
    const bool sent = field != relation.columns.end() && !holds(excluded, name);
    route.field_of.push_back(sent ? static_cast<int>(field - relation.columns.begin()) : -1);
    route.missing.push_back(missing_value(tables_[route.table], name));
  }
  if (binding.append_only) return;
  for (const auto& key : binding.key) {
    const auto at = std::find_if(binding.columns.begin(), binding.columns.end(),
                                 [&](const auto& column) { return column.name == key; });
    route.key.push_back(static_cast<std::size_t>(at - binding.columns.begin()));
  }
}

Status StreamDecoder::check_key(const Route& route, const po::Tuple& tuple) {
  for (const auto at : route.key) {
    const auto field = at < route.field_of.size() ? route.field_of[at] : -1;
    const auto position = static_cast<std::size_t>(field);
    const bool there = field >= 0 && position < tuple.size();
    const auto kind = there ? tuple[position].kind : po::Field::Kind::Null;
    if (kind == po::Field::Kind::Text || kind == po::Field::Kind::Binary) continue;
    const auto& bound = tables_[route.table];
    const bool large = kind == po::Field::Kind::Unchanged;
    return quarantine(
        route.table,
        {ErrorKind::Quarantine, large ? "KeyNotSent" : "ReplicaIdentityChanged",
         fmt::format(
             "a change of table {} does not say which row it is of: column {} of the target's key is {}",
             bound.job.source_text, at < bound.binding.columns.size() ? bound.binding.columns[at].name : "",
             large ? "stored out of line, and left out where it did not change" : "not in it"),
         large ? fmt::format("Run ALTER TABLE {} REPLICA IDENTITY FULL", bound.job.source.quoted())
               : "Restore the replica identity; the table is reloaded automatically"});
  }
  return {};
}

/// Where a column's type is another than the catalog had when the run began (it was altered since, or the
/// stream is still before the change), its values are decoded as what they were when they were written.
Result<std::shared_ptr<const std::vector<BoundColumn>>> StreamDecoder::columns_of(
    const po::Relation& relation, const Route& route, const postgres::SourceTable& now) {
  const auto& bound = tables_[route.table];
  const auto& binding = bound.binding;
  std::shared_ptr<std::vector<BoundColumn>> altered;
  for (std::size_t at = 0; at < binding.columns.size(); ++at) {
    if (route.field_of[at] < 0) continue;
    const auto& sent = relation.columns[static_cast<std::size_t>(route.field_of[at])];
    const auto& name = binding.columns[at].name;
    const auto known = std::find_if(bound.source.columns.begin(), bound.source.columns.end(),
                                    [&](const auto& one) { return one.name == name; });
    if (known == bound.source.columns.end()) continue;
    if (known->declared_type == sent.type && known->declared_typmod == sent.typmod) continue;
    const auto present = std::find_if(now.columns.begin(), now.columns.end(),
                                      [&](const auto& one) { return one.name == name; });
    if (const auto wider = wider_type(bound, at, *known, present == now.columns.end() ? nullptr : &*present);
        !wider.empty())
      return fail(ErrorKind::Transient, kSourceTableChanged,
                  fmt::format("column {} of table {} is of type {} now", name, bound.job.source_text, wider));
    if (known->declared_type == sent.type) continue;
    PENSTOCK_ASSIGN(auto type, source_.type_of(sent.type, sent.typmod));
    if (!altered) altered = std::make_shared<std::vector<BoundColumn>>(binding.columns);
    auto& column = (*altered)[at];
    const auto& target = binding.fields[at].type;
    column.decoder = FieldDecoder(type, target, column.null_if_unrepresentable);
    column.as_text = !FieldDecoder::takes_binary(type, target);
    column.source_type = std::move(type);
    if (binary_ && column.as_text)
      return fail(ErrorKind::Transient, kTextStreamNeeded,
                  fmt::format("table {}, column {} is of type {} now", bound.job.source_text, column.name,
                              column.source_type.name));
  }
  return altered ? std::shared_ptr<const std::vector<BoundColumn>>(std::move(altered)) : bound_[route.table];
}

}  // namespace penstock::pipeline
