#include <nlohmann/json.hpp>

#include "crds/crd.hpp"

namespace penstock {

std::vector<FieldError> validate_pipe(const nlohmann::json&, const nlohmann::json*) {
  return {};
}

}  // namespace penstock
