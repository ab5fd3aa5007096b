#include <nlohmann/json.hpp>

#include "crds/crd.hpp"
#include "crds/pipe_fields.hpp"
#include "crds/pipe_rules.hpp"

namespace penstock {
namespace {

/// An object that is on its way out, or whose spec stays as it is, has nothing to answer for: finalizers must
/// come off even where a newer version would no longer take the spec.
bool nothing_to_check(const nlohmann::json& object, const nlohmann::json* old_object) {
  if (old_object == nullptr) return false;
  const auto metadata = old_object->find("metadata");
  if (metadata != old_object->end() && metadata->contains("deletionTimestamp")) return true;
  const auto before = old_object->find("spec");
  const auto now = object.find("spec");
  return before != old_object->end() && now != object.end() && *before == *now;
}

}  // namespace

std::vector<FieldError> validate_pipe(const nlohmann::json& object, const nlohmann::json* old_object) {
  if (nothing_to_check(object, old_object)) return {};
  static const nlohmann::json kNothing;
  std::optional<FieldError> fault;
  const auto spec = read_object<PipeSpec>(object.contains("spec") ? object["spec"] : kNothing, "spec", fault);
  if (fault) return {*fault};

  std::vector<FieldError> faults;
  check_spec(spec, faults);
  if (old_object != nullptr)
    if (const auto before = read_pipe(*old_object)) check_change(*before, spec, faults);
  return faults;
}

}  // namespace penstock
