#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/integration/apiserver/api_fixture.hpp"
#include "tests/integration/apiserver/https_client.hpp"
#include "tests/integration/apiserver/kubectl.hpp"

namespace penstock::apiserver {

/// A server with Pipes, and the kubectl of kubectl.hpp pointed at it.
class KubectlTest : public ServerTest {
 protected:
  void SetUp() override {
    ASSERT_NE(kubectl_minor(), 0) << "no kubectl: set PENSTOCK_KUBECTL or install kubernetes-client";
    start();
    kubectl_ = std::make_unique<Kubectl>(server_->kubeconfig_path());
  }

  /// What it printed; the test fails when kubectl did.
  std::string ok(const std::vector<std::string>& arguments, const std::string& input = {},
                 const std::map<std::string, std::string>& environment = {}) {
    const auto done = (*kubectl_)(arguments, input, environment);
    EXPECT_TRUE(done.ok()) << testing::PrintToString(arguments) << done.err;
    return done.out;
  }
  /// What it complained of; the test fails when kubectl did not.
  std::string fails(const std::vector<std::string>& arguments, const std::string& input = {}) {
    const auto done = (*kubectl_)(arguments, input);
    EXPECT_FALSE(done.ok()) << testing::PrintToString(arguments) << done.out;
    EXPECT_FALSE(done.timed_out);
    return done.err;
  }
  std::string apply(const Json& object) { return ok({"apply", "-f", "-"}, object.dump()); }
  Json get(const std::string& what) { return Json::parse(ok({"get", what, "-o", "json"})); }

  HttpsClient client() {
    const auto known = credentials();
    return HttpsClient(server_->port(), known.certificate_pem, known.token);
  }
  /// What only the controller does, which has no kubectl command in every version.
  void set_status(const std::string& name, const Json& status) {
    const auto patched =
        client().send({.method = "PATCH",
                       .target = "/apis/penstock.dev/v1alpha1/namespaces/default/pipes/" + name + "/status",
                       .body = Json{{"status", status}}.dump(),
                       .headers = {{"Content-Type", "application/merge-patch+json"}}});
    ASSERT_EQ(patched.status, 200) << patched.body;
  }

  std::unique_ptr<Kubectl> kubectl_;
};

}  // namespace penstock::apiserver
