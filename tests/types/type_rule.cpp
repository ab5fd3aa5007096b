#include "tests/types/type_rule.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <optional>

#include "tests/types/moment_text.hpp"
#include "tests/types/number_forms.hpp"

namespace penstock::types {
namespace {

using Kind = Expected::Kind;

const Expected kUnrepresentable{Kind::Unrepresentable};

std::string inside(const std::string& type, const std::string& wrapper) {
  return type.substr(wrapper.size(), type.size() - wrapper.size() - 1);
}

std::string bare(const std::string& type) {
  for (const std::string wrapper : {"Nullable(", "LowCardinality("})
    if (type.starts_with(wrapper)) return bare(inside(type, wrapper));
  return type;
}

bool takes_null(const std::string& type) {
  return type.starts_with("Nullable(") || type.starts_with("LowCardinality(Nullable(");
}

bool is_float(Family family) {
  return family == Family::Float4 || family == Family::Float8;
}

bool is_number(Family family) {
  return family == Family::Integer || family == Family::Numeric || is_float(family);
}

/// What a String holds: the text output, the bytes of a bytea.
std::string bytes_of(Family family, const std::string& printed) {
  if (family != Family::Bytea) return printed;
  std::string out;
  for (std::size_t at = 2; at + 1 < printed.size(); at += 2)
    out += static_cast<char>(std::stoi(printed.substr(at, 2), nullptr, 16));
  return out;
}

/// Int16, UInt64, Int128: how many bits, and whether one is a sign.
std::optional<std::pair<int, bool>> integer_type(const std::string& type) {
  const bool is_unsigned = type.starts_with("UInt");
  if (!is_unsigned && !type.starts_with("Int")) return std::nullopt;
  return std::pair{std::atoi(type.c_str() + (is_unsigned ? 4 : 3)), !is_unsigned};
}

/// The whole number that the text says, when it has at most 38 digits.
std::optional<Wide> whole_number(Family family, const std::string& printed) {
  if (is_float(family)) {  // its exact value: it is printed with fewer digits
    const double value = family == Family::Float4 ? std::strtof(printed.c_str(), nullptr)
                                                  : std::strtod(printed.c_str(), nullptr);
    if (!(std::fabs(value) < 1e30) || value != std::trunc(value)) return std::nullopt;
    return static_cast<Wide>(value);
  }
  const auto number = digits_of(printed);
  if (!number || (!number->digits.empty() && number->exponent < 0)) return std::nullopt;
  if (number->digits.empty()) return 0;
  if (static_cast<long>(number->digits.size()) + number->exponent > 38) return std::nullopt;
  Wide out = 0;
  for (const char c : number->digits)
    out = out * 10 + (c - '0');
  out *= power_of_ten(static_cast<int>(number->exponent));
  return number->negative ? -out : out;
}

Expected integer(int bits, bool is_signed, Family family, const std::string& printed) {
  if (family == Family::Bool) return {Kind::Value, printed == "t" ? "1" : "0"};
  const auto number = whole_number(family, printed);
  if (!number) return kUnrepresentable;
  const Wide low = is_signed ? -(Wide{1} << (bits - 1)) : 0;
  const Wide high = (Wide{1} << (is_signed ? bits - 1 : bits)) - 1;
  if (*number < low || *number > high) return kUnrepresentable;
  return {Kind::Value, text_of(*number)};
}

/// 2^bits in decimal digits.
std::string power_of_two(int bits) {
  std::string out = "1";
  for (; bits > 0; --bits) {
    int carry = 0;
    for (auto at = out.rbegin(); at != out.rend(); ++at) {
      const int twice = (*at - '0') * 2 + carry;
      *at = static_cast<char>('0' + twice % 10);
      carry = twice / 10;
    }
    if (carry > 0) out.insert(0, 1, '1');
  }
  return out;
}

/// More bits than arithmetic has here: by the digits.
Expected wide_integer(int bits, bool is_signed, const std::string& printed) {
  const auto number = digits_of(printed);
  if (!number || number->exponent < 0 || number->exponent > 80)
    return number && number->digits.empty() ? Expected{Kind::Value, "0"} : kUnrepresentable;
  if (number->digits.empty()) return {Kind::Value, "0"};
  if (number->negative && !is_signed) return kUnrepresentable;
  const auto whole = number->digits + std::string(static_cast<std::size_t>(number->exponent), '0');
  const auto limit = power_of_two(is_signed ? bits - 1 : bits);
  const bool below = whole.size() != limit.size() ? whole.size() < limit.size() : whole < limit;
  if (!below && !(number->negative && whole == limit)) return kUnrepresentable;
  return {Kind::Value, (number->negative ? "-" : "") + whole};
}

Expected boolean(Family family, const std::string& printed) {
  const bool may_be_word = family == Family::Bool || family == Family::Text;
  if (may_be_word && (printed == "t" || printed == "true")) return {Kind::Value, "true"};
  if (may_be_word && (printed == "f" || printed == "false")) return {Kind::Value, "false"};
  const auto number = whole_number(family, printed);
  if (!number || *number < 0 || *number > 1) return kUnrepresentable;
  return {Kind::Value, *number == 1 ? "true" : "false"};
}

Expected decimal(const std::string& target, const std::string& printed) {
  const long precision = std::atol(target.c_str() + target.find('(') + 1);
  const long scale = std::atol(target.c_str() + target.find(',') + 1);
  const auto number = digits_of(printed);
  if (!number) return kUnrepresentable;  // NaN, Infinity
  if (number->digits.empty()) return {Kind::Value, "0"};
  const bool fits = number->exponent >= -scale &&
                    static_cast<long>(number->digits.size()) + number->exponent <= precision - scale;
  return fits ? Expected{Kind::Value, number->text()} : kUnrepresentable;
}

template <typename Float>
Float parsed(const std::string& text) {
  if constexpr (std::is_same_v<Float, float>) return std::strtof(text.c_str(), nullptr);
  return static_cast<Float>(std::strtod(text.c_str(), nullptr));
}

/// Whether the number lies just between two floats: it is read as one of them by a rule alone. The wider type
/// holds what lies between, and prints all of its digits.
template <typename Float>
bool lies_between(const Digits& number, const std::string& printed, Float value) {
  const long double wide = std::strtold(printed.c_str(), nullptr);
  if (wide == value) return false;
  const Float end =
      wide > value ? std::numeric_limits<Float>::infinity() : -std::numeric_limits<Float>::infinity();
  if (wide - value != static_cast<long double>(std::nextafter(value, end)) - wide) return false;
  std::string digits(400, '\0');
  digits.resize(static_cast<std::size_t>(std::snprintf(digits.data(), digits.size(), "%.300Lg", wide)));
  return digits_of(digits) == number;
}

template <typename Float>
bool gives_back(Float value, const Digits& number) {
  for (int digits = 0; digits < std::numeric_limits<Float>::max_digits10; ++digits) {
    const auto text = fmt::format("{:.{}e}", value, digits);
    const auto shorter = digits_of(text);
    if (parsed<Float>(text) != value || lies_between(*shorter, text, value)) continue;
    return *shorter == number;
  }
  return false;
}

/// An integer must be held exactly; any other number must be read back as it was.
template <typename Float>
Expected floating(Family family, const std::string& printed) {
  const bool same_width = family == (sizeof(Float) == 4 ? Family::Float4 : Family::Float8);
  if (same_width) return {Kind::Value, bits_of(parsed<Float>(printed))};
  if (family == Family::Float4) return {Kind::Value, bits_of(static_cast<Float>(parsed<float>(printed)))};
  const auto value = parsed<Float>(printed);
  if (printed == "NaN" || printed == "Infinity" || printed == "-Infinity")
    return {Kind::Value, bits_of(value)};
  const auto number = digits_of(printed);
  if (!number || !std::isfinite(value)) return kUnrepresentable;
  const bool exact = family == Family::Integer ? static_cast<Wide>(value) == *whole_number(family, printed)
                                               : gives_back(value, *number);
  return exact ? Expected{Kind::Value, bits_of(value)} : kUnrepresentable;
}

Expected moment(const std::string& target, bool key, const std::string& printed) {
  const auto micros = micros_of_moment(printed);
  if (!micros) return kUnrepresentable;
  const auto ticks = ticks_of(target, *micros);
  if (ticks.clamped && key) return kUnrepresentable;
  return {Kind::Value, text_of(ticks.value), ticks.clamped};
}

Expected time_of_day(const std::string& target, const std::string& printed) {
  const auto picos = picos_of_time(printed);
  if (!picos || *picos > 86'400 * power_of_ten(12)) return kUnrepresentable;
  return {Kind::Value, text_of(*picos / power_of_ten(12 - fraction_digits(target)))};
}

bool is_uuid(const std::string& text) {
  if (text.size() != 36) return false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const bool dash = at == 8 || at == 13 || at == 18 || at == 23;
    if (dash ? text[at] != '-' : std::isxdigit(static_cast<unsigned char>(text[at])) == 0) return false;
  }
  return true;
}

bool has_label(const std::string& type, const std::string& label) {
  std::string quoted = "'";
  for (const char c : label)
    quoted += c == '\'' || c == '\\' ? std::string("\\") + c : std::string(1, c);
  return type.find(quoted + "' = ") != std::string::npos;
}

Expected scalar(const TypeRule& rule, const std::string& type, const std::string& printed) {
  if (type.starts_with("JSON")) return {Kind::Unruled};
  const bool number = is_number(rule.family) || rule.family == Family::Text;
  if (type == "Bool") return boolean(rule.family, printed);
  if (const auto size = integer_type(type); size && size->first > 64)
    return wide_integer(size->first, size->second, printed);
  if (const auto size = integer_type(type); size && (number || rule.family == Family::Bool))
    return integer(size->first, size->second, rule.family, printed);
  if (type.starts_with("Decimal") && number) return decimal(type, printed);
  if (type == "Float32" && number) return floating<float>(rule.family, printed);
  if (type == "Float64" && number) return floating<double>(rule.family, printed);
  if (type.starts_with("Date")) return moment(type, rule.key, printed);
  if (type.starts_with("Time64")) return time_of_day(type, printed);
  if (type.starts_with("Enum") && !has_label(type, printed)) return kUnrepresentable;
  if (type == "UUID") return is_uuid(printed) ? Expected{Kind::Value, printed} : kUnrepresentable;
  return {Kind::Value, bytes_of(rule.family, printed)};
}

/// Where NULL may stand for what the target cannot hold.
Expected or_null(const TypeRule& rule, Expected outcome, bool nullable, const Expected& instead) {
  if (outcome.kind != Kind::Unrepresentable || !rule.null_if_unrepresentable || !nullable) return outcome;
  return instead;
}

std::string hex_of(const std::string& bytes) {
  std::string out;
  for (const unsigned char c : bytes)
    out += fmt::format("{:02X}", c);
  return out;
}

Expected array(const TypeRule& rule, const std::string& printed) {
  const auto element_type = inside(rule.target, "Array(");
  const auto elements = test::array_elements(printed);
  if (!elements) return kUnrepresentable;
  TypeRule inner = rule;
  inner.family = rule.element;
  inner.target = element_type;
  Expected out;
  for (const auto& one : *elements) {
    const auto each = expected(inner, one);
    if (each.kind == Kind::Unrepresentable || each.kind == Kind::Unruled) return each;
    out.moved = out.moved || each.moved;
    out.text += (out.text.empty() ? "" : ",") + (each.kind == Kind::Null ? "N" : "V" + hex_of(each.text));
  }
  return out;
}

}  // namespace

Expected expected(const TypeRule& rule, const test::Value& printed) {
  const bool is_array = rule.target.starts_with("Array(");
  const bool nullable = takes_null(rule.target);
  if (is_array && rule.family == Family::Other) return {Kind::Unruled};  // pgvector's
  if (is_array) {
    if (!printed) return {Kind::Value, ""};  // ClickHouse has no nullable arrays
    return or_null(rule, array(rule, *printed), true, {Kind::Value, "", true});
  }
  if (!printed) return nullable ? Expected{Kind::Null} : kUnrepresentable;
  return or_null(rule, scalar(rule, bare(rule.target), *printed), nullable, {Kind::Null, "", true});
}

std::string found(const std::string& target, const std::string& selected) {
  if (target.starts_with("Array(")) {
    std::string out;
    for (std::size_t at = 0; at < selected.size();) {
      const auto end = std::min(selected.find(',', at), selected.size());
      const auto each = selected.substr(at, end - at);
      const auto bytes = bytes_of(Family::Bytea, " " + each);
      out +=
          (at == 0 ? "" : ",") + (each == "N" ? each : "V" + hex_of(found(inside(target, "Array("), bytes)));
      at = end + 1;
    }
    return out;
  }
  const auto type = bare(target);
  if (type == "Float32") return bits_of(parsed<float>(selected));
  if (type == "Float64") return bits_of(parsed<double>(selected));
  if (type.starts_with("Decimal")) return digits_of(selected).value_or(Digits{false, "?", 0}).text();
  if (type.starts_with("Date64") || type.starts_with("DateTime64") || type.starts_with("Date")) {
    // Nanoseconds are more than moments are read with.
    const auto point = selected.find('.');
    const auto micros = micros_of_moment(selected).value_or(-1);
    const int digits = fraction_digits(type);
    if (!type.starts_with("DateTime64") || digits <= 6 || point == std::string::npos)
      return text_of(ticks_of(type, micros).value);
    const auto beyond = std::atol(selected.substr(point + 7).c_str());
    return text_of(micros * power_of_ten(digits - 6) + beyond);
  }
  if (type.starts_with("Time64"))
    return text_of(picos_of_time(selected).value_or(-1) / power_of_ten(12 - fraction_digits(type)));
  return selected;
}

}  // namespace penstock::types
