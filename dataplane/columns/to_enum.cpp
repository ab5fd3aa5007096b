#include <algorithm>

#include "dataplane/columns/conversions.hpp"

namespace penstock::conversions {

namespace {

FieldOutcome append_label(const Conversion& conversion, Column& column, std::string_view bytes) {
  const auto& labels = *conversion.labels;
  if (!std::binary_search(labels.begin(), labels.end(), bytes, std::less<std::string_view>()))
    return FieldOutcome::Unrepresentable;
  column.append_string(bytes);
  return FieldOutcome::Exact;
}

/// What stands behind a backslash in ClickHouse's literals (ClickHouse docs, "Syntax").
char unescaped(char c) {
  constexpr std::string_view kLetters = "bfnrt0", kMeant{"\b\f\n\r\t\0", 6};
  const auto at = kLetters.find(c);
  return at == std::string_view::npos ? c : kMeant[at];
}

}  // namespace

std::optional<std::vector<std::string>> enum_labels(const ColumnType& target) {
  std::string_view text = target.text;
  for (const std::string_view wrapper : {"LowCardinality(", "Nullable("})
    if (text.starts_with(wrapper)) text.remove_prefix(wrapper.size());
  if (!text.starts_with("Enum8(") && !text.starts_with("Enum16(")) return std::nullopt;
  std::vector<std::string> labels;
  for (auto at = text.find('\''); at < text.size(); at = text.find('\'', at + 1)) {
    std::string label;
    while (++at < text.size() && text[at] != '\'') {
      if (text[at] != '\\' || at + 1 == text.size()) {
        label.push_back(text[at]);
        continue;
      }
      label.push_back(unescaped(text[++at]));
    }
    labels.push_back(std::move(label));
  }
  std::sort(labels.begin(), labels.end());
  return labels;
}

Forms to_enum(TypeFamily source) {
  return source == TypeFamily::Text ? Forms{append_label, append_label} : Forms{nullptr, append_label};
}

}  // namespace penstock::conversions
