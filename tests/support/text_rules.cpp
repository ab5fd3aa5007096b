#include "tests/support/text_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace penstock::test {
namespace {

constexpr const char* kFirstDay = "1900-01-01";
constexpr const char* kLastDay = "2299-12-31";

/// The type in Nullable(…) and LowCardinality(…).
std::string bare(std::string type) {
  for (const std::string wrapper : {"Nullable(", "LowCardinality("})
    if (type.starts_with(wrapper)) return bare(type.substr(wrapper.size(), type.size() - wrapper.size() - 1));
  return type;
}

bool is_array(const std::string& type) {
  return type.starts_with("Array(");
}

std::string element_of(const std::string& type) {
  return type.substr(6, type.size() - 7);
}

std::string hex_of(const std::string& bytes) {
  std::string out;
  for (const unsigned char c : bytes)
    out += fmt::format("{:02X}", c);
  return out;
}

std::string bytes_of(const std::string& printed) {
  std::string out;
  for (std::size_t at = 2; at + 1 < printed.size(); at += 2)
    out += static_cast<char>(std::stoi(printed.substr(at, 2), nullptr, 16));
  return out;
}

std::string without_zeros_at_the_end(std::string number) {
  if (number.find('.') == std::string::npos) return number;
  while (number.back() == '0')
    number.pop_back();
  if (number.back() == '.') number.pop_back();
  return number;
}

std::string decimal(const std::string& number) {
  auto out = without_zeros_at_the_end(number);
  return out == "-0" ? "0" : out;
}

std::string single(const std::string& number) {
  const float value = std::strtof(number.c_str(), nullptr);
  return std::isnan(value) ? "nan" : fmt::format("{:a}", value);
}

std::string twice(const std::string& number) {
  const double value = std::strtod(number.c_str(), nullptr);
  return std::isnan(value) ? "nan" : fmt::format("{:a}", value);
}

/// "2020-01-01 00:00:00.1+00", "infinity", "0044-03-15 BC", "20000-01-01" into the range of Date32.
std::string day_in_range(const std::string& printed, bool clamped, const std::string& first,
                         const std::string& last) {
  if (!clamped) return printed;
  if (printed == "infinity") return last;
  if (printed == "-infinity" || printed.ends_with(" BC")) return first;
  const auto year = std::stol(printed);
  return year < 1900 ? first : year > 2299 ? last : printed;
}

std::string instant(std::string printed, bool clamped) {
  if (printed.ends_with("+00")) printed.resize(printed.size() - 3);
  return without_zeros_at_the_end(day_in_range(printed, clamped, std::string(kFirstDay) + " 00:00:00",
                                               std::string(kLastDay) + " 23:59:59.999999"));
}

/// One value that is neither NULL nor an array.
std::string plain(const TextRule& rule, const std::string& printed) {
  const auto type = bare(rule.target_type);
  if (type == "Bool") return printed == "t" ? "true" : printed == "f" ? "false" : printed;
  if (type == "Float32") return single(printed);
  if (type == "Float64") return twice(printed);
  if (type.starts_with("Decimal")) return decimal(printed);
  if (type == "Date32") return day_in_range(printed, !rule.key, kFirstDay, kLastDay);
  if (type.starts_with("DateTime64")) return instant(printed, !rule.key);
  if (type.starts_with("Time64")) return without_zeros_at_the_end(printed);
  if (type == "String" && rule.bytea && printed.starts_with("\\x")) return bytes_of(printed);
  return printed;
}

/// One element: what NULL is cannot be taken for a text.
std::string element(const TextRule& rule, const Value& printed) {
  return printed ? "V" + hex_of(plain(rule, *printed)) : "N";
}

/// "NULL" without quotes is one.
Value read_element(const std::string& text, std::size_t& at) {
  std::string out;
  const bool quoted = text[at] == '"';
  if (quoted) ++at;
  while (at < text.size() && (quoted ? text[at] != '"' : text[at] != ',' && text[at] != '}')) {
    if (text[at] == '\\') ++at;
    if (at < text.size()) out += text[at++];
  }
  if (quoted) ++at;
  return quoted || out != "NULL" ? Value(out) : std::nullopt;
}

}  // namespace

std::optional<std::vector<Value>> array_elements(const std::string& text) {
  std::size_t at = text.find('{');  // lower bounds stand before it: [0:1]={1,2}
  if (at == std::string::npos || (text[0] != '[' && at != 0)) return std::nullopt;
  std::vector<Value> out;
  if (text.substr(at) == "{}") return out;
  while (text[at] != '}') {
    if (++at >= text.size() || text[at] == '{') return std::nullopt;
    out.push_back(read_element(text, at));
    if (at >= text.size()) return std::nullopt;
  }
  return out;
}

Value TextRule::expected(const Value& printed) const {
  if (!is_array(target_type)) return printed ? Value(plain(*this, *printed)) : std::nullopt;
  if (!printed) return "";  // ClickHouse has no nullable arrays
  const auto elements = array_elements(*printed);
  if (!elements) return "not one-dimensional: " + *printed;
  const TextRule inner{element_of(target_type), bytea, key};
  std::string out;
  for (const auto& each : *elements)
    out += (out.empty() ? "" : ",") + element(inner, each);
  return out;
}

Value TextRule::found(const Value& selected) const {
  if (!selected) return selected;
  const TextRule reread{is_array(target_type) ? element_of(target_type) : target_type, false, true};
  const auto again = [&](const std::string& text) {
    return bare(reread.target_type) == "Bool" ? text : plain(reread, text);
  };
  if (!is_array(target_type)) return again(*selected);
  std::string out;
  for (std::size_t at = 0; at < selected->size();) {
    const auto end = std::min(selected->find(',', at), selected->size());
    const auto each = selected->substr(at, end - at);
    out += (at == 0 ? "" : ",") + (each == "N" ? each : "V" + hex_of(again(bytes_of(" " + each))));
    at = end + 1;
  }
  return out;
}

std::string TextRule::target_expression(const std::string& column) const {
  if (!is_array(target_type)) return fmt::format("CAST({} AS Nullable(String))", column);
  return fmt::format(
      "CAST(arrayStringConcat(arrayMap(x -> if(isNull(x), 'N', concat('V', hex(toString(assumeNotNull(x))))),"
      " {}), ',') AS Nullable(String))",
      column);
}

}  // namespace penstock::test
