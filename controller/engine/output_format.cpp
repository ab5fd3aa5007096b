#include "controller/engine/output_format.hpp"

#include <array>

namespace penstock::engine {
namespace {

struct Rule {
  std::string_view prefix;
  std::string_view type;
};

// The first prefix that fits; longer ones stand before their own beginnings.
constexpr std::array<Rule, 16> kRules{{
    {"JSONEachRow", "application/x-ndjson; charset=UTF-8"},
    {"JSONStringsEachRow", "application/x-ndjson; charset=UTF-8"},
    {"JSONCompactEachRow", "application/x-ndjson; charset=UTF-8"},
    {"JSONCompactStringsEachRow", "application/x-ndjson; charset=UTF-8"},
    {"JSONObjectEachRow", "application/json; charset=UTF-8"},
    {"JSONLines", "application/x-ndjson; charset=UTF-8"},
    {"NDJSON", "application/x-ndjson; charset=UTF-8"},
    {"JSON", "application/json; charset=UTF-8"},
    {"TabSeparated", "text/tab-separated-values; charset=UTF-8"},
    {"TSV", "text/tab-separated-values; charset=UTF-8"},
    {"Pretty", "text/plain; charset=UTF-8"},
    {"Vertical", "text/plain; charset=UTF-8"},
    {"Values", "text/plain; charset=UTF-8"},
    {"Markdown", "text/markdown; charset=UTF-8"},
    {"XML", "application/xml; charset=UTF-8"},
    {"SQLInsert", "text/plain; charset=UTF-8"},
}};

}  // namespace

std::string content_type(std::string_view format) {
  if (format.starts_with("CSV")) {
    const bool header = format.find("WithNames") != std::string_view::npos;
    return std::string("text/csv; charset=UTF-8; header=") + (header ? "present" : "absent");
  }
  for (const auto& rule : kRules) {
    if (format.starts_with(rule.prefix)) return std::string(rule.type);
  }
  return "application/octet-stream";
}

}  // namespace penstock::engine
