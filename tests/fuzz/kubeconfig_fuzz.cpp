#include <fstream>

#include "controller/kube/kube_config.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "tests/support/temp_dir.hpp"

namespace penstock::kube {

// A file that somebody was given. What is taken has a server to go to.
PENSTOCK_FUZZ(kubeconfig, bytes) {
  static const test::TempDir kDirectory("penstock-fuzz");
  const std::filesystem::path file = kDirectory / "config";
  std::ofstream(file, std::ios::binary) << bytes;
  const auto config = load_kubeconfig(file);
  if (config) {
    FUZZ_REQUIRE(config->server.starts_with("http://") || config->server.starts_with("https://"));
    FUZZ_REQUIRE(!config->default_namespace.empty());
  } else {
    // The file, or one that it names: a path either way.
    FUZZ_REQUIRE(config.error().message.find('/') != std::string::npos);
  }
}

}  // namespace penstock::kube
