#include "dataplane/pipeline/attributes.hpp"

#include <gtest/gtest.h>

namespace penstock::pipeline {
namespace {

using Indices = std::vector<int>;

Attribute there(const std::string& name) {
  return {name, false, false};
}
Attribute dropped() {
  return {"........pg.dropped........", true, false};
}
Attribute absent(const std::string& name) {
  return {name, false, true};
}

TEST(Attributes, OfATableThatIsAsTheStreamHasItAreItsOwn) {
  EXPECT_EQ(match_attributes({"id", "big", "n"}, {there("id"), there("big"), there("n")}),
            (Indices{0, 1, 2}));
}

TEST(Attributes, AddedSinceAreNobodys) {
  EXPECT_EQ(match_attributes({"id", "big"}, {there("id"), there("big"), there("more")}), (Indices{0, 1}));
}

TEST(Attributes, RenamedSinceAreFoundByTheirPlace) {
  EXPECT_EQ(match_attributes({"id", "big", "n"}, {there("id"), there("huge"), there("n")}),
            (Indices{0, 1, 2}));
  EXPECT_EQ(match_attributes({"id", "a", "b"}, {there("id"), there("b"), there("a")}), (Indices{0, 1, 2}))
      << "names that were exchanged";
}

TEST(Attributes, DroppedSinceAreFoundAsSuch) {
  EXPECT_EQ(match_attributes({"id", "big", "n"}, {there("id"), dropped(), there("n")}), (Indices{0, 1, 2}));
  EXPECT_EQ(match_attributes({"id", "big", "n"}, {there("id"), dropped(), there("n"), there("big")}),
            (Indices{0, 1, 2}))
      << "another of the same name";
}

TEST(Attributes, OfWhichOneOfSeveralWasDroppedSinceAreGoneWhicheverItWas) {
  const std::vector<Attribute> present{there("id"), dropped(), dropped(), there("n")};
  const auto found = match_attributes({"id", "a", "n"}, present);
  EXPECT_TRUE(present.at(static_cast<std::size_t>(found.at(1))).dropped);
  EXPECT_EQ(found.at(2), 3);
}

TEST(Attributes, DroppedLongAgoAreNobodys) {
  EXPECT_EQ(match_attributes({"id", "n"}, {there("id"), dropped(), there("n")}), (Indices{0, 2}));
  EXPECT_EQ(match_attributes({"id", "big", "n"}, {there("id"), dropped(), there("huge"), there("n")}),
            (Indices{0, 2, 3}));
}

TEST(Attributes, ThatMayBeEitherAreNotGuessed) {
  // Renamed from `a`, with another dropped long before; or added after `a` was dropped.
  EXPECT_EQ(match_attributes({"id", "a"}, {there("id"), dropped(), there("b")}), (Indices{0, -1}));
  EXPECT_EQ(match_attributes({"id", "a", "n"}, {there("id"), dropped(), there("b"), there("c"), there("n")}),
            (Indices{0, -1, -1}));
}

TEST(Attributes, ThatTheStreamLeavesOutAreNobodys) {
  EXPECT_EQ(match_attributes({"id", "n"}, {there("id"), absent("card"), there("n")}), (Indices{0, 2}));
  EXPECT_EQ(match_attributes({"id", "card", "n"}, {there("id"), absent("card"), there("n")}),
            (Indices{0, 1, 2}));
}

TEST(Attributes, OfAnotherTableAreNotFound) {
  EXPECT_EQ(match_attributes({"id", "a", "b"}, {there("id"), there("a")}), (Indices{-1, -1, -1}));
  EXPECT_EQ(match_attributes({}, {there("id")}), Indices{});
}

}  // namespace
}  // namespace penstock::pipeline
