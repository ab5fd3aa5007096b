#include "tests/support/row_diff.hpp"

#include <fmt/format.h>

#include <map>
#include <sstream>

namespace penstock::test {
namespace {

struct Expressions {
  std::string source, target;  // both without tabs and line breaks: hex of the text
};

Expressions expressions_of(const std::string& name, const std::string& type) {
  const auto pg = '"' + name + '"';
  const auto ch = '`' + name + '`';
  std::string source =
      fmt::format("CASE WHEN {0} IS DISTINCT FROM NULL THEN concat({0}) END", pg);  // as output
  std::string target = "toString(" + ch + ")";
  if (type == "boolean") {
    source = fmt::format("CASE {} WHEN true THEN 'true' WHEN false THEN 'false' END", pg);
  } else if (type.starts_with("timestamp")) {
    source = fmt::format("to_char({}, 'YYYY-MM-DD HH24:MI:SS.US')",
                         type.ends_with("with time zone") ? pg + " AT TIME ZONE 'UTC'" : pg);
  } else if (type == "bytea") {
    source = fmt::format("encode({}, 'hex')", pg);
    target = fmt::format("lower(hex({}))", ch);
  } else if (type == "double precision") {
    source = fmt::format("encode(float8send({}), 'hex')", pg);
    target = fmt::format("lower(hex(reverse(unhex(hex({})))))", ch);
  } else if (type.ends_with("[]")) {
    source = fmt::format(
        "coalesce((SELECT string_agg(coalesce(e::text, 'NULL'), '|' ORDER BY o) FROM unnest({}) WITH "
        "ORDINALITY AS u(e, o)), '')",
        pg);
    target = fmt::format("arrayStringConcat(arrayMap(x -> ifNull(toString(x), 'NULL'), {}), '|')", ch);
  } else if (type == "numeric") {
    source = fmt::format("trim_scale({})::text", pg);
    target = fmt::format("toString({})", ch);
  }
  return {fmt::format("coalesce(encode(convert_to({}, 'UTF8'), 'hex'), 'NULL')", source),
          fmt::format("ifNull(lower(hex({})), 'NULL')", target)};
}

std::map<std::string, std::string> by_key(const Rows& rows) {
  std::map<std::string, std::string> out;
  for (const auto& row : rows) {
    std::string line;
    for (const auto& value : row)
      line += value + '\t';
    out[row.front()] += line;
  }
  return out;
}

Rows rows_of(const std::string& tsv) {
  Rows out;
  std::istringstream lines(tsv);
  for (std::string line; std::getline(lines, line);) {
    auto& row = out.emplace_back();
    std::istringstream fields(line);
    for (std::string field; std::getline(fields, field, '\t');)
      row.push_back(field);
  }
  return out;
}

}  // namespace

std::string row_diff(const PostgresServer& postgres, const std::string& database, const std::string& table,
                     EngineServer& engine, const std::string& target_database, const std::string& target) {
  const auto columns =
      postgres.query(fmt::format("SELECT attname, format_type(atttypid, CASE WHEN atttypid = "
                                 "'numeric'::regtype THEN NULL ELSE atttypmod END),"
                                 " coalesce(attnum = ANY(i.indkey), false) FROM pg_attribute LEFT JOIN "
                                 "pg_index i ON i.indrelid = attrelid AND i.indisprimary"
                                 " WHERE attrelid = '{}'::regclass AND attnum > 0 AND NOT attisdropped AND "
                                 "attgenerated = '' ORDER BY attnum",
                                 table),
                     database);
  std::string key_source, key_target, source, target_list;
  for (const auto& column : columns) {
    const auto both = expressions_of(column[0], column[1]);
    if (column[2] == "t") {
      key_source += (key_source.empty() ? "" : " || '/' || ") + both.source;
      key_target += (key_target.empty() ? "" : ", '/', ") + both.target;
    }
    source += ", " + both.source;
    target_list += ", " + both.target;
  }
  if (key_target.find(',') == std::string::npos) key_target += ", ''";
  const auto wanted =
      by_key(postgres.query(fmt::format("SELECT {}{} FROM {}", key_source, source, table), database));
  const auto found =
      by_key(rows_of(engine.query(fmt::format("SELECT concat({}){} FROM `{}`.`{}` FINAL FORMAT TSV",
                                              key_target, target_list, target_database, target))));
  std::string out;
  int shown = 0;
  for (const auto& [key, row] : wanted) {
    const auto at = found.find(key);
    if (at != found.end() && at->second == row) continue;
    if (++shown > 3) break;
    out += fmt::format("{} {}: source\n  {}\ntarget\n  {}\n", table, key, row.substr(0, 600),
                       at == found.end() ? "(missing)" : at->second.substr(0, 600));
  }
  for (const auto& [key, row] : found)
    if (!wanted.contains(key) && ++shown <= 3) out += fmt::format("{} {}: in the target only\n", table, key);
  if (!out.empty())
    out += fmt::format("{} rows in the source, {} in the target\n", wanted.size(), found.size());
  return out;
}

}  // namespace penstock::test
