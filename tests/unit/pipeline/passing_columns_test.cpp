// Columns that come, go and change their names between two looks at the catalog.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/pipeline/definitions.hpp"

namespace penstock::pipeline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(PassingColumns, AMessageMayHaveAnotherColumnUnderTheNameOfOneThatWasDropped) {
  auto known = loaded(), now = loaded();
  known.columns[2].excluded = now.columns[2].excluded = false;
  now.columns.erase(now.columns.begin() + 1);  // v
  EXPECT_THAT(passing_differences(known, now, relation({"id", "v"})),
              ElementsAre(HasSubstr("column card was missing")))
      << "card, named v for a while";
  EXPECT_THAT(passing_differences(known, now, relation({"id", "v", "card"})), IsEmpty());
  known.columns[2].type = now.columns[2].type = 23;
  EXPECT_THAT(passing_differences(known, now, relation({"id", "v"})), IsEmpty())
      << "of before card was added: it is of another type";
}

TEST(PassingColumns, NewColumnsThatTradeNamesAreTold) {
  auto now = loaded();
  now.columns.push_back({4, "d", 25, -1, false, false, ""});
  now.columns.push_back({5, "c", 25, -1, false, false, ""});
  EXPECT_THAT(passing_differences(loaded(), now, relation({"id", "v", "card", "c", "d"})),
              ElementsAre(HasSubstr("column d had another name for a while")));
  EXPECT_THAT(passing_differences(loaded(), now, relation({"id", "v", "card", "d", "c"})), IsEmpty());
}

TEST(PassingColumns, ATypeWhoseValuesHaveAnotherTextNowIsTold) {
  auto now = loaded();
  now.columns[1].type = 869;  // inet
  now.columns[1].reprinted_from = now.columns[2].reprinted_from = {650};
  auto sent = relation({"id", "v", "card"});
  EXPECT_THAT(passing_types(now, sent), IsEmpty()) << "text was rewritten";
  sent.columns[1].type = sent.columns[2].type = 650;  // cidr
  EXPECT_THAT(passing_types(now, sent), ElementsAre(HasSubstr("the type of column v was altered")))
      << "card is excluded";
  now.columns[1].generated = true;
  EXPECT_THAT(passing_types(now, sent), IsEmpty());
}

TEST(PassingColumns, AColumnThatCameAndWentBeforeAnotherIsTold) {
  auto known = loaded(), now = loaded();
  known.last_number = known.seen_number = 3;
  now.last_number = 4;
  EXPECT_THAT(differences(known, now), IsEmpty()) << "it came and went, and none after it";
  now.last_number = 5;
  now.columns.push_back({5, "c", 25, -1, false, false, ""});
  EXPECT_THAT(differences(known, now), ElementsAre(HasSubstr("before column c was added")));
  known.last_number = 0;
  EXPECT_THAT(differences(known, now), IsEmpty()) << "of an earlier build";
}

TEST(PassingColumns, PassesAColumnThatCameAndWentWhenTheStreamIsBehindIt) {
  auto known = loaded(), now = loaded();
  known.last_number = known.seen_number = 3;
  now.last_number = 4;
  known = with_numbers(known, now, true);
  EXPECT_EQ(known.last_number, 3) << "the stream has passed an earlier look";
  EXPECT_EQ(with_numbers(known, now, false).last_number, 3);
  EXPECT_EQ(with_numbers(known, now, true).last_number, 4);
  now.columns.push_back({4, "c", 25, -1, false, false, ""});
  EXPECT_EQ(with_numbers(known, now, false).last_number, 4) << "it is there";
}

TEST(PassingColumns, TakesUpTypesOfTheSameColumnsAlone) {
  auto now = loaded();
  now.columns[1].type = 16400;
  now.columns[1].type_parts = "eabc";
  now.columns[2].name = "other";
  now.columns[2].type = 23;
  const auto known = with_types(loaded(), now);
  EXPECT_EQ(known.columns[1].type, 16400U);
  EXPECT_EQ(known.columns[1].type_parts, "eabc");
  EXPECT_EQ(known.columns[2].type, 25U);
}

}  // namespace
}  // namespace penstock::pipeline
