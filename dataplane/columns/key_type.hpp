#pragma once

#include "dataplane/columns/column_type.hpp"
#include "dataplane/columns/pg_type.hpp"

namespace penstock {

/// Whether two different values of `source` never become one value of `target`, as a column of a sorting key
/// needs: rows whose keys meet are merged. A value that does not fit is refused, so a narrower integer keeps
/// values apart, and a DateTime of timestamps with fractions does not. False in doubt.
[[nodiscard]] bool keeps_apart(const PgType& source, const ColumnType& target);

}  // namespace penstock
