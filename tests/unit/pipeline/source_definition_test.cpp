#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/pipeline/definitions.hpp"

namespace penstock::pipeline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Optional;

TEST(SourceDefinition, SurvivesItsText) {
  auto one = loaded();
  one.persistence = 'u';
  one.columns[1].name = "odd \"name\"";
  one.columns[1].type_parts = "eabc ecde";
  one.columns[1].generated = true;
  one.columns[2].published = false;
  one.last_number = 7;
  one.seen_number = 9;
  EXPECT_THAT(SourceDefinition::parse(one.text()), Optional(one));
  EXPECT_FALSE(SourceDefinition::parse(""));
  EXPECT_FALSE(SourceDefinition::parse("{\"oid\": 1, \"columns\": [[1]]}"));
}

TEST(SourceDefinition, IsNotChangedByWhatTheStreamFollows) {
  auto now = loaded();
  now.columns.push_back({4, "added", 25, -1, false, false, ""});
  EXPECT_THAT(differences(loaded(), now), IsEmpty());
  now.columns.erase(now.columns.begin() + 1);  // dropped: the source has no such column any more
  EXPECT_THAT(differences(loaded(), now), IsEmpty());
}

postgres::SourceTable with_columns(const std::vector<std::pair<int, std::string>>& columns) {
  postgres::SourceTable out;
  out.oid = 16390;
  for (const auto& [number, name] : columns) {
    postgres::SourceColumn column;
    column.attribute_number = number;
    column.name = name;
    out.columns.push_back(std::move(column));
  }
  return out;
}

// A table that is loaded again by itself must not let in what was excluded, under another name.
TEST(SourceDefinition, KeepsOutWhatWasExcludedUnderAnotherName) {
  TableJob job;
  job.source_text = "public.t";
  job.excluded_columns = {"card"};
  const auto traded = with_columns({{1, "id"}, {2, "card"}, {3, "v"}});
  job.former_definition = loaded().text();
  const auto fault = renamed_exclusion(job, traded);
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->reason, "ExcludedColumnInDoubt");
  EXPECT_THAT(fault->message, HasSubstr("column card of table public.t was excluded, and is named v now"));
  EXPECT_FALSE(renamed_exclusion(job, with_columns({{1, "id"}, {2, "v"}, {3, "card"}})));
  EXPECT_FALSE(renamed_exclusion(job, with_columns({{1, "id"}, {2, "v"}, {4, "card"}}))) << "made anew";
  job.excluded_columns = {"card", "id"};
  EXPECT_TRUE(renamed_exclusion(job, traded)) << "another name beside it says nothing of it";
  job.excluded_columns = {"card", "v"};
  EXPECT_FALSE(renamed_exclusion(job, traded)) << "named as it is now";
  job.excluded_columns = {"id"};
  EXPECT_FALSE(renamed_exclusion(job, traded)) << "not excluded any more";
}

// Renamed away and made again like it, as tools that change tables online do.
TEST(SourceDefinition, KeepsOutWhatMayHaveTradedNamesBeforeTheTableWasMadeAgain) {
  TableJob job;
  job.excluded_columns = {"card"};
  job.former_definition = loaded().text();
  const auto another = [](const std::vector<std::pair<int, std::string>>& columns) {
    auto out = with_columns(columns);
    out.oid = 1;
    return out;
  };
  EXPECT_TRUE(renamed_exclusion(job, another({{1, "id"}, {2, "card"}, {3, "v"}})));
  EXPECT_FALSE(renamed_exclusion(job, another({{1, "id"}, {2, "v"}, {3, "card"}})));
  EXPECT_FALSE(renamed_exclusion(job, another({{1, "id"}, {2, "card"}, {3, "new"}}))) << "v was dropped";
  EXPECT_TRUE(renamed_exclusion(job, another({{1, "id"}, {2, "v"}, {3, "pan"}}))) << "it is not there";
  job.former_definition.clear();
  EXPECT_TRUE(renamed_exclusion(job, another({{1, "id"}, {2, "v"}, {3, "pan"}})));
  EXPECT_FALSE(renamed_exclusion(job, another({{1, "id"}, {2, "card"}, {3, "v"}})));
}

TEST(SourceDefinition, KnowsAnExcludedColumnThatWasMadeAgainByItsNewNumber) {
  auto now = loaded();
  now.columns[2].number = 4;
  const auto known = with_followed(loaded(), now, {"id", "v"});
  ASSERT_EQ(known.columns.size(), 3u);
  EXPECT_EQ(known.columns[2].number, 4);
  EXPECT_TRUE(known.columns[2].excluded);
}

