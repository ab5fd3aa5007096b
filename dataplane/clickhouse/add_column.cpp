#include <fmt/format.h>

#include "core/log.hpp"
#include "dataplane/clickhouse/target.hpp"

namespace penstock::clickhouse {
namespace {

/// A PostgreSQL text value as a ClickHouse expression of the column's type; nullopt where there is no
/// telling.
std::optional<std::string> default_expression(const TargetColumn& column, const std::string& value) {
  const auto type = ColumnType::parse(column.type);
  switch (type.kind) {
    case ColumnType::Kind::Array:
    case ColumnType::Kind::Other:
      return std::nullopt;
    case ColumnType::Kind::Bool:
      return value == "t" ? "true" : "false";
    case ColumnType::Kind::DateTime:
    case ColumnType::Kind::DateTime64: {
      const bool utc = value.ends_with("+00");
      return fmt::format("CAST({}, {})", literal(utc ? value.substr(0, value.size() - 3) : value),
                         literal(column.type));
    }
    case ColumnType::Kind::String:
      // bytea prints as \\x…, and what a String holds of it are the bytes: only its own decoder tells the two
      // apart.
      if (value.starts_with("\\x")) return std::nullopt;
      return literal(value);
    default:
      return fmt::format("CAST({}, {})", literal(value), literal(column.type));
  }
}

}  // namespace

Status add_column(Client& client, const std::string& database, const std::string& table,
                  const TargetColumn& column, const std::optional<std::string>& old_value) {
  const auto plain = fmt::format("ALTER TABLE {}.{} ADD COLUMN IF NOT EXISTS {} {}", quote(database),
                                 quote(table), quote(column.name), column.type);
  const auto purpose = fmt::format("add column {} to {}.{}", column.name, database, table);
  const auto expression = old_value ? default_expression(column, *old_value) : std::nullopt;
  const auto commented = [&](const std::string& with, const char* comment) {
    return client.execute(
        {fmt::format("{}{} COMMENT {}", plain, with, literal(comment)), {}, false, true, purpose});
  };
  if (expression) {
    auto done = commented(" DEFAULT " + *expression, kFollowed);
    if (done || done.error().kind == ErrorKind::Transient || done.error().kind == ErrorKind::InDoubt)
      return done;
  }
  if (!old_value) return commented("", kFollowed);
  log::warn("clickhouse", "{}: rows from before read as the type's default until the table is resynced",
            purpose);
  return commented("", kFollowedWithoutDefault);
}

}  // namespace penstock::clickhouse
