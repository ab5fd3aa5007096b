#include "controller/apiserver/selectors.hpp"

#include <gtest/gtest.h>

#include "tests/unit/apiserver/test_api.hpp"

namespace penstock::apiserver {
namespace {

struct Case {
  const char* labels;
  bool matches;
};

class LabelSelector : public testing::TestWithParam<Case> {};

TEST_P(LabelSelector, Selects) {
  const Json object{
      {"metadata",
       {{"labels",
         {{"app", "shop"}, {"tier", "gold"}, {"size", "10"}, {"in", "in"}, {"example.com/a", ""}}}}}};
  const auto selector = Selector::parse(widget_type(), GetParam().labels, "");
  ASSERT_TRUE(selector) << GetParam().labels;
  EXPECT_EQ(selector->matches(object), GetParam().matches) << GetParam().labels;
}

INSTANTIATE_TEST_SUITE_P(
    Each, LabelSelector,
    testing::Values(Case{"", true}, Case{"app=shop", true}, Case{"app==shop", true}, Case{"app = shop", true},
                    Case{"app=other", false}, Case{"app!=other", true}, Case{"app!=shop", false},
                    Case{"none!=x", true}, Case{"app", true}, Case{"none", false}, Case{"!none", true},
                    Case{"!app", false}, Case{"app in (a, shop)", true}, Case{"app in (a,b)", false},
                    Case{"app notin (a,b)", true}, Case{"none notin (a)", true},
                    Case{"app notin (shop)", false}, Case{"app=shop,tier in (gold),!none", true},
                    Case{"app=shop,tier=iron", false}, Case{"example.com/a=", true},
                    Case{"example.com/a", true}, Case{"size>9", true}, Case{"size > 10", false},
                    Case{"size<11", true}, Case{"size<10", false}, Case{"size>9,size<11", true},
                    Case{"none>1", false}, Case{"app>1", false}, Case{"in=in", true},
                    Case{"in in (in)", true}, Case{"in", true}, Case{"! none", true},
                    Case{"app\t= shop\n", true}, Case{"example.com/a in ()", true},
                    Case{"app in (,shop)", true}, Case{"app in (shop,)", true}, Case{"app notin ()", true}));

TEST(Selector, RefusesLabelSelectorsItCannotRead) {
  for (const auto* text : {"a=b=c", "a in", "a in (",    "a in (b", "=x",
                           ",",     "a,",   "a b",       "a in b",  "a ~ b",
                           "(a)",   "a>x",  "a>",        "a<1.5",   "a>99999999999999999999",
                           "!a=b",  "!!a",  "!a in (b)", "a,,b",    "a in (b c)",
                           "-a",    "a=-b", "a/b/c",     "a!",      "é",
                           "a=é"}) {
    const auto selector = Selector::parse(widget_type(), text, "");
    ASSERT_FALSE(selector) << text;
    EXPECT_EQ(selector.error().code, 400);
  }
}

TEST(Selector, ComparesFields) {
  const auto events = core_types()[1];
  ASSERT_EQ(events.kind, "Event");
  const Json event{{"metadata", {{"name", "e"}, {"namespace", "n"}}},
                   {"involvedObject", {{"kind", "Pipe"}, {"name", "shop"}}},
                   {"reason", "a=b,c"},
                   {"reportingComponent", "penstock"},
                   {"type", "Warning"}};
  const auto selects = [&](const char* fields) {
    return Selector::parse(events, "", fields)->matches(event);
  };
  EXPECT_TRUE(selects("involvedObject.kind=Pipe,involvedObject.name=shop"));
  EXPECT_TRUE(selects("involvedObject.kind==Pipe"));
  EXPECT_FALSE(selects("involvedObject.name=other"));
  EXPECT_TRUE(selects("type!=Normal"));
  EXPECT_TRUE(selects("metadata.namespace=n"));
  EXPECT_TRUE(selects("involvedObject.uid="));
  EXPECT_TRUE(selects("source=penstock"));
  EXPECT_TRUE(selects(R"(reason=a\=b\,c,type=Warning)"));
}

TEST(Selector, RefusesFieldsThatAreNotSelectable) {
  EXPECT_EQ(Selector::parse(widget_type(), "", "spec.size=1").error().message,
            "field label not supported: spec.size");
  EXPECT_EQ(Selector::parse(widget_type(), "", "metadata.name").error().code, 400);
}

}  // namespace
}  // namespace penstock::apiserver
