#pragma once

#include <string_view>

#include "core/result.hpp"
#include "dataplane/clickhouse/client.hpp"

namespace penstock::clickhouse {

/// A whole result in the format TabSeparated, its escapes undone (ClickHouse docs, "TabSeparated"). Fails
/// (Transient, DestinationAnswerTorn) when the last line is not closed: the answer was cut off.
[[nodiscard]] Result<Rows> parse_tsv(std::string_view body);

}  // namespace penstock::clickhouse
