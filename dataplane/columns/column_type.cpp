#include "dataplane/columns/column_type.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <optional>
#include <utility>
#include <vector>

namespace penstock {

namespace {

using Kind = ColumnType::Kind;

constexpr std::array<std::pair<std::string_view, Kind>, 16> kPlain{{
    {"Bool", Kind::Bool},
    {"Int8", Kind::Int8},
    {"Int16", Kind::Int16},
    {"Int32", Kind::Int32},
    {"Int64", Kind::Int64},
    {"UInt8", Kind::UInt8},
    {"UInt16", Kind::UInt16},
    {"UInt32", Kind::UInt32},
    {"UInt64", Kind::UInt64},
    {"Float32", Kind::Float32},
    {"Float64", Kind::Float64},
    {"String", Kind::String},
    {"UUID", Kind::Uuid},
    {"Date", Kind::Date},
    {"Date32", Kind::Date32},
    {"DateTime", Kind::DateTime},
}};

std::string_view trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ')
    text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ')
    text.remove_suffix(1);
  return text;
}

/// Types nested deeper than this are the server's affair: reading them recurses.
constexpr int kDeepest = 32;

/// `Name(arguments)` or `Name`; nothing for text that is neither.
struct Call {
  std::string_view name;
  std::vector<std::string_view> arguments;
};

/// The arguments between the parentheses, split at commas that no quote or inner parenthesis holds.
std::optional<std::vector<std::string_view>> split_arguments(std::string_view text) {
  std::vector<std::string_view> arguments;
  std::size_t start = 0;
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted && c == '\\') {
      ++i;
    } else if (c == '\'') {
      quoted = !quoted;
    } else if (!quoted && c == '(') {
      if (++depth > kDeepest) return std::nullopt;
    } else if (!quoted && c == ')') {
      if (--depth < 0) return std::nullopt;
    } else if (!quoted && c == ',' && depth == 0) {
      arguments.push_back(trim(text.substr(start, i - start)));
      start = i + 1;
    }
  }
  if (quoted || depth != 0) return std::nullopt;
  arguments.push_back(trim(text.substr(start)));
  return arguments;
}

std::optional<Call> parse_call(std::string_view text) {
  const auto open = text.find('(');
  if (open == std::string_view::npos) return Call{text, {}};
  if (text.back() != ')') return std::nullopt;
  auto arguments = split_arguments(text.substr(open + 1, text.size() - open - 2));
  if (!arguments) return std::nullopt;
  return Call{trim(text.substr(0, open)), *std::move(arguments)};
}

/// The whole of `text` as a number in [low, high].
std::optional<int> parse_bounded(std::string_view text, int low, int high) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < low || value > high) return {};
  return value;
}

bool is_text_literal(std::string_view argument) {
  return argument.size() >= 2 && argument.front() == '\'' && argument.back() == '\'';
}

/// Decimal, Decimal(p), Decimal(p, s), and DecimalN(s), whose precision is the most that N bits hold.
bool read_decimal(const Call& call, ColumnType& type) {
  constexpr std::array<std::pair<std::string_view, int>, 4> kSized{
      {{"Decimal32", 9}, {"Decimal64", 18}, {"Decimal128", 38}, {"Decimal256", 76}}};
  int precision = 0;
  std::string_view scale = "0";
  for (const auto& [name, digits] : kSized) {
    if (call.name != name) continue;
    if (call.arguments.size() != 1) return false;
    precision = digits;
    scale = call.arguments[0];
  }
  if (precision == 0) {
    if (call.name != "Decimal" || call.arguments.size() > 2) return false;
    precision = call.arguments.empty() ? 10 : parse_bounded(call.arguments[0], 1, 76).value_or(0);
    if (call.arguments.size() == 2) scale = call.arguments[1];
  }
  const auto digits = parse_bounded(scale, 0, precision);
  if (precision == 0 || !digits) return false;
  type.kind = Kind::Decimal;
  type.precision = precision;
  type.scale = *digits;
  return true;
}

/// DateTime('zone'), DateTime64[(p[, 'zone'])], Time64[(p)]. The zone only matters to who prints the value.
bool read_time(const Call& call, ColumnType& type) {
  const auto& arguments = call.arguments;
  if (call.name == "DateTime") {
    type.kind = Kind::DateTime;
    return arguments.size() == 1 && is_text_literal(arguments[0]);
  }
  const bool date_time = call.name == "DateTime64";
  if (!date_time && call.name != "Time64") return false;
  if (arguments.size() > (date_time ? 2 : 1)) return false;
  if (arguments.size() == 2 && !is_text_literal(arguments[1])) return false;
  const auto precision = arguments.empty() ? 3 : parse_bounded(arguments[0], 0, 9);
  type.kind = date_time ? Kind::DateTime64 : Kind::Time64;
  type.precision = precision.value_or(0);
  return precision.has_value();
}

/// Nullable(T) and LowCardinality(T) are T with a flag. Neither can hold an array.
bool read_wrapper(const Call& call, ColumnType& type) {
  const bool nullable = call.name == "Nullable";
  if ((!nullable && call.name != "LowCardinality") || call.arguments.size() != 1) return false;
  type = ColumnType::parse(call.arguments[0]);
  if (type.kind == Kind::Array) return false;
  (nullable ? type.nullable : type.low_cardinality) = true;
  return true;
}

bool read_type(std::string_view text, ColumnType& type) {
  for (const auto& [name, kind] : kPlain) {
    if (text != name) continue;
    type.kind = kind;
    return true;
  }
  const auto call = parse_call(text);
  if (!call) return false;
  if (call->name == "Array" && call->arguments.size() == 1) {
    type.kind = Kind::Array;
    type.element = std::make_shared<const ColumnType>(ColumnType::parse(call->arguments[0]));
    return true;
  }
  return read_wrapper(*call, type) || read_decimal(*call, type) || read_time(*call, type);
}

std::string base_text(const ColumnType& type) {
  switch (type.kind) {
    case Kind::Decimal:
      return fmt::format("Decimal({}, {})", type.precision, type.scale);
    case Kind::DateTime:
      return "DateTime('UTC')";
    case Kind::DateTime64:
      return fmt::format("DateTime64({}, 'UTC')", type.precision);
    case Kind::Time64:
      return fmt::format("Time64({})", type.precision);
    case Kind::Array:
      return fmt::format("Array({})", type.element->wire_text());
    case Kind::UInt128:
      return "UInt128";
    default:
      break;
  }
  for (const auto& [name, kind] : kPlain) {
    if (kind == type.kind) return std::string(name);
  }
  return "String";
}

}  // namespace

ColumnType ColumnType::parse(std::string_view text) {
  text = trim(text);
  ColumnType type;
  if (!read_type(text, type)) {
    type = ColumnType{};
    type.kind = Kind::Other;
  }
  type.text = text;
  return type;
}

ColumnType ColumnType::uint128() {
  ColumnType type;
  type.kind = Kind::UInt128;
  type.text = "UInt128";
  return type;
}

std::string ColumnType::wire_text() const {
  return nullable ? fmt::format("Nullable({})", base_text(*this)) : base_text(*this);
}

}  // namespace penstock
