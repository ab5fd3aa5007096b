#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::clickhouse {

/// The parts of a key as system.tables shows it ("tenant_id, `odd name`, toDate(at)"): names come without
/// their quotes, other expressions as they are.
[[nodiscard]] std::vector<std::string> split_key(std::string_view key);

/// The length of the quoted text at the beginning of `text`, closing quote included; nullopt: not closed. A
/// backslash, or the quote before itself, lets a quote be one of the text (ClickHouse docs, "Syntax").
[[nodiscard]] std::optional<std::size_t> quoted_length(std::string_view text);

/// What quote() makes such a text of; in double quotes likewise.
[[nodiscard]] std::string unquoted_name(std::string_view quoted);

/// A type's text such that two types that store the same values alike compare equal: without blanks outside
/// of quotes and without time zones. `Decimal(10, 2)`: "Decimal(10,2)"; DateTime64(6, 'UTC'):
/// "DateTime64(6)".
[[nodiscard]] std::string comparable_type(std::string_view type);

/// Whether a column of type `present` takes every value of type `wanted` unchanged: the same type, or the
/// same one as Nullable or LowCardinality.
[[nodiscard]] bool type_holds(std::string_view present, std::string_view wanted);

/// Nullable(…) or LowCardinality(Nullable(…)).
[[nodiscard]] bool is_nullable(std::string_view type);

/// The type of the values, without LowCardinality and Nullable: `LowCardinality(Nullable(String))`: "String".
[[nodiscard]] std::string value_type(std::string_view type);

/// "ReplicatedReplacingMergeTree", "SharedReplacingMergeTree": the engine without what says where its parts
/// live.
[[nodiscard]] std::string_view plain_engine(std::string_view engine);

}  // namespace penstock::clickhouse
