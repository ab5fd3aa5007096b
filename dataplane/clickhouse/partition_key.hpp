#pragma once

#include <string>
#include <vector>

#include "core/result.hpp"
#include "dataplane/clickhouse/client.hpp"

namespace penstock::clickhouse {

struct TargetDefinition;

/// An expression that a server has looked through: it stands in a statement as it is.
struct PartitionKey {
  std::string sql;                   ///< in parentheses
  std::vector<std::string> columns;  ///< of the target, that it uses
  bool operator==(const PartitionKey&) const = default;
};

/// What a manifest's partitionBy may be: one expression of the target's columns, made of functions whose
/// value their arguments alone decide. The definition's types are the server's. Nothing of the text is sent
/// before it is known to end where it ends, and nothing of it is carried out: the server parses it, knows its
/// functions, and gives its type. Fails with PartitionByInvalid (NeedsUser), saying what is in it that may
/// not be, and what may.
[[nodiscard]] Result<PartitionKey> check_partition_by(Client& client, const TargetDefinition& definition,
                                                      const Settings& settings);

/// The refusal: "target `shop`.`orders`: partitionBy "…" <what>".
[[nodiscard]] Error partition_by_invalid(const TargetDefinition& definition, const std::string& what);

}  // namespace penstock::clickhouse
