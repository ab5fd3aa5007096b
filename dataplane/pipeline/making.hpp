#pragma once

// What Setup finds the job's targets to be, and how they are made ready.

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

/// Settles `load` and `staged` of the making's job where they are not, by the tables that are there, and adds
/// what keeps the target from being made so to its faults.
[[nodiscard]] Status settle_target(const PipeJob& pipe, Making& making, clickhouse::Client& client);

/// Makes them, by the names of their targets: two pipes that want the same ones do not hold each other up.
[[nodiscard]] Status make_tables(const PipeJob& pipe, const std::vector<Making>& makings,
                                 clickhouse::Client& client);

}  // namespace penstock::pipeline
