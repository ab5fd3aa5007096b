#pragma once

// Which row of the target a change is of. The target tells its rows apart by its sorting key; a change names
// its row by the replica identity of the table that it was made in. Where the two differ, applying it would
// be a guess. Pure.

#include <optional>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "dataplane/postgres/catalog.hpp"
#include "dataplane/postgres/pgoutput.hpp"

namespace penstock::pipeline {

/// By what rows of one relation are named in the stream.
struct RowNaming {
  postgres::ReplicaIdentity identity = postgres::ReplicaIdentity::Default;
  std::vector<std::string> key;  ///< of Default and Index: the columns, in any order
};

/// As a Relation message says it (PostgreSQL docs, "Logical Replication Message Formats").
[[nodiscard]] RowNaming naming_of(const postgres::pgoutput::Relation& relation);

/// Whether changes named so carry every column of the target's sorting key: these columns, or more of them.
[[nodiscard]] bool names_rows_by(const RowNaming& naming, const std::vector<std::string>& target_key);

/// Whether the source keeps rows apart by these columns, or by fewer of them, at every moment.
[[nodiscard]] bool is_unique(const postgres::SourceTable& table, const std::vector<std::string>& target_key);

/// Why changes of this table, as the catalog has it, could not be applied to a target with this sorting key;
/// nullopt: they can. Looks at every heap: rows are logged by the replica identity of the heap that they are
/// in. Kind Quarantine, reason ReplicaIdentityChanged or KeyNotUnique.
[[nodiscard]] std::optional<Error> identity_fault(const std::string& source,
                                                  const postgres::SourceTable& table,
                                                  const std::vector<std::string>& target_key);

/// The same of one relation: `part` is its name where it is a part of the table.
[[nodiscard]] Error naming_fault(const std::string& source, const std::string& part, const RowNaming& naming,
                                 const std::vector<std::string>& target_key);

}  // namespace penstock::pipeline
