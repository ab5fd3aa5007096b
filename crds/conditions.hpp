#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.hpp"

namespace penstock {

/// metav1.Condition (Kubernetes API conventions, "Typical status properties").
struct Condition {
  std::string type;
  bool status = false;  ///< "True" or "False"; Penstock leaves out what does not apply instead of "Unknown"
  std::string reason;
  std::string message;
  std::int64_t observed_generation = 0;
  WallTime last_transition_time;
  bool operator==(const Condition&) const = default;
};

[[nodiscard]] const Condition* find_condition(const std::vector<Condition>& conditions,
                                              std::string_view type);

/// `wanted` merged over `current`: lastTransitionTime is kept where the status did not flip and is `now`
/// where it did, in whole seconds as the API keeps them; a type that is not wanted any more goes away. Order
/// follows `wanted`.
[[nodiscard]] std::vector<Condition> merge_conditions(const std::vector<Condition>& current,
                                                      std::vector<Condition> wanted, WallTime now);

}  // namespace penstock
