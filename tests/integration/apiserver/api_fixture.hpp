#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "controller/apiserver/server.hpp"
#include "tests/support/temp_dir.hpp"

namespace penstock::apiserver {

using Json = nlohmann::json;

/// What the server needs to serve Pipes from `directory`.
[[nodiscard]] ApiServerOptions pipe_options(const std::string& directory);

/// A manifest of a Pipe that is valid and says all of its tables' fields.
[[nodiscard]] Json pipe_manifest(const std::string& name);

/// The token in a kubeconfig that the server wrote, and the certificate it is to be trusted by.
struct Credentials {
  std::string token;
  std::string certificate_pem;
};
[[nodiscard]] Credentials read_kubeconfig(const std::string& path);

/// A server with Pipes in a temporary directory, running in this process.
class ServerTest : public testing::Test {
 protected:
  /// Starts it, or starts it again with other options.
  void start(const ApiServerOptions& options);
  void start() { start(pipe_options(directory_.path().string())); }
  void stop() { server_.reset(); }

  [[nodiscard]] Credentials credentials() const { return read_kubeconfig(server_->kubeconfig_path()); }

  test::TempDir directory_{"penstock-apiserver"};
  std::unique_ptr<ApiServer> server_;
};

}  // namespace penstock::apiserver
