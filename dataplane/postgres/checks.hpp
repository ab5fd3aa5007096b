#pragma once

// Setup's checks of the source: facts in, faults out, no I/O. Each fault has its own reason and cure; all are
// NeedsUser but SlotLost, which is Terminal.

#include <optional>
#include <string>
#include <vector>

#include "dataplane/postgres/catalog.hpp"

namespace penstock::postgres {

/// What the manifest asks of one table, as far as the source is concerned.
struct TableWish {
  TableName name;
  std::string source_text;  ///< as written in the manifest
  std::vector<std::string> excluded_columns;
  std::vector<std::string> named_columns;      ///< every column that the manifest names (overrides, orderBy)
  std::vector<std::string> order_by;           ///< empty: the key
  bool replacing = true;                       ///< engine ReplacingMergeTree
  std::vector<std::string> retyped_columns{};  ///< whose target type the manifest gives
};

struct SourceWish {
  bool streams = true;               ///< CDC, CDCOnly
  std::string publication;           ///< the user's; empty: ours
  std::string replication_slot;      ///< the user's; empty: ours
  bool slot_exists_already = false;  ///< ours is there: no free slot needed
  bool failover_slot = false;        ///< ours is to be kept on the standbys, too
  std::vector<TableWish> tables;
};

/// Every fault found, in the order a person would fix them; empty: fit to start.
/// `tables` is index for index what read_tables() answered for wish.tables, of a user's publication
/// narrow_to() it.
[[nodiscard]] std::vector<Error> check_source(const SourceWish& wish, const ServerFacts& server,
                                              const std::vector<std::optional<SourceTable>>& tables,
                                              const PublicationFacts& publication, const SlotFacts& slot);

/// SlotLost (Terminal) for the slot of a pipe that streams: it is not there any more, or the server has given
/// it up, which no waiting cures.
[[nodiscard]] std::optional<Error> slot_fault(const Endpoint& endpoint, const SlotFacts& slot);

}  // namespace penstock::postgres
