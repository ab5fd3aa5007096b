#pragma once

// Slots that are called as pipes' are and belong to no Pipe that is known here: left behind by one that was
// removed by force, or whose source was away when it was deleted; or another Penstock's. Pure.

#include <cstdint>
#include <string>
#include <vector>

#include "crds/pipe.hpp"

namespace penstock::adapters {

struct SeenSlot {
  std::string server;  ///< "host:port", as the Pipe that looked there calls it
  std::string database, name;
  std::int64_t retained_bytes = 0;  ///< of WAL
  bool operator==(const SeenSlot&) const = default;
};

/// Those of `seen` that are none of `pipes`', once each, by name.
[[nodiscard]] std::vector<SeenSlot> orphaned(const std::vector<SeenSlot>& seen,
                                             const std::vector<Pipe>& pipes);

inline constexpr const char* kOrphanedSlotMetric = "penstock_orphaned_slot_wal_retained_bytes";
inline constexpr const char* kOrphanedSlotQuestion =
    "How much WAL does a source keep for a slot whose Pipe is none that is known here?";

}  // namespace penstock::adapters
