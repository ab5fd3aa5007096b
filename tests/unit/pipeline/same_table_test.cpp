#include "dataplane/pipeline/same_table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock::pipeline {
namespace {

using postgres::ColumnState;
using postgres::HeapState;
using testing::HasSubstr;

constexpr std::uint32_t kInt4 = 23, kInt8 = 20, kText = 25, kVarchar = 1043;

/// Table t(id int, v int, w varchar(10)), of which all but an excluded column 4 is read; two equal looks at
/// it.
class WhatChanged : public testing::Test {
 protected:
  WhatChanged() {
    table_.job.source_text = "public.t";
    table_.source.oid = 7;
    table_.source.heaps.push_back({{"public", "t"}, 7, 100});
    int number = 0;
    for (const auto& [name, type] :
         {std::pair{"id", kInt4}, {"v", kInt4}, {"w", kVarchar}, {"secret", kText}}) {
      postgres::SourceColumn column;
      column.name = name;
      column.attribute_number = ++number;
      column.declared_type = type;
      table_.source.columns.push_back(column);
      if (number < 4)
        table_.binding.columns.push_back({name,
                                          {},
                                          false,
                                          false,
                                          false,
                                          false,
                                          FieldDecoder({}, ColumnType::parse("String"), false),
                                          false});
      then_.table_columns.push_back({number, name, type, type == kVarchar ? 14 : -1, false, false});
    }
    then_.table = then_.heap = 7;
    then_.file = 100;
    then_.heap_columns = then_.table_columns;
    now_ = then_;
  }

  void now(const std::function<void(std::vector<ColumnState>&)>& alter) {
    alter(now_.table_columns);
    alter(now_.heap_columns);
  }
  std::string answer() const {
    const auto change = what_changed(table_, 0, then_, now_);
    return change ? change->message : "";
  }

  BoundTable table_;
  HeapState then_, now_;
};

TEST_F(WhatChanged, IsNothingWhereBothLooksAreTheSame) {
  EXPECT_EQ(answer(), "");
}

TEST_F(WhatChanged, IsNothingWhereAColumnWasAdded) {
  now([](auto& columns) { columns.push_back({5, "late", kText, -1, false, false}); });
  EXPECT_EQ(answer(), "");
}

TEST_F(WhatChanged, IsNothingWhereAColumnThatIsNotReadWasDropped) {
  now([](auto& columns) { columns[3].dropped = true; });
  EXPECT_EQ(answer(), "");
}

TEST_F(WhatChanged, IsNothingWhereAColumnThatIsReadWasAddedAfterTheSnapshot) {
  then_.table_columns.erase(then_.table_columns.begin() + 1);
  then_.heap_columns = then_.table_columns;
  EXPECT_EQ(answer(), "");
}

TEST_F(WhatChanged, IsNothingWhereATextMayBeLonger) {
  now([](auto& columns) { columns[2].typmod = 24; });
  EXPECT_EQ(answer(), "");
}

TEST_F(WhatChanged, NamesAPublicationThatWasAltered) {
  then_.published = "7.600.1";
  now_.published = "7.600.2";
  EXPECT_THAT(answer(), HasSubstr("its publication was altered"));
}

TEST_F(WhatChanged, NamesARowFilterThatSaysAnotherColumnThanItMeant) {
  table_.source.heaps[0].filter_columns = {{4, "secret"}};
  EXPECT_EQ(answer(), "");
  const auto swap = [](auto& columns) { std::swap(columns[1].name, columns[3].name); };
  table_.binding.columns.clear();  // neither is read
  now(swap);
  swap(then_.table_columns);
  swap(then_.heap_columns);
  EXPECT_THAT(answer(), HasSubstr("a column of its row filter was renamed"));
}

TEST_F(WhatChanged, KnowsTheColumnsOfAFilterByTheRootsNumbers) {
  table_.source.kind = 'p';
  table_.source.heaps[0].filter_columns = {{4, "secret"}};
  for (auto* side : {&then_, &now_})
    for (auto& column : side->heap_columns)
      column.number += 10;
  table_.binding.columns.clear();
  EXPECT_EQ(answer(), "");
}

TEST_F(WhatChanged, NamesAColumnThatIsGoneRenamedReplacedOrAltered) {
  const auto of = [&](const std::function<void(std::vector<ColumnState>&)>& alter) {
    now_ = then_;
    now(alter);
    return answer();
  };
  EXPECT_THAT(of([](auto& columns) { columns[1].dropped = true; }),
              HasSubstr("column v was dropped or renamed"));
  EXPECT_THAT(of([](auto& columns) { columns[1].name = "v_old"; }),
              HasSubstr("column v was dropped or renamed"));
  EXPECT_THAT(of([](auto& columns) {
                columns[1].dropped = true;
                columns.push_back({5, "v", kInt4, -1, false, false});
              }),
              HasSubstr("column v was replaced"));
  EXPECT_THAT(of([](auto& columns) { std::swap(columns[0].name, columns[1].name); }),
              HasSubstr("column id was renamed"));
  EXPECT_THAT(of([](auto& columns) { columns[1].type = kInt8; }), HasSubstr("column v was altered"));
  EXPECT_THAT(of([](auto& columns) { columns[1].generated = true; }), HasSubstr("column v was altered"));
}

TEST_F(WhatChanged, NamesAColumnThatWasReplacedBeforeTheLoadWasPlanned) {
  now([](auto& columns) {
    columns[1].dropped = true;
    columns.push_back({5, "v", kInt4, -1, false, false});
  });
  then_ = now_;  // looks agree, the plan does not
  EXPECT_THAT(answer(), HasSubstr("column v was replaced or altered"));
}

TEST_F(WhatChanged, NamesAnotherTableUnderTheNameAnotherFileAndAnotherAttachment) {
  now_.table = now_.heap = 8;
  EXPECT_THAT(answer(), HasSubstr("another table has its name"));
  then_ = now_;
  EXPECT_THAT(answer(), HasSubstr("another table has its name")) << "traded before the load was planned";
  now_.table = now_.heap = then_.table = then_.heap = 7;
  now_.file = 101;
  EXPECT_THAT(answer(), HasSubstr("rewritten or emptied"));
  then_.file = 101;
  EXPECT_THAT(answer(), HasSubstr("rewritten or emptied")) << "its ctids are not those of the plan";
  then_.file = now_.file = 100;
  now_.attachment = "7:6:1234";
  EXPECT_THAT(answer(), HasSubstr("attached or detached"));
}

TEST_F(WhatChanged, BeginsTheLoadOfTheOneTableAgain) {
  now_.heap = 0;
  const auto change = what_changed(table_, 0, then_, now_);
  ASSERT_TRUE(change);
  EXPECT_EQ(change->reason, kTableChanged);
  EXPECT_EQ(change->kind, ErrorKind::Transient);
}

}  // namespace
}  // namespace penstock::pipeline
