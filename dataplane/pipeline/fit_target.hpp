#pragma once

#include "dataplane/pipeline/setup.hpp"

namespace penstock::pipeline {

/// What is known of the targets before they are made to fit.
struct FitLook {
  clickhouse::TargetTables targets;
  clickhouse::TypeTexts types;  ///< of what they should be
  TargetFeatures features;
};

/// Before a load writes to a target that was made when the source had another definition: columns added since
/// are added, columns that may be NULL by now are made Nullable, but for those of the sorting key and those
/// whose type the manifest says. False: it fitted already. Fails with kTableChanged where only a new target
/// does: a type or a key that is another one, a column that somebody has dropped from it. Safe to repeat.
[[nodiscard]] Result<bool> fit_target(const PipeJob& job, const TableJob& table,
                                      const postgres::SourceTable& source, clickhouse::Client& client,
                                      const FitLook& look);

/// bind_tables(), after each target was made to fit. One that cannot be is among the faults; what waiting
/// cures is the error of all.
[[nodiscard]] Result<BoundTables> bind_fitting(const PipeJob& job, clickhouse::Client& client);

}  // namespace penstock::pipeline
