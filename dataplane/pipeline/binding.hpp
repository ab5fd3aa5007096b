#pragma once

// How the columns of one source table meet those of its target: decided once from what both sides say of
// themselves, then used for every row of load and stream. Pure.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/clickhouse/target.hpp"
#include "dataplane/columns/column.hpp"
#include "dataplane/columns/field_decoder.hpp"
#include "dataplane/pipeline/job.hpp"
#include "dataplane/postgres/catalog.hpp"
#include "dataplane/postgres/copy_reader.hpp"

namespace penstock::pipeline {

struct BoundColumn {
  std::string name;
  PgType source_type;
  bool key = false;      ///< part of the target's sorting key
  bool exact = false;    ///< tells rows apart in the target: no value of it may be moved into its range
  bool settled = false;  ///< its target's type stays as it is: of a key, or chosen by the manifest
  bool as_text = false;  ///< selected as its text output in a load; its table cannot be streamed in binary
  FieldDecoder decoder;
  bool null_if_unrepresentable = false;
};

/// Inserts what the target does not have of rows that may have come before: `head`, their Native block as a
/// literal, `tail`. {first:UInt128} is the lowest version among them.
struct ResumeStatement {
  std::string head, tail;
};

/// Block layout: the bound columns in order, then version and deleted.
struct Binding {
  TableName source;
  std::string source_text;
  std::string target;
  std::vector<BoundColumn> columns;
  std::vector<Block::Field> fields;
  std::string insert_sql;
  /// Of an append-only target with partitions, where an insert becomes a part in each, one committed after
  /// the other. None: the highest version tells what is there.
  std::optional<ResumeStatement> resume;
  std::string log_version;   ///< of an append-only target's rows, as an expression
  bool append_only = false;  ///< MergeTree, Null: a log of changes
  bool readable = true;      ///< false for Null: nothing can be asked of it
  bool ignore_truncate = false;
  std::vector<std::string> key;  ///< the target's sorting key, column names; of a log, the source's key

  [[nodiscard]] std::size_t version_index() const { return columns.size(); }
  [[nodiscard]] std::size_t deleted_index() const { return columns.size() + 1; }
  [[nodiscard]] std::vector<postgres::CopyColumn> copy_columns() const;
  /// As ClickHouse writes them, of `columns`, by name.
  [[nodiscard]] std::map<std::string, std::string> column_types() const;
  [[nodiscard]] bool binary_stream() const;
};

/// The table that Setup makes for `job`: types by the mapping or the override, sorting key by orderBy,
/// replica identity or primary key.
[[nodiscard]] clickhouse::TargetDefinition define_target(const PipeJob& pipe, const TableJob& job,
                                                         const postgres::SourceTable& source,
                                                         const TargetFeatures& features);

/// What keeps an append-only target from being written to again after a crash: partitions by a column that we
/// do not write, so that nothing tells in which one a row is, or is not.
[[nodiscard]] std::optional<Error> check_log_partitions(const Binding& binding,
                                                        const clickhouse::TargetTable& target);

/// Binds the source's columns to the target's by name. A source column that the target lacks is left out
/// (Setup refuses that; a column added later is followed by the stream).
[[nodiscard]] Binding bind(const TableJob& job, const postgres::SourceTable& source,
                           const clickhouse::TargetTable& target);

/// Columns of the source that take part: neither generated nor excluded (is_excluded()).
[[nodiscard]] std::vector<const postgres::SourceColumn*> taken_columns(const TableJob& job,
                                                                       const postgres::SourceTable& source);

/// The table with these columns alone.
[[nodiscard]] postgres::SourceTable with_taken_columns(const TableJob& job,
                                                       const postgres::SourceTable& source);

/// "public.orders.amount, key (id)=(7): …": the error for a value that the target cannot hold.
[[nodiscard]] Error unrepresentable(const Binding& binding, const BoundColumn& column, const std::string& key,
                                    FieldOutcome outcome);

}  // namespace penstock::pipeline
