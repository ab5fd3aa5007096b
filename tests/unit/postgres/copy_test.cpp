#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "dataplane/postgres/copy_reader.hpp"

namespace penstock::postgres {
namespace {

using namespace std::string_literals;

// Three fields: "ab", NULL, "".
const std::string kRow =
    "\0\3"
    "\0\0\0\2ab"
    "\377\377\377\377"
    "\0\0\0\0"s;

TEST(CopyRow, IsSplitIntoItsFields) {
  std::vector<FieldView> fields;
  ASSERT_TRUE(parse_copy_row(kRow, 3, fields));
  ASSERT_EQ(fields.size(), 3U);
  EXPECT_EQ(fields[0].bytes, "ab");
  EXPECT_FALSE(fields[0].null);
  EXPECT_TRUE(fields[1].null);
  EXPECT_FALSE(fields[2].null);
  EXPECT_EQ(fields[2].bytes, "");
}

TEST(CopyRow, OfAnotherWidthOrCutShortOrTooLongIsRefused) {
  std::vector<FieldView> fields;
  EXPECT_FALSE(parse_copy_row(kRow, 2, fields));
  EXPECT_FALSE(parse_copy_row(kRow, 4, fields));
  EXPECT_FALSE(parse_copy_row(kRow + 'x', 3, fields));
  for (std::size_t size = 0; size < kRow.size(); ++size) {
    const std::vector<char> cut(kRow.begin(), kRow.begin() + static_cast<std::ptrdiff_t>(size));
    const auto status = parse_copy_row({cut.data(), cut.size()}, 3, fields);
    ASSERT_FALSE(status) << size;
    EXPECT_EQ(status.error().reason, "MalformedCopy");
  }
}

TEST(CopyRow, SurvivesAnyBytes) {
  std::mt19937 random(7);
  std::vector<FieldView> fields;
  std::size_t seen = 0;
  for (int round = 0; round < 60'000; ++round) {
    auto bytes = kRow;
    for (auto hits = random() % 3 + 1; hits > 0; --hits)
      bytes[random() % bytes.size()] = static_cast<char>(random() % 5 == 0 ? random() : random() % 4);
    const std::vector<char> exact(bytes.begin(), bytes.end());
    if (!parse_copy_row({exact.data(), exact.size()}, 3, fields)) continue;
    for (const auto& field : fields)
      seen += std::string(field.bytes).size();
  }
  EXPECT_GT(seen, 0U);
}

const TableName kTable{"My.Schema", "odd \"table\""};

TEST(CopySql, ReadsARangeOfBlocksOfOneHeapOnly) {
  EXPECT_EQ(copy_range_sql(kTable, {{"id", false}}, 10, 20),
            "COPY (SELECT \"id\" FROM ONLY \"My.Schema\".\"odd \"\"table\"\"\" WHERE ctid >= "
            "'(10,0)'::pg_catalog.tid"
            " AND ctid < '(20,0)'::pg_catalog.tid) TO STDOUT (FORMAT binary)");
}

TEST(CopySql, TheLastRangeIsOpen) {
  EXPECT_EQ(copy_range_sql({"public", "t"}, {{"id", false}}, 0, -1),
            "COPY (SELECT \"id\" FROM ONLY \"public\".\"t\" WHERE ctid >= '(0,0)'::pg_catalog.tid) TO STDOUT"
            " (FORMAT binary)");
}

TEST(CopySql, ReadsWhatAFilterLetsPass) {
  EXPECT_EQ(copy_range_sql({"public", "t"}, {{"id", false}}, 0, -1, "((a = 1) OR b)"),
            "COPY (SELECT \"id\" FROM ONLY \"public\".\"t\" WHERE ctid >= '(0,0)'::pg_catalog.tid AND (((a = "
            "1) OR b))) TO STDOUT (FORMAT binary)");
  EXPECT_EQ(copy_all_sql({"public", "t"}, {{"id", false}}, "(id > 5)"),
            "COPY (SELECT \"id\" FROM ONLY \"public\".\"t\" WHERE ((id > 5))) TO STDOUT (FORMAT binary)");
}

TEST(CopySql, TakesTextFromTheOutputFunction) {
  EXPECT_EQ(copy_all_sql({"public", "t"}, {{"id", false}, {"host", true}}),
            "COPY (SELECT \"id\", CASE WHEN \"host\" IS DISTINCT FROM NULL THEN pg_catalog.concat(\"host\") "
            "END FROM"
            " ONLY \"public\".\"t\") TO STDOUT (FORMAT binary)");
}

}  // namespace
}  // namespace penstock::postgres