TEST(SourceDefinition, LetsInWhatOnlyAColumnListLeftOut) {
  TableJob job;
  auto former = loaded();
  former.columns[2].published = false;
  job.former_definition = former.text();
  EXPECT_FALSE(renamed_exclusion(job, with_columns({{1, "id"}, {2, "v"}, {3, "pan"}})));
}

struct Change {
  const char* what;
  void (*to)(SourceDefinition&);
  const char* said;
};

TEST(SourceDefinition, TellsOfChangesThatMoveNoRow) {
  const Change changes[] = {
      {"a column renamed", [](auto& d) { d.columns[1].name = "w"; }, "column v is named w now"},
      {"a column replaced by another of its name", [](auto& d) { d.columns[1].number = 4; },
       "column v was dropped, and another column has its name now"},
      {"two columns that trade names",
       [](auto& d) {
         d.columns[0].name = "v";
         d.columns[1].name = "id";
       },
       "column id is named v now, and another column has its name now"},
      {"unlogged", [](auto& d) { d.persistence = 'u'; }, "unlogged"},
      {"its key made anew", [](auto& d) { d.unique_keys = {501}; }, "key was dropped and created again"},
      {"taken out of its publication and put back", [](auto& d) { d.publication = "600.7.602.9"; },
       "publication was altered"},
  };
  for (const auto& change : changes) {
    auto now = loaded();
    change.to(now);
    const auto found = differences(loaded(), now);
    ASSERT_FALSE(found.empty()) << change.what;
    EXPECT_THAT(found.front(), HasSubstr(change.said)) << change.what;
  }
}

TEST(SourceDefinition, TellsOfATypesPartsButNotOfLabelsThatWereAdded) {
  auto known = loaded();
  known.columns[1].type_parts = "c1 ea eb";
  auto now = known;
  now.columns[1].type_parts = "c1 ea eb ec";
  EXPECT_THAT(differences(known, now), IsEmpty());
  now.columns[1].type_parts = "c1 ea ec";
  EXPECT_THAT(differences(known, now), ElementsAre(HasSubstr("the type of column v was altered")));
  now.columns[1].type_parts = "c2 ea eb";
  EXPECT_THAT(differences(known, now), ElementsAre(HasSubstr("the type of column v was altered")));
}

TEST(SourceDefinition, TellsOfAColumnThatIsNoLongerGenerated) {
  auto known = loaded();
  known.columns[1].generated = true;
  EXPECT_THAT(differences(known, loaded()), ElementsAre(HasSubstr("column v is no longer generated")));
}

TEST(SourceDefinition, TakesUpColumnsThatWereFollowed) {
  auto now = loaded();
  now.columns.push_back({4, "added", 25, -1, false, false, ""});
  EXPECT_EQ(with_followed(loaded(), now, {"id", "v"}), loaded()) << "not in the target yet";
  const auto known = with_followed(loaded(), now, {"id", "v", "added"});
  EXPECT_EQ(known, now);
  now.columns.back().number = 5;
  EXPECT_THAT(differences(known, now), ElementsAre(HasSubstr("column added was dropped, and another")));
}

TEST(SourceDefinition, KnowsNamesThatWereChangedAndChangedBack) {
  const auto known = loaded();
  EXPECT_THAT(passing_differences(known, known, relation({"id", "v", "card"})), IsEmpty());
  EXPECT_THAT(passing_differences(known, known, relation({"id", "v_old", "card"})),
              ElementsAre(HasSubstr("column v")));
  EXPECT_THAT(passing_differences(known, known, relation({"v", "id", "card"})),
              ElementsAre(HasSubstr("column v")))
      << "the two had each other's name";
}

TEST(SourceDefinition, AnExclusionHoldsForTheColumn) {
  const auto known = loaded();
  auto now = known;
  now.columns[2].name = "card_number";
  now.columns[2].excluded = false;  // the manifest does not name it
  EXPECT_THAT(excluded_names(known, now, relation({"id", "v", "card"})), Optional(ElementsAre("card")));
  EXPECT_THAT(excluded_names(known, now, relation({"id", "v", "card_number"})),
              Optional(ElementsAre("card_number")));
}

