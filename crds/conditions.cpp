#include "crds/conditions.hpp"

#include <algorithm>

namespace penstock {

const Condition* find_condition(const std::vector<Condition>& conditions, std::string_view type) {
  const auto found = std::find_if(conditions.begin(), conditions.end(),
                                  [&](const Condition& condition) { return condition.type == type; });
  return found == conditions.end() ? nullptr : &*found;
}

std::vector<Condition> merge_conditions(const std::vector<Condition>& current, std::vector<Condition> wanted,
                                        WallTime now) {
  for (Condition& condition : wanted) {
    const Condition* before = find_condition(current, condition.type);
    condition.last_transition_time = before != nullptr && before->status == condition.status
                                         ? before->last_transition_time
                                         : WallTime(std::chrono::floor<std::chrono::seconds>(now));
  }
  return wanted;
}

}  // namespace penstock
