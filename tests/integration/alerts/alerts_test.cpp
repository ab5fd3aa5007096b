// The alert rules, held to promtool's tests beside this file, to the metrics that there are, and to their
// runbooks.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>

#include "crds/crd.hpp"
#include "tests/support/metrics_text.hpp"
#include "tests/support/process.hpp"
#include "tests/support/runbooks.hpp"

namespace penstock {
namespace {

using nlohmann::json;
using testing::HasSubstr;

const std::string kRoot = PENSTOCK_SOURCE_DIR;
const std::string kRules = kRoot + "/charts/penstock/rules/penstock.rules.yaml";
const std::string kTests = kRoot + "/tests/integration/alerts/";
const std::string kPages = "https://github.com/penstock-dev/penstock/blob/main/docs/runbooks/";

json read_yaml(const std::string& path) {
  std::ifstream in(path);
  if (!in) throw std::runtime_error("cannot read " + path);
  auto read = yaml_to_json(std::string{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()});
  if (!read) throw std::runtime_error(path + ": " + read.error().text());
  return *std::move(read);
}

std::vector<json> alerts() {
  std::vector<json> out;
  const auto file = read_yaml(kRules);
  for (const auto& group : file.at("groups"))
    for (const auto& rule : group.at("rules"))
      out.push_back(rule);
  return out;
}

std::set<std::string> alert_names() {
  std::set<std::string> out;
  for (const auto& alert : alerts())
    out.insert(alert.at("alert"));
  return out;
}

test::Finished promtool(std::vector<std::string> arguments) {
  test::ProcessOptions options;
  options.arguments = std::move(arguments);
  return test::run("promtool", std::move(options));
}

/// Names of metrics in a text, without what a histogram adds to its own.
std::set<std::string> metrics_in(const std::string& text) {
  static const std::regex kName("\\b(penstock|controller_runtime|workqueue|rest_client)_[a-z_]+");
  std::set<std::string> out;
  for (std::sregex_iterator at(text.begin(), text.end(), kName), end; at != end; ++at)
    out.insert(std::regex_replace(at->str(), std::regex("_(bucket|sum|count)$"), ""));
  return out;
}

TEST(AlertRules, AreRulesToPrometheus) {
  const auto checked = promtool({"check", "rules", kRules});
  EXPECT_TRUE(checked.ok()) << checked.out << checked.err;
}

class AlertTest : public testing::TestWithParam<std::string> {};

TEST_P(AlertTest, FiresWhenItShouldAndThenAlone) {
  const auto tested = promtool({"test", "rules", kTests + GetParam() + ".yaml"});
  EXPECT_TRUE(tested.ok()) << tested.out << tested.err;
}

TEST_P(AlertTest, IsTestedFiringAndQuiet) {
  bool fires = false;
  bool stays_quiet = false;
  const auto file = read_yaml(kTests + GetParam() + ".yaml");
  for (const auto& one : file.at("tests")) {
    bool fired = false;
    for (const auto& look : one.at("alert_rule_test")) {
      EXPECT_EQ(look.at("alertname"), GetParam());
      fired = fired || !look.at("exp_alerts").empty();
    }
    fires = fires || fired;
    stays_quiet = stays_quiet || !fired;
  }
  EXPECT_TRUE(fires);
  EXPECT_TRUE(stays_quiet) << "no case in which it never fires";
}

TEST_P(AlertTest, HasARunbook) {
  const auto page = test::runbook_text(kRoot, GetParam());
  EXPECT_THAT(page, testing::StartsWith("# " + GetParam() + "\n"));
  for (const char* section : {"\n## Meaning\n", "\n## Impact\n", "\n## Diagnosis\n", "\n## Cure\n"})
    EXPECT_THAT(page, HasSubstr(section));
  const auto diagnosis =
      page.substr(page.find("## Diagnosis"), page.find("## Cure") - page.find("## Diagnosis"));
  EXPECT_THAT(diagnosis, HasSubstr("\nkubectl "));
}

INSTANTIATE_TEST_SUITE_P(Each, AlertTest, testing::ValuesIn(alert_names()),
                         [](const auto& each) { return each.param; });

TEST(AlertRules, SayHowBadItIsWhatItIsAndWhereToReadOn) {
  for (const auto& alert : alerts()) {
    const std::string name = alert.at("alert");
    EXPECT_THAT(name, testing::StartsWith("Penstock"));
    EXPECT_TRUE(alert.contains("for")) << name << " fires at the first glance";
    EXPECT_THAT(alert.at("labels").at("severity").get<std::string>(), testing::AnyOf("critical", "warning"))
        << name;
    const auto& told = alert.at("annotations");
    EXPECT_NE(told.at("summary"), "") << name;
    EXPECT_THAT(told.at("description").get<std::string>(), HasSubstr("{{ $")) << name << " tells no value";
    EXPECT_EQ(told.at("runbook_url"), kPages + name + ".md");
  }
}

TEST(AlertRules, StandOnMetricsThatThereAre) {
  const auto documented = test::documented_metrics(kRoot);
  for (const auto& alert : alerts())
    for (const auto& metric : metrics_in(alert.dump()))
      EXPECT_TRUE(documented.contains(metric)) << alert.at("alert") << " stands on " << metric;
}

TEST(Runbooks, AreThoseOfTheAlertsAndAllInTheirTable) {
  const auto pages = test::runbook_pages(kRoot);
  EXPECT_EQ(std::set<std::string>(pages.begin(), pages.end()), alert_names());
  const auto table = test::runbook_text(kRoot, "README");
  for (const auto& alert : alerts()) {
    const std::string name = alert.at("alert");
    EXPECT_THAT(table, HasSubstr(fmt::format("[{0}]({0}.md) | {1} |", name,
                                             alert.at("labels").at("severity").get<std::string>())));
  }
}

TEST(Runbooks, LinkToPagesThatThereAre) {
  static const std::regex kLink("\\]\\(([^)]+)\\)");
  auto pages = test::runbook_pages(kRoot);
  pages.emplace_back("README");
  for (const auto& page : pages) {
    const auto text = test::runbook_text(kRoot, page);
    for (std::sregex_iterator at(text.begin(), text.end(), kLink), end; at != end; ++at)
      EXPECT_TRUE(std::filesystem::exists(kRoot + "/docs/runbooks/" + (*at)[1].str()))
          << page << ": " << at->str();
  }
}

TEST(Runbooks, AskForMetricsThatThereAre) {
  const auto documented = test::documented_metrics(kRoot);
  for (const auto& page : test::runbook_pages(kRoot))
    for (const auto& metric : metrics_in(test::runbook_text(kRoot, page)))
      EXPECT_TRUE(documented.contains(metric)) << page << " asks for " << metric;
}

TEST(AlertTests, AreOfAlertsThatThereAre) {
  const auto names = alert_names();
  for (const auto& entry : std::filesystem::directory_iterator(kTests)) {
    if (entry.path().extension() != ".yaml") continue;
    EXPECT_TRUE(names.contains(entry.path().stem())) << entry.path();
  }
}

}  // namespace
}  // namespace penstock
