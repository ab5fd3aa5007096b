#pragma once

#include "crds/pipe.hpp"

namespace penstock {

/// Brings every text of the status into what the schema in crds/ takes: valid UTF-8, no longer than its
/// maxLength, lists no longer than their maxItems. What an API server would refuse would keep the whole
/// status from being written, and with it a pause or a deletion from being honoured.
void keep_within_schema(PipeStatus& status);

}  // namespace penstock
