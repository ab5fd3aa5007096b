#include "tests/integration/apiserver/api_fixture.hpp"

#include <yaml-cpp/yaml.h>

#include "core/base64.hpp"
#include "crds/crd.hpp"

namespace penstock::apiserver {

ApiServerOptions pipe_options(const std::string& directory) {
  ApiServerOptions options;
  options.data_dir = directory;
  options.kinds = {{&crd_json(), validate_pipe}};
  return options;
}

Json pipe_manifest(const std::string& name) {
  return Json::parse(R"({"apiVersion": "penstock.dev/v1alpha1", "kind": "Pipe", "spec": {
    "paused": true,
    "source": {"postgres": {"host": "db.internal", "database": "shop"}},
    "destination": {"clickhouse": {"url": "http://ch.internal:8123"}},
    "tables": [{"source": "public.orders"}]}, "metadata": {"name": ")" +
                     name + R"("}})");
}

Credentials read_kubeconfig(const std::string& path) {
  const auto config = YAML::LoadFile(path);
  const auto cluster = config["clusters"][0]["cluster"];
  return {config["users"][0]["user"]["token"].as<std::string>(),
          base64_decode(cluster["certificate-authority-data"].as<std::string>()).value()};
}

void ServerTest::start(const ApiServerOptions& options) {
  server_.reset();
  auto started = ApiServer::start(options);
  ASSERT_TRUE(started) << started.error().text();
  server_ = *std::move(started);
}

}  // namespace penstock::apiserver
