#include "dataplane/pipeline/partitions.hpp"

#include <gtest/gtest.h>

namespace penstock::pipeline {
namespace {

TEST(IndexSet, JoinsNeighboursIntoRanges) {
  IndexSet set;
  for (const int index : {5, 3, 4, 9, 0, 3})
    set.insert(index);
  EXPECT_EQ(set.text(), "0,3-5,9");
  EXPECT_EQ(set.size(), 5);
  EXPECT_TRUE(set.contains(4));
  EXPECT_FALSE(set.contains(6));
  EXPECT_EQ(*IndexSet::parse(set.text()), set);
  for (const int index : {1, 2, 8, 6, 7})
    set.insert(index);
  EXPECT_EQ(set.text(), "0-9");
}

TEST(IndexSet, RefusesNonsense) {
  for (const char* text : {"a", "1-", "3-1", "1;2", "-1", "1,,2", "1-2-3"})
    EXPECT_FALSE(IndexSet::parse(text)) << text;
  EXPECT_EQ(IndexSet::parse("")->size(), 0);
}

constexpr std::size_t kAnyBytes = 1u << 30;

postgres::SourceTable table_of(std::vector<std::int64_t> pages, std::int64_t rows) {
  postgres::SourceTable out;
  out.rows_estimated = rows;
  for (std::size_t at = 0; at < pages.size(); ++at) {
    postgres::Heap heap;
    heap.oid = static_cast<std::uint32_t>(100 + at);
    heap.relation_file = static_cast<std::int64_t>(200 + at);
    heap.pages = pages[at];
    out.heaps.push_back(heap);
  }
  return out;
}

TEST(LoadLayout, CoversEveryBlockOfEveryHeapOnce) {
  const auto table = table_of({100, 0, 7}, 10'700);
  const auto layout = LoadLayout::of(table, {1'000, kAnyBytes});
  EXPECT_EQ(layout.blocks_per_partition, 10);
  EXPECT_EQ(layout.partitions(), 10 + 1 + 1);
  std::vector<std::int64_t> next(table.heaps.size(), 0);
  for (std::int64_t index = 0; index < layout.partitions(); ++index) {
    const auto part = layout.partition(index);
    EXPECT_EQ(part.first, next[part.heap]) << index;
    next[part.heap] = part.last;
  }
  for (const auto end : next)
    EXPECT_EQ(end, -1) << "the last partition of a heap is open";
}

TEST(LoadLayout, LargeRowsMakeSmallPartitions) {
  const auto table = table_of({1'000}, 10'000);
  EXPECT_EQ(LoadLayout::of(table, {5'000, kAnyBytes}).blocks_per_partition, 500);
  EXPECT_EQ(LoadLayout::of(table, {5'000, 8192 * 100}).blocks_per_partition, 100);
  EXPECT_EQ(LoadLayout::of(table, {5'000, 8191}).blocks_per_partition, 1) << "less than a page";
}

TEST(LoadLayout, EveryWorkerHasAPartOfATableThatIsWorthIt) {
  const auto blocks = [](std::int64_t pages) {
    return LoadLayout::of(table_of({pages}, pages * 50), {10'000'000, kAnyBytes, 4}).blocks_per_partition;
  };
  EXPECT_EQ(blocks(20'001), 5'001);
  EXPECT_EQ(blocks(3'000), 1'024) << "8 MB each";
  EXPECT_EQ(blocks(10), 1'024);
}

TEST(LoadLayout, ReadsAHeapWithoutCtidsWhole) {
  auto table = table_of({100}, 1'000);
  table.heaps[0].ctid_ranges = false;
  const auto layout = LoadLayout::of(table, {10, kAnyBytes});
  EXPECT_EQ(layout.partitions(), 1);
  EXPECT_TRUE(layout.partition(0).whole);
}

TEST(LoadLayout, SurvivesAsText) {
  const auto layout = LoadLayout::of(table_of({100, 3}, 500), {100, kAnyBytes});
  const auto read = LoadLayout::parse(layout.text());
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, layout);
  for (const char* text : {"", "x", "10", "10;", "0;1:2:3", "10;1:2", "10;1:2:3:4", "10;99999999999:2:3"})
    EXPECT_FALSE(LoadLayout::parse(text)) << text;
}

TEST(LoadLayout, ARewrittenHeapFitsNoMore) {
  auto table = table_of({100}, 1'000);
  const auto layout = LoadLayout::of(table, {100, kAnyBytes});
  table.heaps[0].pages = 200;
  EXPECT_TRUE(layout.fits(table)) << "it only grew";
  table.heaps[0].relation_file = 999;
  EXPECT_FALSE(layout.fits(table));
}

TEST(LoadLayout, FitsATableWithNewColumnsAndNoOtherChange) {
  auto table = table_of({100}, 1'000);
  int number = 0;
  const auto add = [&](const char* name) {
    postgres::SourceColumn column;
    column.name = name;
    column.attribute_number = ++number;
    column.declared_type = 23;
    table.columns.push_back(column);
  };
  add("id");
  add("v");
  const auto layout = LoadLayout::parse(LoadLayout::of(table, {100, kAnyBytes}).text());
  ASSERT_TRUE(layout);
  EXPECT_TRUE(layout->fits(table));
  add("late");
  EXPECT_TRUE(layout->fits(table));
  table.columns.erase(table.columns.begin() + 1);
  EXPECT_FALSE(layout->fits(table)) << "v is gone";
  add("v");
  EXPECT_FALSE(layout->fits(table)) << "it is another";
  table.columns.resize(1);
  EXPECT_FALSE(layout->fits(table));
}

}  // namespace
}  // namespace penstock::pipeline
