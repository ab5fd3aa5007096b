#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/adapters/pipe_plan.hpp"

namespace penstock::adapters {
namespace {

TEST(PlanText, BringsNothingOfOthersToATerminalAsItIs) {
  PipePlan plan;
  plan.pipe.ns = "default";
  plan.pipe.name = "shop";
  plan.forecast.tables = {
      {"public.\"a\x1b[2J\"", "a\nload        forged", {}, false, 0, {"column \x1b]0;x\x07"}}};
  plan.forecast.refusals = {
      {{"public.b"}, {ErrorKind::NeedsUser, "Refused", "words\x1b[31m\nof a server", ""}}};
  const auto text = to_text(plan);
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("\x1b")));
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("\x07")));
  EXPECT_THAT(text, testing::HasSubstr("public.\"a\\x1b[2J\" -> a\\nload        forged"));
  EXPECT_THAT(text, testing::HasSubstr("words\\x1b[31m\\nof a server"));
}

}  // namespace
}  // namespace penstock::adapters
