#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "tests/support/reader.hpp"
#include "tests/support/scene.hpp"

namespace penstock {

using namespace std::chrono_literals;
using test::Reader;
using test::Scene;
using test::shared_world;
using test::States;
using testing::HasSubstr;

/// A second Pipe beside a scene's own, with the same servers; deleted with the object.
class Neighbour {
 public:
  Neighbour(Scene& scene, std::vector<std::string> tables, std::string ns = "default")
      : scene_(scene), manifest(scene.manifest), ns_(std::move(ns)) {
    manifest.name = scene.pipe + "-second";
    manifest.tables = std::move(tables);
  }
  ~Neighbour() {
    (void)scene_.dev.kubectl(
        {"-n", ns_, "delete", "pipe", manifest.name, "--ignore-not-found", "--timeout=20s"});
  }
  Neighbour(const Neighbour&) = delete;
  Neighbour& operator=(const Neighbour&) = delete;

  [[nodiscard]] std::string full_name() const { return ns_ + "/" + manifest.name; }
  /// Secret and Pipe, in its namespace.
  [[nodiscard]] std::string yaml() const {
    auto out = manifest.both();
    for (const auto& name : {manifest.name + "-postgres", manifest.name})
      out.replace(out.find("{name: " + name + "}"), name.size() + 8,
                  fmt::format("{{name: {}, namespace: {}}}", name, ns_));
    return out;
  }
  [[nodiscard]] std::string field(const std::string& path) const {
    const auto done =
        scene_.dev.kubectl({"-n", ns_, "get", "pipe", manifest.name, "-o", "jsonpath={" + path + "}"});
    return done.ok() ? done.out : "";
  }
  [[nodiscard]] bool reaches(const std::string& state, std::chrono::milliseconds limit = 60s) const {
    return test::eventually([&] { return field(".status.state") == state; }, limit);
  }
  [[nodiscard]] std::string ready_reason() const {
    return field(R"(.status.conditions[?(@.type=="Ready")].reason)");
  }
  [[nodiscard]] std::string message() const { return field(".status.message"); }
  void remove() const {
    scene_.dev.must_kubectl({"-n", ns_, "delete", "pipe", manifest.name, "--timeout=30s"});
  }

 private:
  Scene& scene_;

 public:
  test::PipeManifest manifest;

 private:
  std::string ns_;
};

}  // namespace penstock
