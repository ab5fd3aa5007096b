#include <fmt/format.h>

#include <algorithm>

#include "core/log.hpp"
#include "dataplane/clickhouse/key_text.hpp"
#include "dataplane/clickhouse/target.hpp"
#include "dataplane/columns/column.hpp"
#include "dataplane/columns/field_decoder.hpp"

namespace penstock::clickhouse {
namespace {

/// What a row with this value brings, in RowBinary; nullopt: none can have it, or its bytes there are others
/// (arrays), or the server makes it of text.
std::optional<std::string> bytes_of(const ColumnType& type, const OldValue& value) {
  if (type.kind == ColumnType::Kind::Array || type.kind == ColumnType::Kind::Other) return std::nullopt;
  Column column(type);
  const auto outcome = FieldDecoder(value.type, type, false).append(column, *value.text, WireForm::Text);
  if (outcome != FieldOutcome::Exact && outcome != FieldOutcome::Clamped) return std::nullopt;
  std::vector<std::string_view> pieces;
  column.pieces(pieces);
  std::string out;
  for (const auto piece : pieces)
    out += piece;
  return out;
}

std::string hex_of(std::string_view bytes) {
  std::string out;
  for (const char c : bytes)
    out += fmt::format("{:02X}", static_cast<unsigned char>(c));
  return out;
}

/// Expressions that the server may read as the value, those that people can read first.
std::vector<std::string> expressions_of(const TargetColumn& column, const ColumnType& type,
                                        const std::string& text, std::string_view bytes) {
  const auto cast = [&](const std::string& value) {
    return fmt::format("CAST({}, {})", value, literal(column.type));
  };
  const auto value = bytes.substr(type.nullable ? 1 : 0);
  switch (type.kind) {
    case ColumnType::Kind::Bool:
      return {value == std::string_view("\0", 1) ? "false" : "true"};
    case ColumnType::Kind::String: {
      std::size_t length = 0;  // a varint: the last of its bytes has no high bit
      while (length < value.size() && (static_cast<unsigned char>(value[length]) & 0x80) != 0)
        ++length;
      return {literal(value.substr(std::min(length + 1, value.size())))};
    }
    default:
      break;
  }
  const bool utc = text.ends_with("+00");
  const auto bare = literal(value_type(column.type));
  return {cast(literal(utc ? text.substr(0, text.size() - 3) : text)),
          cast(fmt::format("reinterpret(unhex('{}'), {})", hex_of(value), bare))};
}

bool is_passing(const Error& error) {
  return error.kind == ErrorKind::Transient || error.kind == ErrorKind::InDoubt;
}

/// The first that reads as these bytes: a server moves, cuts and rounds what it casts by rules of its own.
Result<std::optional<std::string>> default_expression(Client& client, const TargetColumn& column,
                                                      const OldValue& value) {
  if (!value.text || value.differs) return std::optional<std::string>{};
  const auto type = ColumnType::parse(column.type);
  const auto bytes = bytes_of(type, value);
  if (!bytes) return std::optional<std::string>{};
  for (auto& expression : expressions_of(column, type, *value.text, *bytes)) {
    const auto read = client.select(
        {fmt::format("SELECT hex(formatRow('RowBinary', CAST({}, {})))", expression, literal(column.type)),
         {}});
    if (!read && is_passing(read.error())) return fail(read.error());
    if (read && !read->empty() && read->front().front() == hex_of(*bytes))
      return std::optional(std::move(expression));
  }
  return std::optional<std::string>{};
}

}  // namespace

Status add_column(Client& client, const std::string& database, const std::string& table,
                  const TargetColumn& column, const OldValue& old_value) {
  const auto plain = fmt::format("ALTER TABLE {}.{} ADD COLUMN IF NOT EXISTS {} {}", quote(database),
                                 quote(table), quote(column.name), column.type);
  const auto purpose = fmt::format("add column {} to {}.{}", column.name, database, table);
  PENSTOCK_ASSIGN(const auto expression, default_expression(client, column, old_value));
  const auto commented = [&](const std::string& with, const char* comment) {
    return client.execute(
        {fmt::format("{}{} COMMENT {}", plain, with, literal(comment)), {}, false, true, purpose});
  };
  if (expression) {
    auto done = commented(" DEFAULT " + *expression, kFollowed);
    if (done || is_passing(done.error())) return done;
  }
  // An empty array is what ClickHouse reads where nothing was written.
  const bool empty = old_value.text == "{}" && column.type.starts_with("Array(");
  if ((!old_value.text || empty) && !old_value.differs) return commented("", kFollowed);
  log::warn("clickhouse", "{}: rows from before read as the type's default until the table is resynced",
            purpose);
  return commented("", kFollowedWithoutDefault);
}

Status modify_column(Client& client, const std::string& database, const std::string& table,
                     const TargetColumn& column) {
  return client.execute({fmt::format("ALTER TABLE {}.{} MODIFY COLUMN {} {}", quote(database), quote(table),
                                     quote(column.name), column.type),
                         {},
                         false,
                         true,
                         fmt::format("change the type of column {} of {}.{}", column.name, database, table),
                         {},
                         true});
}

}  // namespace penstock::clickhouse
