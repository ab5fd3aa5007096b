#include "tests/support/metrics_text.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace penstock::test {
namespace {

/// Reads `text` from the left.
class Cursor {
 public:
  explicit Cursor(std::string text) : text_(std::move(text)) {}

  bool take(char wanted) {
    if (at_ >= text_.size() || text_[at_] != wanted) return false;
    ++at_;
    return true;
  }
  std::string until(const std::string& any_of) {
    const auto end = std::min(text_.find_first_of(any_of, at_), text_.size());
    auto out = text_.substr(at_, end - at_);
    at_ = end;
    return out;
  }
  /// A label's value, its opening quote taken, with the closing one.
  std::string quoted() {
    std::string out;
    while (at_ < text_.size() && text_[at_] != '"') {
      char c = text_[at_++];
      if (c == '\\' && at_ < text_.size()) c = text_[at_] == 'n' ? (++at_, '\n') : text_[at_++];
      out += c;
    }
    require(take('"'));
    return out;
  }
  void require(bool holds) const {
    if (!holds) throw std::runtime_error("not the text format: " + text_);
  }

 private:
  std::string text_;
  std::size_t at_ = 0;
};

MetricLine read_line(const std::string& text) {
  Cursor cursor(text);
  MetricLine out;
  out.name = cursor.until("{ ");
  if (cursor.take('{')) {
    while (!cursor.take('}')) {
      const auto label = cursor.until("=");
      cursor.require(cursor.take('=') && cursor.take('"'));
      cursor.require(out.labels.emplace(label, cursor.quoted()).second);
      cursor.take(',');
    }
  }
  cursor.require(cursor.take(' '));
  out.value = cursor.until(" ");
  cursor.require(!out.name.empty() && !out.value.empty());
  return out;
}

bool includes(const MetricLine& line, const std::map<std::string, std::string>& labels) {
  return std::all_of(labels.begin(), labels.end(), [&](const auto& wanted) {
    const auto at = line.labels.find(wanted.first);
    return at != line.labels.end() && at->second == wanted.second;
  });
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> out;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, separator);)
    out.push_back(part);
  return out;
}

std::string trimmed(const std::string& text, const char* of) {
  const auto first = text.find_first_not_of(of);
  if (first == std::string::npos) return {};
  return text.substr(first, text.find_last_not_of(of) - first + 1);
}

}  // namespace

std::set<std::string> MetricText::label_names() const {
  std::set<std::string> out;
  for (const auto& line : lines)
    for (const auto& [name, value] : line.labels)
      if (type != "histogram" || name != "le") out.insert(name);
  return out;
}

MetricsText::MetricsText(const std::string& text) {
  std::istringstream in(text);
  std::string current;
  for (std::string line; std::getline(in, line);) {
    if (line.rfind("# HELP ", 0) == 0 || line.rfind("# TYPE ", 0) == 0) {
      const auto space = line.find(' ', 7);
      current = line.substr(7, space - 7);
      (line[2] == 'H' ? metrics_[current].help : metrics_[current].type) = line.substr(space + 1);
    } else if (!line.empty()) {
      auto read = read_line(line);
      if (current.empty() || read.name.rfind(current, 0) != 0)
        throw std::runtime_error("a sample without its TYPE: " + line);
      metrics_[current].lines.push_back(std::move(read));
    }
  }
}

std::optional<double> MetricsText::value(const std::string& name,
                                         const std::map<std::string, std::string>& labels) const {
  std::optional<double> out;
  for (const auto& [each, metric] : metrics_)
    for (const auto& line : metric.lines) {
      if (line.name != name || !includes(line, labels)) continue;
      if (out) throw std::runtime_error("more than one " + name + " has these labels");
      out = std::stod(line.value);
    }
  return out;
}

std::size_t MetricsText::lines_with(const std::map<std::string, std::string>& labels) const {
  std::size_t out = 0;
  for (const auto& [name, metric] : metrics_)
    out += static_cast<std::size_t>(
        std::count_if(metric.lines.begin(), metric.lines.end(),
                      [&](const MetricLine& line) { return includes(line, labels); }));
  return out;
}

std::map<std::string, DocumentedMetric> documented_metrics(const std::string& root) {
  std::ifstream in(root + "/docs/metrics.md");
  if (!in) throw std::runtime_error("no docs/metrics.md in " + root);
  std::map<std::string, DocumentedMetric> out;
  for (std::string line; std::getline(in, line);) {
    if (line.rfind("| `", 0) != 0) continue;
    const auto cells = split(line, '|');
    if (cells.size() != 6) throw std::runtime_error("not five columns: " + line);
    DocumentedMetric row{trimmed(cells[2], " "), {}, trimmed(cells[4], " "), trimmed(cells[5], " `")};
    for (const auto& label : split(cells[3], ','))
      row.labels.insert(trimmed(label, " `"));
    if (!out.emplace(trimmed(cells[1], " `"), row).second)
      throw std::runtime_error("documented twice: " + line);
  }
  return out;
}

}  // namespace penstock::test
