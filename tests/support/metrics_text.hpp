#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace penstock::test {

/// One line of Prometheus' text format.
struct MetricLine {
  std::string name;  ///< with _bucket, _sum or _count
  std::map<std::string, std::string> labels;
  std::string value;  ///< as written
};

/// A metric as its HELP and TYPE lines and its samples tell it.
struct MetricText {
  std::string help;
  std::string type;
  std::vector<MetricLine> lines;

  /// Names of the labels that any line has; a histogram's `le` apart.
  [[nodiscard]] std::set<std::string> label_names() const;
};

/// What /metrics answered, by the metrics' names. Throws std::runtime_error on a line that is none of the
/// format.
class MetricsText {
 public:
  explicit MetricsText(const std::string& text);

  [[nodiscard]] const std::map<std::string, MetricText>& metrics() const { return metrics_; }
  /// The value of the one line of that name that has these labels among others; nothing if there is none.
  /// Throws std::runtime_error where there are more.
  [[nodiscard]] std::optional<double> value(const std::string& name,
                                            const std::map<std::string, std::string>& labels = {}) const;
  /// How many lines have these labels among others.
  [[nodiscard]] std::size_t lines_with(const std::map<std::string, std::string>& labels) const;

 private:
  std::map<std::string, MetricText> metrics_;
};

/// A row of a table in docs/metrics.md.
struct DocumentedMetric {
  std::string type;
  std::set<std::string> labels;
  std::string question;
  std::string example;
};

/// docs/metrics.md below this root, by the metrics' names.
std::map<std::string, DocumentedMetric> documented_metrics(const std::string& root);

}  // namespace penstock::test
