#include "tests/types/random_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <set>

namespace penstock::types {
namespace {

constexpr int kSamples = 16;

std::string literal(const std::string& text, const std::string& type) {
  std::string out = "E'";
  for (const char c : text)
    out += c == '\'' || c == '\\' ? std::string("\\") + c : std::string(1, c);
  return fmt::format("{}'::{}", out, type);
}

bool is_enum(const std::string& declaration) {
  return declaration == "mood" || declaration == "gladness";
}

std::string numeric_target(const std::string& declaration) {
  int precision = 0, scale = 0;
  if (declaration.ends_with("price")) return "Decimal(7, 2)";  // domains over it
  if (std::sscanf(declaration.c_str(), "numeric(%d,%d)", &precision, &scale) != 2) return "Decimal(76, 38)";
  if (scale < 0) precision -= scale, scale = 0;
  precision = std::max(precision, scale);
  return precision <= 76 ? fmt::format("Decimal({}, {})", precision, scale) : "String";
}

std::string documented_scalar(const SourceType& type) {
  switch (type.family) {
    case Family::Bool:
      return "Bool";
    case Family::Integer:
      return type.declaration == "int2" ? "Int16" : type.declaration == "int4" ? "Int32" : "Int64";
    case Family::Float4:
      return "Float32";
    case Family::Float8:
      return "Float64";
    case Family::Numeric:
      return numeric_target(type.declaration);
    case Family::Date:
      return "Date32";
    case Family::Timestamp:
      return "DateTime64(6, 'UTC')";
    case Family::Time:
      return "Time64(6)";
    default:
      return type.declaration == "uuid" ? "UUID" : "String";
  }
}

std::string chosen_target(const RandomColumn& column, Random& random) {
  const auto& targets = column.type.targets;
  auto out = targets.empty() || random.chance(20) ? "String" : random.of(targets);
  if (out.starts_with("Array(")) return out;
  if (column.nullable) out = "Nullable(" + out + ")";
  return out.ends_with("String)") && random.chance(30) && !out.starts_with("Nullable(Fixed")
             ? "LowCardinality(" + out + ")"
             : out;
}

/// Values of the column's type, told apart by what becomes of them.
void take_samples(RandomColumn& column, Random& random, test::PostgresSession& session) {
  std::set<std::string> literals;
  for (int at = 0; at < kSamples; ++at)
    literals.insert(literal(column.type.value(random), column.type.declaration));
  std::string list;
  for (const auto& one : literals)
    list += fmt::format("{}SELECT {} v", list.empty() ? "" : " UNION ALL ", one);
  const auto rows = session.query("SELECT v FROM (" + list + ") s");
  auto row = rows.begin();
  for (const auto& one : literals) {
    const Sample sample{one, row++->at(0)};
    const bool fits = expected(column.rule(), sample.printed).kind != Expected::Kind::Unrepresentable;
    (fits ? column.good : column.bad).push_back(sample);
  }
  if (column.good.empty() && !column.nullable) return;
  if (column.nullable) column.good.push_back({"NULL", std::nullopt});
  std::swap(column.good.front(), column.good[static_cast<std::size_t>(
                                     random.number(0, static_cast<std::int64_t>(column.good.size()) - 1))]);
}

/// Whether what the manifest wants is made of the value's text output, and not of its binary form.
bool needs_text(const RandomColumn& column) {
  const auto& type = column.type.element ? *column.type.element : column.type;
  const bool is_text =
      type.family == Family::Text || type.family == Family::Bytea || type.family == Family::Bool;
  const auto wants = [&](const char* target) { return column.wanted.find(target) != std::string::npos; };
  if (wants("Int128") || wants("Int256")) return true;  // UInt128 and UInt256 as well
  if (!wants("String")) return false;
  return !is_text || type.declaration == "uuid" || (column.type.element && !wants("Array("));
}

SourceType any_type(Random& random, const std::vector<SourceType>& types, Form form, int version) {
  for (;;) {
    SourceType type = random.chance(12) ? any_numeric(random, version) : random.of(types);
    if (random.chance(30)) type = array_of(type);
    if (form == Form::Any || type.binary) return type;
  }
}

RandomColumn any_column(Random& random, const std::vector<SourceType>& types, Form form, int version) {
  RandomColumn out;
  out.type = any_type(random, types, form, version);
  out.nullable = random.chance(65);
  if (random.chance(40)) out.wanted = chosen_target(out, random);
  if (form != Form::Any && needs_text(out)) out.wanted.clear();
  out.null_if_unrepresentable = random.chance(25);
  return out;
}

RandomColumn key_column(Random& random, const std::vector<SourceType>& types, Form form) {
  RandomColumn out;
  do
    out.type = random.of(types);
  while (!out.type.key || (form != Form::Any && !out.type.binary));
  out.key = true;
  out.nullable = false;
  if (random.chance(15)) out.wanted = "String";
  if (form != Form::Any && needs_text(out)) out.wanted.clear();
  return out;
}

}  // namespace

TypeRule RandomColumn::rule() const {
  return {type.family, type.element ? type.element->family : Family::Other, target, key,
          null_if_unrepresentable};
}

std::string RandomColumn::text() const {
  return fmt::format("{} {}{}{}{}{}", name, type.declaration, nullable ? "" : " NOT NULL",
                     key ? " in the key" : "", wanted.empty() ? "" : " as " + wanted,
                     null_if_unrepresentable ? ", unrepresentable: Null" : "");
}

std::string documented_type(const SourceType& type, bool nullable) {
  if (type.declaration == "vector(3)") return "Array(Float32)";
  if (type.family == Family::Array) return fmt::format("Array({})", documented_type(*type.element, true));
  auto out = documented_scalar(type);
  if (nullable) out = "Nullable(" + out + ")";
  return is_enum(type.declaration) ? "LowCardinality(" + out + ")" : out;
}

std::vector<SourceType> types_of(test::PostgresSession& session, std::vector<std::string>& left_out) {
  std::set<std::string> extensions;
  for (const auto& row : session.query("SELECT name FROM pg_available_extensions"))
    extensions.insert(row[0]);
  const int version = std::stoi(session.value("SELECT current_setting('server_version_num')")) / 10000;
  std::vector<SourceType> out;
  for (auto& type : source_types()) {
    if (!type.extension.empty() && !extensions.contains(type.extension))
      left_out.push_back(fmt::format("{}: the server has no extension {}", type.declaration, type.extension));
    else if (type.since > version)
      left_out.push_back(fmt::format("{}: the server is of version {}", type.declaration, version));
    else
      out.push_back(std::move(type));
  }
  return out;
}

RandomTable random_table(Random& random, const std::vector<SourceType>& types, test::PostgresSession& session,
                         int server_version) {
  RandomTable out;
  out.form = random.of(std::vector<Form>{Form::Any, Form::Binary, Form::Text});
  out.full_identity = random.chance(25);
  const auto count = static_cast<std::size_t>(random.number(3, 12));
  while (out.columns.size() < count) {
    const bool key = out.columns.empty() && random.chance(30);
    auto column =
        key ? key_column(random, types, out.form) : any_column(random, types, out.form, server_version);
    column.name = fmt::format("c{}", out.columns.size() + 1);
    column.target = column.wanted.empty() ? documented_type(column.type, column.nullable) : column.wanted;
    take_samples(column, random, session);
    if (!column.good.empty()) out.columns.push_back(std::move(column));
  }
  return out;
}

RandomColumn random_column(Random& random, const std::vector<SourceType>& types,
                           test::PostgresSession& session, int server_version) {
  for (;;) {
    RandomColumn out;
    out.type = any_type(random, types, Form::Any, server_version);
    out.nullable = random.chance(50);
    out.target = documented_type(out.type, out.nullable);
    take_samples(out, random, session);
    if (!out.good.empty()) return out;
  }
}

}  // namespace penstock::types
