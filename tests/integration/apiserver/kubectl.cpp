#include "tests/integration/apiserver/kubectl.hpp"

#include <cstdlib>
#include <nlohmann/json.hpp>

namespace penstock::apiserver {

namespace {
constexpr int kNewest = 1000;
}

std::string kubectl_program() {
  const char* chosen = std::getenv("PENSTOCK_KUBECTL");
  return chosen != nullptr && *chosen != '\0' ? chosen : "kubectl";
}

int kubectl_minor() {
  static const int kMinor = [] {
    try {
      const auto version = test::run(kubectl_program(), {.arguments = {"version", "--client", "-o", "json"}});
      const auto parsed = nlohmann::json::parse(version.out, nullptr, false);
      const auto git = parsed.at("clientVersion").at("gitVersion").get<std::string>();
      if (git.starts_with("v0.")) return kNewest;  // built from its module, without a version
      return std::stoi(git.substr(git.find('.') + 1));
    } catch (const std::exception&) {
      return 0;
    }
  }();
  return kMinor;
}

test::ProcessOptions Kubectl::options(const std::vector<std::string>& arguments) const {
  test::ProcessOptions options;
  options.arguments = arguments;
  options.environment = {
      {"KUBECONFIG", kubeconfig_}, {"HOME", cache_.path().string()}, {"KUBECTL_KUBERC", "false"}};
  return options;
}

test::Finished Kubectl::operator()(const std::vector<std::string>& arguments, const std::string& input,
                                   const std::map<std::string, std::string>& environment) const {
  auto all = options(arguments);
  all.input = input;
  for (const auto& [name, value] : environment) {
    all.environment[name] = value;
  }
  return test::run(kubectl_program(), all, std::chrono::seconds(30));
}

}  // namespace penstock::apiserver