TEST(SourceDefinition, AGeneratedColumnMayBeSentOrNot) {
  auto known = loaded();
  known.columns.push_back({4, "twice", 23, -1, true, false, ""});
  auto now = known;
  now.columns[2].name = "card_number";
  EXPECT_THAT(excluded_names(known, now, relation({"v", "id", "card"})), std::nullopt);
  EXPECT_THAT(excluded_names(known, now, relation({"id", "v", "card"})), Optional(ElementsAre("card")));
  EXPECT_THAT(excluded_names(known, now, relation({"id", "v", "card", "twice"})),
              Optional(ElementsAre("card")));
  EXPECT_THAT(passing_differences(known, known, relation({"id", "v", "card", "twice"})), IsEmpty());
}

/// (id, v, card), card outside of the column list of a publication; card 3 is in the list of `listed`.
postgres::SourceTable narrowed(const std::vector<postgres::NumberedColumn>& listed) {
  postgres::SourceTable table;
  table.name = {"public", "t"};
  table.oid = 16390;
  for (const auto* name : {"id", "v", "card"}) {
    auto& column = table.columns.emplace_back();
    column.name = name;
    column.attribute_number = static_cast<int>(table.columns.size());
    column.declared_type = 25;
  }
  postgres::PublicationFacts publication;
  publication.contents = {{table.name, "600.7"}};
  publication.contents[0].listed = listed;
  narrow_to(publication, table);
  return table;
}

TEST(SourceDefinition, AColumnOutsideOfTheListIsExcludedAndNotSent) {
  const auto known = define({}, narrowed({{1, "id"}, {2, "v"}}), {"id"}, nullptr);
  EXPECT_TRUE(known.columns[2].excluded);
  EXPECT_THAT(passing_differences(known, known, relation({"id", "v"})), IsEmpty());
  EXPECT_THAT(excluded_names(known, known, relation({"id", "v"})), Optional(IsEmpty()));
}

TEST(SourceDefinition, AColumnThatTheListLeftOutAtTheLoadStaysOut) {
  const auto known = define({}, narrowed({{1, "id"}, {2, "v"}}), {"id"}, nullptr);
  auto table = narrowed({{1, "id"}, {2, "v"}, {3, "card"}});
  table.columns[2].name = "paid_by";
  const auto now = define({}, table, {"id"}, nullptr);
  EXPECT_THAT(excluded_names(known, now, relation({"id", "v", "paid_by"})), Optional(ElementsAre("paid_by")));
  EXPECT_TRUE(is_excluded({}, &known, table.columns[2]));
  EXPECT_FALSE(is_excluded({}, nullptr, table.columns[2])) << "a load takes it";
}

TEST(SourceDefinition, TellsOfAChildThatIsPublishedOtherwiseOrNotAtAll) {
  auto table = narrowed({{1, "id"}, {2, "v"}});
  table.heaps.resize(2);
  table.heaps[0].oid = table.oid;
  table.heaps[1].oid = 7;
  table.heaps[1].name = {"public", "child"};
  postgres::PublicationFacts publication;
  publication.contents = {{table.name, "600.7"}, {table.heaps[1].name, "600.8"}};
  const auto whole = define({}, table, {"id"}, &publication);
  publication.contents[1].incarnation = "600.9";
  EXPECT_THAT(differences(whole, define({}, table, {"id"}, &publication)),
              ElementsAre(HasSubstr("publication was altered")));
  publication.contents.pop_back();
  EXPECT_THAT(differences(whole, define({}, table, {"id"}, &publication)),
              ElementsAre(HasSubstr("publication was altered")));
}

TEST(SourceDefinition, TellsOfATypeThatPrintsTheSameBytesOtherwise) {
  auto known = loaded(), now = loaded();
  known.columns[1].type = 650;
  now.columns[1].type = 869;
  EXPECT_THAT(differences(known, now), IsEmpty()) << "rewritten rows are compared";
  now.columns[1].reprinted_from = {650};
  EXPECT_THAT(differences(known, now), ElementsAre(HasSubstr("the type of column v was altered")));
  known.columns[1].type = 869;
  EXPECT_THAT(differences(known, now), IsEmpty());
}

