#pragma once

// What Setup finds the job's targets to be, and how they are made ready.

#include <chrono>
#include <set>
#include <string>
#include <vector>

#include "dataplane/clickhouse/owner.hpp"
#include "dataplane/pipeline/job.hpp"

namespace penstock::pipeline {

/// What a table is found to be, and what is to be made of it.
struct Making {
  TableJob job;
  clickhouse::TargetDefinition definition;
  std::vector<Error> faults;
  std::vector<std::string> lost;  ///< TableReport::lost
};

[[nodiscard]] clickhouse::TakeOver take_over_of(const PipeJob& job);

/// What is there, read for all targets at once. It may be out of date by the time that a target is made.
struct TargetsLook {
  clickhouse::TargetTables tables;  ///< the targets, and those with their `_resync` names
  std::set<std::string> filled;     ///< targets that hold rows, where that is still to be told
};
[[nodiscard]] Result<TargetsLook> look_at_targets(const PipeJob& pipe, clickhouse::Client& client);

/// Settles `load` and `staged` of the making's job where they are not, by the tables that are there, and adds
/// what keeps the target from being made so to its faults.
[[nodiscard]] Status settle_target(const PipeJob& pipe, Making& making, const TargetsLook& look,
                                   clickhouse::Client& client);

/// Makes them until `until` has passed, one in any case, and tells for each whether it is made. One after the
/// other, by the names of their targets: two pipes that want the same ones do not hold each other up. An
/// absent target takes one statement; whose each is is looked at again when all are there.
[[nodiscard]] Result<std::vector<bool>> make_tables(const PipeJob& pipe, const std::vector<Making>& makings,
                                                    const TargetsLook& look,
                                                    std::chrono::steady_clock::time_point until,
                                                    clickhouse::Client& client);

}  // namespace penstock::pipeline
