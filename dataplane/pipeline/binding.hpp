#pragma once

// How the columns of one source table meet those of its target: decided once from what both sides say of
// themselves, then used for every row of load and stream. Pure.

#include <cstdint>
#include <memory>
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
  bool as_text = false;  ///< selected as its text output in a load; its table cannot be streamed in binary
  FieldDecoder decoder;
  bool null_if_unrepresentable = false;
};

/// Block layout: the bound columns in order, then version, deleted and, on append-only targets, commit LSN.
struct Binding {
  TableName source;
  std::string source_text;
  std::string target;
  std::vector<BoundColumn> columns;
  std::vector<Block::Field> fields;
  std::string insert_sql;
  bool append_only = false;  ///< MergeTree, Null: a log of changes
  bool readable = true;      ///< false for Null: nothing can be asked of it
  bool ignore_truncate = false;
  std::vector<std::string> key;  ///< the target's sorting key, column names

  [[nodiscard]] std::size_t version_index() const { return columns.size(); }
  [[nodiscard]] std::size_t deleted_index() const { return columns.size() + 1; }
  [[nodiscard]] std::size_t commit_index() const { return columns.size() + 2; }
  [[nodiscard]] std::vector<postgres::CopyColumn> copy_columns() const;
  [[nodiscard]] bool binary_stream() const;
};

/// The table that Setup makes for `job`: types by the mapping or the override, sorting key by orderBy,
/// replica identity or primary key.
[[nodiscard]] clickhouse::TargetDefinition define_target(const PipeJob& pipe, const TableJob& job,
                                                         const postgres::SourceTable& source,
                                                         const TargetFeatures& features);

/// Binds the source's columns to the target's by name. A source column that the target lacks is left out
/// (Setup refuses that; a column added later is followed by the stream).
[[nodiscard]] Binding bind(const TableJob& job, const postgres::SourceTable& source,
                           const clickhouse::TargetTable& target);

/// Columns of the source that take part: neither generated nor excluded.
[[nodiscard]] std::vector<const postgres::SourceColumn*> taken_columns(const TableJob& job,
                                                                       const postgres::SourceTable& source);

/// "public.orders.amount, key (id)=(7): …": the error for a value that the target cannot hold.
[[nodiscard]] Error unrepresentable(const Binding& binding, const BoundColumn& column, const std::string& key,
                                    FieldOutcome outcome);

}  // namespace penstock::pipeline
