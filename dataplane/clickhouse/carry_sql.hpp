#pragma once

// What carry_tombstones() says to the server. Pure.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/clickhouse/target.hpp"

namespace penstock::clickhouse {

/// A column that both tables have.
struct CarriedColumn {
  std::string name;
  std::string from;   ///< its type in the target
  std::string to;     ///< and in the staging table
  bool cast = false;  ///< a value may be none of the staging table's type; then it is not carried
  bool operator==(const CarriedColumn&) const = default;
};

struct Carry {
  std::string database, target, staging;
  std::string version_type;        ///< of the target: an earlier build's is UInt64
  std::vector<CarriedColumn> key;  ///< the staging table's sorting key; `cast`: not the same type text
  std::vector<CarriedColumn> others;
};

/// Nothing where one of the tables is no ReplacingMergeTree with our control columns, or `target` lacks a
/// column of `staging`'s sorting key.
[[nodiscard]] std::optional<Carry> plan_carry(const TargetTable& target, const TargetTable& staging);

/// Fails on the server when values of `column.from` cannot be cast to `column.to`.
[[nodiscard]] std::string probe_cast_sql(const CarriedColumn& column);

/// How many tombstones `target` has, many of one key counted each.
[[nodiscard]] std::string count_tombstones_sql(const Carry& carry);

/// INSERT … SELECT of the keys that fall into `slice` of `slices`, each of which is a scan of both tables'
/// key columns and holds no more in memory than the hashes of the slice's tombstones.
[[nodiscard]] std::string carry_sql(const Carry& carry, std::uint64_t slice, std::uint64_t slices);

}  // namespace penstock::clickhouse
