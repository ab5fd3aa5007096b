#include "crds/crd.hpp"

#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

namespace penstock {

std::string_view crd_yaml() {
  static constexpr std::string_view kText =
#include "crd_yaml.inc"
      ;
  return kText;
}

const nlohmann::json& crd_json() {
  static const nlohmann::json kCrd = [] {
    auto parsed = yaml_to_json(crd_yaml());
    if (!parsed) {  // it is part of this binary: no input can cause this
      std::fprintf(stderr, "penstock: the embedded CRD is damaged: %s\n", parsed.error().message.c_str());
      std::abort();
    }
    return *std::move(parsed);
  }();
  return kCrd;
}

}  // namespace penstock
