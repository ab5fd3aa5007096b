#pragma once

// Decisions as a table: a world, and what is to be done in it.

#include <gmock/gmock.h>

#include <vector>

#include "tests/unit/reconcilers/world.hpp"

namespace penstock::reconcile::test {

struct Case {
  const char* name;
  View view;
  PipeState state;
  const char* verb;
  const char* rule;
};

inline void expect_decisions(const std::vector<Case>& cases) {
  for (const auto& one : cases) {
    const auto decision = plan(one.view);
    EXPECT_EQ(to_text(decision.state), std::string(to_text(one.state))) << one.name;
    EXPECT_STREQ(name_of(decision.action), one.verb) << one.name;
    EXPECT_STREQ(decision.rule, one.rule) << one.name;
    const auto again = plan(one.view);
    EXPECT_EQ(decision.message, again.message) << "not pure: " << one.name;
    EXPECT_EQ(decision.fault, again.fault) << "not pure: " << one.name;
    EXPECT_EQ(decision.action, again.action) << "not pure: " << one.name;
  }
}

/// The verb that is decided upon; a test ends here if it is another.
template <typename Verb>
Verb decided(const View& view) {
  const auto decision = plan(view);
  const auto* verb = std::get_if<Verb>(&decision.action);
  EXPECT_TRUE(verb) << "it is " << name_of(decision.action) << " by " << decision.rule;
  return verb ? *verb : Verb{};
}

}  // namespace penstock::reconcile::test
