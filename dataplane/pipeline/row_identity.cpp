#include "dataplane/pipeline/row_identity.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace penstock::pipeline {
namespace {

using postgres::ReplicaIdentity;

bool holds(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool holds_all(const std::vector<std::string>& names, const std::vector<std::string>& wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const auto& name) { return holds(names, name); });
}

/// PostgreSQL keeps what a replica identity consists of unique; fewer columns it need not.
bool is_whole_key(const RowNaming& naming, const std::vector<std::string>& target_key) {
  return naming.identity != ReplicaIdentity::Full && naming.key.size() == target_key.size() &&
         holds_all(naming.key, target_key);
}

std::string named_by(const RowNaming& naming) {
  if (naming.identity == ReplicaIdentity::Full) return "all its columns (REPLICA IDENTITY FULL)";
  if (naming.identity == ReplicaIdentity::Nothing) return "nothing (REPLICA IDENTITY NOTHING)";
  if (naming.key.empty()) return "nothing: it has no usable key";
  return fmt::format("({})", fmt::join(naming.key, ", "));
}

}  // namespace

RowNaming naming_of(const postgres::pgoutput::Relation& relation) {
  RowNaming out;
  out.identity = relation.replica_identity == 'f'   ? ReplicaIdentity::Full
                 : relation.replica_identity == 'n' ? ReplicaIdentity::Nothing
                 : relation.replica_identity == 'i' ? ReplicaIdentity::Index
                                                    : ReplicaIdentity::Default;
  if (out.identity == ReplicaIdentity::Full) return out;  // every column is marked then
  for (const auto& column : relation.columns)
    if (column.key) out.key.emplace_back(column.name);
  return out;
}

bool names_rows_by(const RowNaming& naming, const std::vector<std::string>& target_key) {
  if (naming.identity == ReplicaIdentity::Full) return true;
  return naming.identity != ReplicaIdentity::Nothing && !target_key.empty() &&
         holds_all(naming.key, target_key);
}

bool is_unique(const postgres::SourceTable& table, const std::vector<std::string>& target_key) {
  return std::any_of(table.unique_keys.begin(), table.unique_keys.end(),
                     [&](const auto& key) { return holds_all(target_key, key.columns); });
}

Error naming_fault(const std::string& source, const std::string& part, const RowNaming& naming,
                   const std::vector<std::string>& target_key) {
  return {
      ErrorKind::Quarantine, "ReplicaIdentityChanged",
      fmt::format("{}{} identifies its rows by {}, and the target by ({}): which row a change is of "
                  "cannot be told",
                  part.empty() ? "table " : fmt::format("{}, a part of table ", part), source,
                  named_by(naming), fmt::join(target_key, ", ")),
      "Restore the primary key or the replica identity (ALTER TABLE … REPLICA IDENTITY); with another key "
      "the table is reloaded automatically"};
}

std::optional<Error> identity_fault(const std::string& source, const postgres::SourceTable& table,
                                    const std::vector<std::string>& target_key) {
  if (table.kind != 'r' && table.kind != 'p') return std::nullopt;
  bool whole = true;
  if (table.heaps.empty()) {
    const RowNaming naming{table.identity, table.identity_key};
    if (!names_rows_by(naming, target_key)) return naming_fault(source, "", naming, target_key);
    whole = is_whole_key(naming, target_key);
  }
  for (const auto& heap : table.heaps) {
    const RowNaming naming{heap.identity, heap.identity_key};
    if (!names_rows_by(naming, target_key))
      return naming_fault(source, heap.oid == table.oid ? "" : heap.name.text(), naming, target_key);
    whole = whole && is_whole_key(naming, target_key);
  }
  if (whole || is_unique(table, target_key)) return std::nullopt;
  return Error{
      ErrorKind::Quarantine, "KeyNotUnique",
      fmt::format("table {} has no unique, not deferrable key within ({}), by which the target tells "
                  "its rows apart: rows could be merged into one",
                  source, fmt::join(target_key, ", ")),
      "Restore the key; or set engine: MergeTree for the table"};
}

}  // namespace penstock::pipeline
