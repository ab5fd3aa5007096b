#pragma once

#include <memory>
#include <string>
#include <vector>

#include "controller/apiserver/api.hpp"
#include "tests/support/temp_dir.hpp"

namespace penstock::apiserver {

/// A clock that stands still until it is moved.
class FixedClock final : public Clock {
 public:
  [[nodiscard]] WallTime now() const override { return now_; }
  void advance(std::chrono::seconds by) { now_ += by; }

 private:
  WallTime now_{std::chrono::seconds(1'700'000'000)};  // 2023-11-14T22:13:20Z
};

/// A CRD with one of everything that schemas have: kind Widget, widgets.test.dev.
[[nodiscard]] const Json& widget_crd();
[[nodiscard]] ResourceType widget_type();
/// A valid Widget.
[[nodiscard]] Json widget(const std::string& name);

/// What came back: the code, and the body as JSON.
struct Answered {
  int code = 0;
  Json body;
  std::vector<std::string> warnings;
};

/// An Api over a state file in a temporary directory, without sockets.
class TestApi {
 public:
  TestApi();

  Answered send(const std::string& method, const std::string& target, const Json& body = nullptr,
                const std::string& content_type = "application/json", const std::string& accept = "");
  Answered get(const std::string& target, const std::string& accept = "") {
    return send("GET", target, nullptr, "", accept);
  }
  Answered post(const std::string& target, const Json& body) { return send("POST", target, body); }
  Answered put(const std::string& target, const Json& body) { return send("PUT", target, body); }
  Answered merge(const std::string& target, const Json& body) {
    return send("PATCH", target, body, "application/merge-patch+json");
  }
  Answered remove(const std::string& target, const Json& body = nullptr) {
    return send("DELETE", target, body);
  }

  /// The feed of a watch; fails the test when the answer is none.
  std::shared_ptr<WatchFeed> watch(const std::string& target, const std::string& accept = "");

  /// Closes the state file and opens it again, as after a restart.
  void reopen(WatchWindow window = {});

  FixedClock clock;
  SemanticValidator validator;

  Api& api() { return *api_; }
  Store& store() { return *store_; }

 private:
  Outcome handle(Request request);

  test::TempDir directory_{"penstock-api"};
  std::unique_ptr<Store> store_;
  std::unique_ptr<Api> api_;
};

/// Lines of a watch as JSON.
[[nodiscard]] std::vector<Json> events_of(const std::string& lines);

constexpr const char* kWidgets = "/apis/test.dev/v1/namespaces/default/widgets";

}  // namespace penstock::apiserver
