// The mark in a table's comment.

#include <gtest/gtest.h>

#include "dataplane/clickhouse/target.hpp"

namespace penstock::clickhouse {
namespace {

TEST(Mark, IsReadBackAsItWasWritten) {
  const Mark mark{"0c5b4c7e-0000-4000-8000-000000000000", 7, 12};
  EXPECT_EQ(mark.text(), "penstock pipe=0c5b4c7e-0000-4000-8000-000000000000 generation=7 load=12");
  EXPECT_EQ(Mark::parse(mark.text()), mark);
  EXPECT_EQ(Mark::parse(mark.text() + "; the sales of 2024"), mark);
  EXPECT_EQ(Mark::parse(mark.text() + "\nload=13"), mark);
}

TEST(Mark, TellsOfThePipeByNameAndOfWhatBecameOfTheTable) {
  const std::string plain = "penstock pipe=a generation=7 load=12";
  const Mark named{"a", 7, 12, "data/shop"};
  EXPECT_EQ(named.text(), plain + " name=data/shop");
  for (const bool adopted : {false, true})
    for (const bool released : {false, true})
      for (const char* behind : {"", "; the sales of 2024", "\nreleased", ", adopted"}) {
        const Mark mark{"a", 7, 12, "data/shop", adopted, released};
        EXPECT_EQ(Mark::parse(mark.text() + behind), mark) << mark.text() << behind;
      }
  EXPECT_EQ(Mark::parse(plain + " released"), (Mark{"a", 7, 12, "", false, true}));
  EXPECT_EQ(Mark::parse(plain + " releasedly"), (Mark{"a", 7, 12}));
}

TEST(Mark, LeavesWhatItsUserHasWrittenBehindIt) {
  const Mark mark{"b", 1, 2, "data/shop"};
  EXPECT_EQ(mark.in(""), mark.text());
  EXPECT_EQ(mark.in("the sales"), mark.text() + "; the sales");
  EXPECT_EQ(mark.in(mark.in("the sales")), mark.text() + "; the sales");
  EXPECT_EQ(mark.in(Mark{"a", 7, 12, "x/y", true, true}.text() + "\nthe sales"), mark.text() + "\nthe sales");
}

TEST(Mark, OfBeforeThereWereLoadsIsOfLoad0) {
  EXPECT_EQ(Mark::parse("penstock pipe=a generation=7"), (Mark{"a", 7, 0}));
  EXPECT_EQ(Mark::parse("penstock pipe=a generation=7; load=2"), (Mark{"a", 7, 0}));
}

TEST(Mark, IsNotSeenInOtherComments) {
  for (const char* comment :
       {"", "sales", "penstock", "penstock pipe=", "penstock pipe= generation=1", "penstock pipe=a",
        "penstock pipe=a generation=", "penstock pipe=a generation=x", "penstock pipe=a generation=-1",
        "penstock pipe=a generation=1x", " penstock pipe=a generation=1",
        "penstock pipe=a generation=99999999999999999999", "penstock pipe=a generation=1 load=",
        "penstock pipe=a generation=1 load=x", "penstock pipe=a generation=1 load=-1",
        "penstock pipe=a generation=1 load=1x", "penstock pipe=a generation=1 load=99999999999999999999"})
    EXPECT_FALSE(Mark::parse(comment)) << comment;
}

}  // namespace
}  // namespace penstock::clickhouse
