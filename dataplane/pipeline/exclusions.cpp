// Columns that are kept from the target, and may have come under another name.

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "dataplane/pipeline/source_definition.hpp"

namespace penstock::pipeline {
namespace {

bool holds(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// By the manifest, which still says so. What only the publication's column list left out, or the manifest
/// has no more, is let in.
bool was_excluded(const TableJob& job, const DefinedColumn& before) {
  return before.excluded && holds(job.excluded_columns, before.name);
}

/// The names of columns before the one of this name, as far as both tables have them.
std::set<std::string> before_it(const std::string& name, const std::vector<std::string>& names,
                                const std::vector<std::string>& others) {
  std::set<std::string> out;
  for (const auto& one : names) {
    if (one == name) break;
    if (holds(others, one)) out.insert(one);
  }
  return out;
}

Error exclusion_in_doubt(const TableJob& job, const std::string& column, const std::string& what) {
  return {ErrorKind::Quarantine, "ExcludedColumnInDoubt",
          fmt::format("column {} of table {} was excluded, and {}", column, job.source_text, what),
          "Name the excluded columns as they are named now (excludedColumns), or take the table out of "
          "spec.tables and put it back; it is loaded then"};
}

/// Setup saw every excluded column: one that is not there any more may be there under another name.
std::optional<Error> missing_exclusion(const TableJob& job, const postgres::SourceTable& table) {
  for (const auto& name : job.excluded_columns)
    if (std::none_of(table.columns.begin(), table.columns.end(),
                     [&](const auto& column) { return column.name == name && column.attribute_number != 0; }))
      return exclusion_in_doubt(job, name, "is not there under that name any more");
  return std::nullopt;
}

/// Another table under the same name, a copy by and large: its columns come in the same order then.
std::optional<Error> moved_exclusion(const TableJob& job, const SourceDefinition& former,
                                     const postgres::SourceTable& table) {
  std::vector<std::string> before, now;
  for (const auto& column : former.columns)
    before.push_back(column.name);
  for (const auto& column : table.columns)
    if (column.attribute_number != 0) now.push_back(column.name);
  for (const auto& column : former.columns)
    if (was_excluded(job, column) && holds(now, column.name) &&
        before_it(column.name, before, now) != before_it(column.name, now, before))
      return exclusion_in_doubt(job, column.name,
                                "is in another place of the table that has its name now: the two may have "
                                "traded names before");
  return std::nullopt;
}

}  // namespace

std::optional<Error> renamed_exclusion(const TableJob& job, const postgres::SourceTable& table) {
  const auto former = SourceDefinition::parse(job.former_definition);
  if (!former || former->oid != table.oid) {
    auto missing = missing_exclusion(job, table);
    return missing || !former ? missing : moved_exclusion(job, *former, table);
  }
  for (const auto& column : table.columns) {
    const auto* before = by_number(*former, column.attribute_number);
    if (before && was_excluded(job, *before) && !holds(job.excluded_columns, column.name))
      return exclusion_in_doubt(job, before->name, fmt::format("is named {} now", column.name));
  }
  return replaced_exclusion(job, *former, define(job, table, {}, nullptr));
}

std::optional<Error> replaced_exclusion(const TableJob& job, const SourceDefinition& known,
                                        const SourceDefinition& now) {
  const auto fresh = std::find_if(now.columns.begin(), now.columns.end(), [&](const auto& column) {
    return !column.generated && !column.excluded && !by_number(known, column.number);
  });
  if (fresh == now.columns.end()) return std::nullopt;
  for (const auto& column : known.columns)
    if (was_excluded(job, column) && !column.gone && !by_number(now, column.number) &&
        !by_name(now, column.name))
      return exclusion_in_doubt(job, column.name,
                                "was dropped when " + fresh->name + " came, which may be it, renamed");
  return std::nullopt;
}

std::optional<Error> exclusion_fault(const TableJob& job, const postgres::SourceTable& table) {
  if (job.definition.empty()) return renamed_exclusion(job, table);
  const auto known = SourceDefinition::parse(job.definition);
  return known ? replaced_exclusion(job, *known, define(job, table, {}, nullptr)) : std::nullopt;
}

}  // namespace penstock::pipeline
