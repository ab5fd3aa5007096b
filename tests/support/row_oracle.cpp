#include "tests/support/row_oracle.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <stdexcept>
#include <vector>

#include "tests/support/text_rules.hpp"

namespace penstock::test {
namespace {

struct Column {
  std::string name;
  TextRule rule;
};

/// Whole rows in an order of their own. A NULL and an empty text differ.
using RowTexts = std::vector<std::string>;

std::string quoted(const std::string& name, char quote) {
  std::string out(1, quote);
  for (const char c : name)  // ClickHouse reads escapes between backticks
    out += c == quote || (c == '\\' && quote == '`') ? std::string(2, c) : std::string(1, c);
  return out + quote;
}

std::string literal(const std::string& text) {
  std::string out = "'";
  for (const char c : text)
    out += c == '\'' || c == '\\' ? std::string("\\") + c : std::string(1, c);
  return out + "'";
}

// Domains count as what they are made of.
constexpr const char* kColumns =
    "SELECT attnum, attname, attgenerated <> '', (WITH RECURSIVE d AS (SELECT oid, typtype, typbasetype FROM "
    "pg_type WHERE oid = atttypid UNION ALL SELECT t.oid, t.typtype, t.typbasetype FROM d JOIN pg_type t ON "
    "t.oid = d.typbasetype WHERE d.typtype = 'd') SELECT format_type(oid, NULL) FROM d WHERE typtype <> "
    "'d'), "
    "attrelid FROM pg_attribute WHERE attrelid = to_regclass({}) AND attnum > 0 AND NOT attisdropped ORDER "
    "BY attnum";

Rows columns_of_source(PostgresSession& session, const std::string& table) {
  std::string name = "'";
  for (const char c : table)
    name += c == '\'' ? "''" : std::string(1, c);
  return session.query(fmt::format(kColumns, name + "'"));
}

struct TargetColumn {
  std::string type;
  bool key = false;
};

std::map<std::string, TargetColumn> columns_of_target(EngineServer& engine, const std::string& database,
                                                      const std::string& table) {
  std::map<std::string, TargetColumn> out;
  const auto text = engine.query(fmt::format(
      "SELECT name, type, is_in_sorting_key FROM system.columns WHERE database = {} AND table = {} FORMAT "
      "RowBinary",
      literal(database), literal(table)));
  std::size_t at = 0;
  const auto take = [&] {
    const auto size = static_cast<unsigned char>(text[at++]);
    if (size > 127) throw std::runtime_error("a name or type of more than 127 bytes");
    at += size;
    return text.substr(at - size, size);
  };
  while (at < text.size()) {
    const auto name = take();
    const auto type = take();
    out[name] = {type, text[at++] != 0};
  }
  return out;
}

void append(std::string& row, const Value& value) {
  row += value ? "V" + std::to_string(value->size()) + ":" + *value + ' ' : "NULL ";
}

/// What a publication has of a table: its filter, and the numbers of its columns, if it has a list.
struct PublishedPart {
  std::string filter;
  std::set<std::string> listed;
};

PublishedPart published_part(PostgresSession& session, const ReplicatedTable& table) {
  PublishedPart out;
  if (table.publication.empty() || session.query("SHOW server_version_num")[0][0] < "150000") return out;
  const auto entry = fmt::format(
      "pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid WHERE p.pubname = '{}' AND r.prrelid "
      "= "
      "to_regclass('{}')",
      table.publication, table.source);
  for (const auto& row : session.query("SELECT coalesce(pg_get_expr(prqual, prrelid), '') FROM " + entry))
    out.filter = row[0];
  for (const auto& row : session.query("SELECT unnest(prattrs::int2[])::text FROM " + entry))
    out.listed.insert(row[0]);
  return out;
}

RowTexts source_rows(PostgresSession& session, const std::string& table, const std::string& filter,
                     const std::vector<Column>& columns) {
  std::string list;
  for (const auto& column : columns)
    list += fmt::format("{}{}, {} IS NOT DISTINCT FROM NULL", list.empty() ? "" : ", ",
                        quoted(column.name, '"'), quoted(column.name, '"'));
  RowTexts out;
  const auto where = filter.empty() ? "" : " WHERE " + filter;
  for (const auto& row : session.query(fmt::format("SELECT {} FROM {}{}", list, table, where))) {
    auto& text = out.emplace_back();
    for (std::size_t at = 0; at < columns.size(); ++at)
      append(text, columns[at].rule.expected(row[2 * at + 1] == "t" ? Value{} : row[2 * at]));
  }
  std::sort(out.begin(), out.end());
  return out;
}

/// Reads Nullable(String) of RowBinary: a byte that is 1 for NULL, the length as LEB128, the bytes.
Value take_value(const std::string& bytes, std::size_t& at) {
  if (bytes.at(at++) != 0) return std::nullopt;
  std::size_t size = 0;
  for (int shift = 0;; shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes.at(at++));
    size |= static_cast<std::size_t>(byte & 0x7F) << shift;
    if (byte < 0x80) break;
  }
  at += size;
  return bytes.substr(at - size, size);
}

RowTexts target_rows(EngineServer& engine, const std::string& database, const std::string& table,
                     const std::vector<Column>& columns) {
  std::string list;
  for (const auto& column : columns)
    list += (list.empty() ? "" : ", ") + column.rule.target_expression(quoted(column.name, '`'));
  const auto bytes =
      engine.query(fmt::format("SELECT {} FROM {}.{} FINAL WHERE _penstock_deleted = 0 FORMAT RowBinary",
                               list, quoted(database, '`'), quoted(table, '`')));
  RowTexts out;
  for (std::size_t at = 0; at < bytes.size();) {
    auto& text = out.emplace_back();
    for (const auto& column : columns)
      append(text, column.rule.found(take_value(bytes, at)));
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::string shown(std::string row) {
  if (row.size() > 300) row = row.substr(0, 300) + "…";
  for (auto& c : row)
    if (static_cast<unsigned char>(c) < ' ') c = '?';
  return row;
}

std::string only_in(const char* side, const RowTexts& here, const RowTexts& there) {
  RowTexts odd;
  std::set_difference(here.begin(), here.end(), there.begin(), there.end(), std::back_inserter(odd));
  if (odd.empty()) return "";
  return fmt::format("only in the {} ({} rows): {}{}; ", side, odd.size(), shown(odd[0]),
                     odd.size() > 1 ? " and " + shown(odd[1]) : "");
}

/// `column`: of columns_of_source().
bool is_excluded_number(const ReplicatedTable& table, const std::vector<std::string>& column) {
  return column[4] == table.excluded_of && table.excluded_nums.contains(column[0]);
}

/// The columns to compare; what stands against it goes to `odd`.
std::vector<Column> columns_to_compare(const Rows& source, const std::map<std::string, TargetColumn>& target,
                                       const ReplicatedTable& table, const PublishedPart& part,
                                       std::string& odd) {
  std::vector<Column> out;
  for (const auto& column : source) {
    const auto& name = column[1];
    const auto at = target.find(name);
    const bool listed = part.listed.empty() || part.listed.contains(column[0]);
    if (table.excluded.contains(name) || is_excluded_number(table, column) || !listed) {
      if (at != target.end()) odd += "the target has excluded column " + name + "; ";
    } else if (column[2] == "t") {
      continue;  // generated
    } else if (at == target.end()) {
      odd += "the target lacks column " + name + "; ";
    } else {
      out.push_back({name, {at->second.type, column[3].starts_with("bytea"), at->second.key}});
    }
  }
  return out;
}

/// A table may be exchanged and dropped while it is asked.
bool is_held(EngineServer& engine, const std::string& database, const std::string& table,
             const std::string& column, const std::string& text) {
  const auto name = quoted(database, '`') + "." + quoted(table, '`');
  try {
    return engine.value(fmt::format("SELECT countIf(position(toString({}), {}) > 0) FROM {}",
                                    quoted(column, '`'), literal(text), name)) != "0";
  } catch (const std::exception&) {
    if (engine.value("EXISTS TABLE " + name) != "0") throw;
    return false;
  }
}

}  // namespace

void remember_excluded(PostgresSession& session, ReplicatedTable& table) {
  const auto columns = columns_of_source(session, table.source);
  if (!columns.empty() && columns[0][4] != table.excluded_of) {
    table.excluded_of = columns[0][4];
    table.excluded_nums.clear();
  }
  int last = 0;
  for (const auto& number : table.excluded_nums)
    last = std::max(last, std::stoi(number));
  for (const auto& column : columns)
    if (table.excluded.contains(column[1]) && std::stoi(column[0]) > last)
      table.excluded_nums.insert(column[0]);
}

void print_plainly(PostgresSession& session) {
  session.exec(
      "SET timezone = 'UTC'; SET datestyle = 'ISO'; SET intervalstyle = 'postgres'; SET bytea_output = "
      "'hex'; SET extra_float_digits = 1; SET statement_timeout = '20s'; SET lock_timeout = '2s'");
}

std::string table_difference(PostgresSession& session, EngineServer& engine,
                             const std::string& target_database, const ReplicatedTable& table) {
  const auto source = columns_of_source(session, table.source);
  if (source.empty()) return table.source + ": the source has no such table, or one without columns";
  const auto target = columns_of_target(engine, target_database, table.target);
  if (target.empty()) return table.source + ": there is no target";
  std::string odd;
  const auto part = published_part(session, table);
  const auto columns = columns_to_compare(source, target, table, part, odd);
  if (!columns.empty()) {
    const auto wanted = source_rows(session, table.source, part.filter, columns);
    const auto found = target_rows(engine, target_database, table.target, columns);
    if (wanted != found)
      odd += fmt::format("{}{}{} rows in the source, {} in the target", only_in("source", wanted, found),
                         only_in("target", found, wanted), wanted.size(), found.size());
  }
  if (odd.empty()) return "";
  std::string names;
  for (const auto& column : columns)
    names += " " + column.name;
  return fmt::format("{} ({}): {}", table.source, names.empty() ? names : names.substr(1), odd);
}

bool holds_in_the_open(PostgresSession& session, const ReplicatedTable& table, const std::string& text) {
  std::string list;
  for (const auto& column : columns_of_source(session, table.source)) {
    if (table.excluded.contains(column[1]) || is_excluded_number(table, column)) continue;
    // As text, bytea is in hex.
    const char* type = column[3] == "bytea" ? "bytea" : "text";
    list += fmt::format("{0}position('{1}'::{2} IN {3}::{2}) > 0", list.empty() ? "" : " OR ", text, type,
                        quoted(column[1], '"'));
  }
  return !list.empty() &&
         !session.query(fmt::format("SELECT 1 FROM {} WHERE {} LIMIT 1", table.source, list)).empty();
}

std::string where_held(EngineServer& engine, const std::string& database, const std::string& text) {
  const auto columns = engine.query(
      fmt::format("SELECT table, name FROM system.columns WHERE database = {} AND NOT startsWith(name, "
                  "'_penstock') FORMAT TSVRaw",
                  literal(database)));
  std::string out;
  for (std::size_t at = 0; at < columns.size();) {
    const auto tab = columns.find('\t', at);
    const auto end = columns.find('\n', tab);
    const auto table = columns.substr(at, tab - at);
    const auto name = columns.substr(tab + 1, end - tab - 1);
    at = end + 1;
    if (is_held(engine, database, table, name, text)) out += table + "." + name + " ";
  }
  return out;
}

}  // namespace penstock::test
