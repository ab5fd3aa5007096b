#pragma once

#include <vector>

#include "crds/crd.hpp"
#include "crds/pipe.hpp"

namespace penstock {

/// Rules over several fields of one spec; faults are appended.
void check_spec(const PipeSpec& spec, std::vector<FieldError>& faults);

/// What may not change from `before` to `now`: mostly what this version does not carry out yet. Until Setup
/// is over (status.source is recorded) tables and databases may, so that a misspelt one can be corrected;
/// mode, publication and slot only until a controller has seen the pipe; resync generations never.
void check_change(const Pipe& before, const PipeSpec& now, std::vector<FieldError>& faults);

}  // namespace penstock
