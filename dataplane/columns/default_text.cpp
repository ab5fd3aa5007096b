#include "dataplane/columns/default_text.hpp"

#include <array>
#include <string_view>
#include <utility>

namespace penstock {

namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kDefaults{{
    {"JSON", "{}"},
    {"IPv4", "0.0.0.0"},
    {"IPv6", "::"},
    {"Int128", "0"},
    {"Int256", "0"},
    {"UInt128", "0"},
    {"UInt256", "0"},
    {"BFloat16", "0"},
    {"Time", "00:00:00"},
}};

/// The first label of Enum8('it\'s' = 1, …): ClickHouse prints them by value, and the lowest is the default.
std::string first_label(std::string_view type) {
  const auto open = type.find('\'');
  std::string label;
  for (std::size_t i = open; i != std::string_view::npos && ++i < type.size() && type[i] != '\'';) {
    if (type[i] == '\\' && i + 1 < type.size()) ++i;
    label.push_back(type[i]);
  }
  return label;
}

}  // namespace

std::string default_text(const ColumnType& type) {
  const std::string_view name = std::string_view(type.text).substr(0, type.text.find('('));
  if (name == "Enum8" || name == "Enum16") return first_label(type.text);
  for (const auto& [known, text] : kDefaults) {
    if (name == known) return std::string(text);
  }
  return {};
}

}  // namespace penstock
