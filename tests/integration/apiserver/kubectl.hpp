#pragma once

#include <string>
#include <vector>

#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

namespace penstock::apiserver {

/// The real kubectl: $PENSTOCK_KUBECTL, else the one on PATH; nothing when there is none.
[[nodiscard]] std::string kubectl_program();
/// Its minor version: 32 for 1.32.
[[nodiscard]] int kubectl_minor();

/// kubectl against one kubeconfig, with a cache of its own.
class Kubectl {
 public:
  explicit Kubectl(std::string kubeconfig) : kubeconfig_(std::move(kubeconfig)) {}

  /// Runs it with these arguments; `input` is its stdin.
  test::Finished operator()(const std::vector<std::string>& arguments, const std::string& input = {},
                            const std::map<std::string, std::string>& environment = {}) const;
  [[nodiscard]] test::ProcessOptions options(const std::vector<std::string>& arguments) const;

 private:
  std::string kubeconfig_;
  test::TempDir cache_{"penstock-kubectl"};
};

}  // namespace penstock::apiserver
