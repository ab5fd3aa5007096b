#pragma once

// What the rows of a target were made from: the source table's definition, remembered with each load, and how
// the table has come to differ from it. The stream brings rows; what changes their meaning without moving one
// (a column that is replaced by another of its name, an enum's label renamed, a publication altered) is only
// in the catalog. Pure.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/pipeline/job.hpp"
#include "dataplane/postgres/catalog.hpp"
#include "dataplane/postgres/pgoutput.hpp"

namespace penstock::pipeline {

struct DefinedColumn {
  int number = 0;  ///< pg_attribute.attnum: tells columns apart that bear one name after another
  std::string name;
  std::uint32_t type = 0;
  std::int32_t typmod = -1;
  bool generated = false;
  bool excluded = false;   ///< by the manifest, under the name that it had then, or by the column list
  std::string type_parts;  ///< SourceColumn::type_parts
  bool published = true;   ///< false: outside of the publication's column list, and so excluded
  bool gone = false;       ///< an excluded one that was dropped, when no other had come in its place
  std::vector<std::uint32_t> reprinted_from{};  ///< SourceColumn::reprinted_from; of now alone: not in text()
  bool operator==(const DefinedColumn&) const = default;
};

struct SourceDefinition {
  std::uint32_t oid = 0;  ///< pg_class.oid
  char persistence = 'p';
  int last_number =
      0;  ///< SourceTable::last_number up to which the stream's columns are told apart; 0: not known
  int seen_number = 0;                     ///< that of the last look
  std::vector<DefinedColumn> columns;      ///< in the order of their numbers
  std::vector<std::uint32_t> unique_keys;  ///< UniqueKey::oid of those within the target's key
  /// PublishedTable::incarnation, and those of children that are published in part; empty: not streamed.
  std::string publication;
  bool operator==(const SourceDefinition&) const = default;

  /// For the status; parse() takes it back. nullopt: not such a text.
  [[nodiscard]] std::string text() const;
  [[nodiscard]] static std::optional<SourceDefinition> parse(const std::string& text);
};

/// null: it has none.
[[nodiscard]] const DefinedColumn* by_number(const SourceDefinition& definition, int number);
[[nodiscard]] const DefinedColumn* by_name(const SourceDefinition& definition, std::string_view name);

/// `target_key`: the sorting key of its target. `publication`: null where nothing is streamed.
[[nodiscard]] SourceDefinition define(const TableJob& job, const postgres::SourceTable& table,
                                      const std::vector<std::string>& target_key,
                                      const postgres::PublicationFacts* publication);

/// Whether the column is kept from the target: by the manifest, by what it was when the target was loaded
/// (`known`, under whatever name), or, where it came later, by the column list.
[[nodiscard]] bool is_excluded(const TableJob& job, const SourceDefinition* known,
                               const postgres::SourceColumn& column);

/// Before a load: a column that the manifest excluded bears another name now, under which it would be let in,
/// or may, in another table of the same name. ExcludedColumnInDoubt (Quarantine).
[[nodiscard]] std::optional<Error> renamed_exclusion(const TableJob& job, const postgres::SourceTable& table);
/// Of a table that streams: an excluded column is gone, and one came that may be it: dropped, added again
/// and renamed between two looks. ExcludedColumnInDoubt (Quarantine).
[[nodiscard]] std::optional<Error> replaced_exclusion(const TableJob& job, const SourceDefinition& known,
                                                      const SourceDefinition& now);
/// The first of these of a table whose load has not begun, where its definition is noted; the second once it
/// has.
[[nodiscard]] std::optional<Error> exclusion_fault(const TableJob& job, const postgres::SourceTable& table);

/// How rows of the target may differ from the source's, by what the catalog says now; empty: in no way that
/// it shows. Columns that were added since are not among it: the stream follows them.
[[nodiscard]] std::vector<std::string> differences(const SourceDefinition& known,
                                                   const SourceDefinition& now);

/// `known` with the columns of `other` that it does not have: what two have found out about one table.
[[nodiscard]] SourceDefinition joined(SourceDefinition known, const SourceDefinition& other);
/// The same of texts; what is not one is left out.
[[nodiscard]] std::string joined(const std::string& known, const std::string& other);

/// `known` with the columns that were added and are in the target by now.
[[nodiscard]] SourceDefinition with_followed(SourceDefinition known, const SourceDefinition& now,
                                             const std::vector<std::string>& target_columns);

/// `known`, which its differences from `now` have been told of. Numbers of columns that came and went between
/// two looks are passed only when the stream is behind them: it may still bring what was written to them.
[[nodiscard]] SourceDefinition with_numbers(SourceDefinition known, const SourceDefinition& now,
                                            bool stream_has_passed);
/// `known` with the types that its columns have now: for when their rows were found to be the same.
[[nodiscard]] SourceDefinition with_types(SourceDefinition known, const SourceDefinition& now);

/// What a Relation message tells of a definition that the catalog no longer shows: names that were changed
/// and changed back. `known`: of the load. `now`: of the present.
[[nodiscard]] std::vector<std::string> passing_differences(const SourceDefinition& known,
                                                           const SourceDefinition& now,
                                                           const postgres::pgoutput::Relation& relation);

/// Of a Relation message of the table or of a child: columns whose type was altered since without a row being
/// written anew, to one whose values have another text. `now`: of the table.
[[nodiscard]] std::vector<std::string> passing_types(const SourceDefinition& now,
                                                     const postgres::pgoutput::Relation& relation);

/// The columns of a part (a partition, or a child of plain inheritance) as those of its root that they are:
/// by the names that both have now, in the part's own order.
[[nodiscard]] SourceDefinition as_in_part(const SourceDefinition& root, const SourceDefinition& root_now,
                                          const postgres::SourceTable& part);

/// Names that excluded columns had when the relation's rows were written: an exclusion holds for the column,
/// whatever its name. nullopt: it cannot be told which columns these are.
[[nodiscard]] std::optional<std::vector<std::string>> excluded_names(
    const SourceDefinition& known, const SourceDefinition& now, const postgres::pgoutput::Relation& relation);

}  // namespace penstock::pipeline
