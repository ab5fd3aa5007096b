#pragma once

#include "dataplane/pipeline/binding.hpp"
#include "dataplane/postgres/pgoutput.hpp"

namespace penstock::pipeline {

/// Whether two values of a key's column, as the stream has them, are one value in the target: then a change
/// from one to the other is no change of the key, and a tombstone for the former would hide the new row. So
/// are 1 and 1.00 in a Decimal, and −0 and 0 in a Float, which differ in their bytes. `type`: of the target's
/// column. A value that the target cannot hold is like no other.
[[nodiscard]] bool same_key_value(const BoundColumn& column, const ColumnType& type,
                                  const postgres::pgoutput::Field& before,
                                  const postgres::pgoutput::Field& after);

}  // namespace penstock::pipeline