TEST(SourceDefinition, DoubtsAColumnThatCameWhenAnExcludedOneWent) {
  TableJob job;
  job.excluded_columns = {"card"};
  auto now = loaded();
  now.columns.erase(now.columns.begin() + 2);
  EXPECT_FALSE(replaced_exclusion(job, loaded(), now)) << "none came";
  const auto seen = with_followed(loaded(), now, {"id", "v"});
  now.columns.push_back({4, "memo", 25, -1, false, false, ""});
  const auto doubt = replaced_exclusion(job, loaded(), now);
  ASSERT_TRUE(doubt);
  EXPECT_EQ(doubt->reason, "ExcludedColumnInDoubt");
  EXPECT_THAT(doubt->message, HasSubstr("card"));
  EXPECT_FALSE(replaced_exclusion(job, seen, now)) << "it came after a look had seen that card was gone";
  EXPECT_FALSE(replaced_exclusion(job, *SourceDefinition::parse(seen.text()), now))
      << "which the status keeps";
  now.columns.back().name = "card";
  EXPECT_FALSE(replaced_exclusion(job, loaded(), now)) << "excluded by its name";
}

TEST(SourceDefinition, JoinsWhatTwoHaveFoundOut) {
  auto one = loaded(), two = loaded();
  one.columns.push_back({4, "a", 25, -1, false, false, ""});
  two.columns.push_back({5, "b", 25, -1, false, false, ""});
  const auto both = joined(one, two);
  ASSERT_EQ(both.columns.size(), 5U);
  EXPECT_EQ(both.columns[3].name, "a");
  EXPECT_EQ(both.columns[4].name, "b");
  EXPECT_EQ(joined(one.text(), two.text()), both.text());
  EXPECT_EQ(joined(std::string(), two.text()), two.text());
  two.oid = 1;
  EXPECT_EQ(joined(one.text(), two.text()), one.text()) << "another table";
}

TEST(SourceDefinition, AMessageFromBeforeAColumnWasAddedLacksIt) {
  EXPECT_THAT(passing_differences(loaded(), loaded(), relation({"id", "v"})), IsEmpty());
  auto now = loaded();
  now.columns.erase(now.columns.begin() + 1);
  now.columns.push_back({4, "y", 25, -1, false, false, ""});
  auto known = loaded();
  known.columns.push_back({4, "y", 25, -1, false, false, ""});
  for (const auto& older : {relation({"id", "v", "card"}), relation({"id", "card"})}) {
    EXPECT_THAT(passing_differences(known, now, older), IsEmpty()) << "v was dropped, y added";
    EXPECT_THAT(excluded_names(known, now, older), Optional(ElementsAre("card")));
  }
  EXPECT_THAT(passing_differences(loaded(), loaded(), relation({"id", "x", "card"})),
              ElementsAre(HasSubstr("column v was missing")));
}

TEST(SourceDefinition, OfAPartHasItsOrderAndTheNamesOfItsRoot) {
  auto now = loaded();
  now.columns[1].name = "card";
  now.columns[2].name = "v";
  auto part = with_columns({{1, "own"}, {2, "v"}, {4, "card"}, {5, "id"}});
  const auto then = as_in_part(loaded(), now, part), present = as_in_part(now, now, part);
  ASSERT_EQ(then.columns.size(), 4U);
  EXPECT_EQ(then.columns[0].name, "own");
  EXPECT_EQ(then.columns[1].name, "card");
  EXPECT_EQ(then.columns[1].number, 2);
  EXPECT_EQ(then.columns[2].name, "v");
  EXPECT_THAT(excluded_names(then, present, relation({"own", "v", "card", "id"})),
              Optional(ElementsAre("v")));
  EXPECT_THAT(excluded_names(then, present, relation({"own", "card", "v", "id"})),
              Optional(ElementsAre("card")));
}

TEST(SourceDefinition, AColumnInDoubtStaysOut) {
  const auto known = loaded();
  EXPECT_EQ(excluded_names(known, known, relation({"id", "tmp", "v"})), std::nullopt)
      << "card had the name v, and has its own again";
  EXPECT_EQ(excluded_names(known, known, relation({"id", "card", "v"})), std::nullopt) << "names traded";
  auto added = known;
  added.columns.push_back({4, "a", 25, -1, false, false, ""});
  added.columns.push_back({5, "b", 25, -1, false, false, ""});
  EXPECT_THAT(excluded_names(known, added, relation({"id", "v", "card", "a"})),
              Optional(ElementsAre("card", "card")))
      << "b was added later";
  auto plain = known;
  plain.columns[2].excluded = false;
  EXPECT_THAT(excluded_names(plain, plain, relation({"x", "y"})), Optional(IsEmpty()))
      << "nothing is excluded";
}

}  // namespace
}  // namespace penstock::pipeline
