#include "controller/engine/statement_text.hpp"

#include <gtest/gtest.h>

namespace penstock::engine {
namespace {

struct InsertCase {
  std::string text;
  std::string statement;
  std::string format;
  std::string data;
};

void PrintTo(const InsertCase& c, std::ostream* out) {  // NOLINT: googletest asks for this name
  *out << c.text;
}

class InsertWithData : public testing::TestWithParam<InsertCase> {};

TEST_P(InsertWithData, IsCutWhereItsDataBegins) {
  const auto& expected = GetParam();
  const auto split = split_insert(expected.text, true);
  ASSERT_TRUE(split.has_value());
  EXPECT_EQ(split->statement, expected.statement);
  EXPECT_EQ(split->format, expected.format);
  EXPECT_EQ(expected.text.substr(split->data_begin), expected.data);
}

INSTANTIATE_TEST_SUITE_P(
    Forms, InsertWithData,
    testing::Values(
        InsertCase{"INSERT INTO t FORMAT Native\n\1\2", "INSERT INTO t ", "Native", "\1\2"},
        InsertCase{"insert into d.t (a, b) format JSONEachRow {\"a\":1}", "insert into d.t (a, b) ",
                   "JSONEachRow", "{\"a\":1}"},
        InsertCase{"INSERT INTO t VALUES (1),\n\n(2)", "INSERT INTO t ", "Values", " (1),\n\n(2)"},
        InsertCase{"INSERT INTO t (`values`, \"format\") VALUES (1)", "INSERT INTO t (`values`, \"format\") ",
                   "Values", " (1)"},
        InsertCase{"-- why\nINSERT INTO t FORMAT CSV\r\n1,2", "-- why\nINSERT INTO t ", "CSV", "1,2"},
        InsertCase{"INSERT INTO t FORMAT TSV\n\n1", "INSERT INTO t ", "TSV", "\n1"},
        InsertCase{"INSERT INTO t SETTINGS a = 1, b = 'format x' FORMAT TSV\n1",
                   "INSERT INTO t SETTINGS a = 1, b = 'format x' ", "TSV", "1"},
        InsertCase{"INSERT INTO t FORMAT TSV SETTINGS a = -1, b = 'x'\n1",
                   "INSERT INTO t \nSETTINGS a = -1, b = 'x'", "TSV", "1"},
        InsertCase{"INSERT INTO t FORMAT TSV\nSETTINGS a = 1", "INSERT INTO t ", "TSV", "SETTINGS a = 1"},
        InsertCase{"INSERT INTO format FORMAT CSV\n", "INSERT INTO format ", "CSV", ""},
        InsertCase{"INSERT INTO values VALUES (1)", "INSERT INTO values ", "Values", " (1)"},
        InsertCase{"INSERT INTO TABLE t FORMAT CSV\n", "INSERT INTO TABLE t ", "CSV", ""},
        InsertCase{"INSERT INTO table (a) FORMAT CSV\n", "INSERT INTO table (a) ", "CSV", ""},
        InsertCase{"INSERT INTO FUNCTION remote('x', d.t) (a) VALUES (1)",
                   "INSERT INTO FUNCTION remote('x', d.t) (a) ", "Values", " (1)"},
        InsertCase{"INSERT INTO \"d\".\"t\" (* EXCEPT(x)) FORMAT RowBinary\nz",
                   "INSERT INTO \"d\".\"t\" (* EXCEPT(x)) ", "RowBinary", "z"}));

class OtherStatement : public testing::TestWithParam<std::string> {};

TEST_P(OtherStatement, HasNoDataToCutOff) {
  EXPECT_FALSE(split_insert(GetParam(), true).has_value());
}

INSTANTIATE_TEST_SUITE_P(Forms, OtherStatement,
                         testing::Values("SELECT 1 FORMAT CSV", "INSERT INTO t SELECT 1 FORMAT CSV",
                                         "INSERT INTO t (a) SELECT 'values' FORMAT CSV",
                                         "INSERT INTO t (SELECT 1) ", "INSERT INTO t WITH 1 AS x SELECT x",
                                         "INSERT INTO t FROM INFILE 'x' FORMAT CSV", "INSERT INTO t",
                                         "INSERT", "", ";", "EXPLAIN INSERT INTO t VALUES (1)",
                                         "-- INSERT INTO t VALUES (1)", "INSERT INTO t; SELECT 1 FORMAT CSV",
                                         "INSERT INTO t FORMAT", "INSERT INTO t ("));

TEST(SplitInsert, WaitsForTheRestOfATextThatGoesOn) {
  for (const std::string text :
       {"INSERT INTO t FORM", "INSERT INTO t FORMAT", "INSERT INTO t FORMAT JSONEach",
        "INSERT INTO t FORMAT CSV ", "INSERT INTO t VALUES", "INSERT INTO t (a",
        "INSERT INTO t FORMAT CSV sett", "INSERT INTO t FORMAT CSV SETTINGS",
        "INSERT INTO t FORMAT CSV SETTINGS a", "INSERT INTO t FORMAT CSV SETTINGS a = 1",
        "INSERT INTO t FORMAT CSV SETTINGS a = 1, b = 'x"}) {
    EXPECT_FALSE(split_insert(text, false).has_value()) << text;
  }
  EXPECT_TRUE(split_insert("INSERT INTO t FORMAT CSV\n", false).has_value());
  EXPECT_TRUE(split_insert("INSERT INTO t FORMAT CSV 1", false).has_value());
  EXPECT_TRUE(split_insert("INSERT INTO t FORMAT CSV\nsett", false).has_value());
  EXPECT_TRUE(split_insert("INSERT INTO t VALUES (", false).has_value());
}

TEST(SplitOutput, FindsTheFormatClauseAtTheEnd) {
  EXPECT_EQ(split_output("SELECT 1 FORMAT JSON"), (OutputSplit{"SELECT 1 ", "JSON", ""}));
  EXPECT_EQ(split_output("SELECT 1 format JSON ;\n-- done"), (OutputSplit{"SELECT 1 ", "JSON", ""}));
  EXPECT_EQ(split_output("SELECT 1 SETTINGS a = 1 FORMAT CSV"),
            (OutputSplit{"SELECT 1 SETTINGS a = 1 ", "CSV", ""}));
  EXPECT_EQ(split_output("SELECT 1 FORMAT CSV SETTINGS a = 1"),
            (OutputSplit{"SELECT 1 ", "CSV", "SETTINGS a = 1"}));
}

TEST(SplitOutput, LeavesAStatementWithoutFormatWhole) {
  EXPECT_EQ(split_output("SELECT 1"), (OutputSplit{"SELECT 1", "", ""}));
  EXPECT_EQ(split_output("SELECT 1;"), (OutputSplit{"SELECT 1", "", ""}));
  EXPECT_EQ(split_output("SELECT 'x FORMAT CSV' -- FORMAT CSV\n"),
            (OutputSplit{"SELECT 'x FORMAT CSV'", "", ""}));
  EXPECT_EQ(split_output("SELECT format FROM t"), (OutputSplit{"SELECT format FROM t", "", ""}));
  EXPECT_EQ(split_output("SELECT * FROM (SELECT 1 FORMAT CSV)"),
            (OutputSplit{"SELECT * FROM (SELECT 1 FORMAT CSV)", "", ""}));
}

TEST(Reach, IsAClauseOrACallAndNotAWord) {
  EXPECT_EQ(reach_of("SELECT 1\nINTO OUTFILE 'x' TRUNCATE\nFORMAT CSV"), Reach::Outfile);
  EXPECT_EQ(reach_of("DROP TABLE t\nINTO OUTFILE 'x'"), Reach::Outfile);
  EXPECT_EQ(reach_of("INSERT INTO t FROM INFILE 'x' FORMAT CSV"), Reach::Infile);
  EXPECT_EQ(reach_of("SELECT file('x')"), Reach::FileFunction);
  EXPECT_EQ(reach_of("CREATE FUNCTION f AS x -> upper(file(x))"), Reach::FileFunction);
  for (const std::string harmless :
       {"SELECT 1 AS outfile", "SELECT infile FROM t", "SELECT into, outfile, 'x'",
        "SELECT 'INTO OUTFILE \\'x\\''", "SELECT `INTO OUTFILE`", "SELECT profile(1)", "SELECT file",
        "INSERT INTO file (a) SELECT 1", "SELECT 'file(1)'", ""})
    EXPECT_EQ(reach_of(harmless), Reach::Nothing) << harmless;
}

TEST(Reach, IsAskedForOnlyWhereItMayBe) {
  for (const std::string text : {"select 1 into OutFile 'x'", "INSERT INTO t FROM INFILE 'x'", "SELECT FILE",
                                 R"(SELECT `f\x69le`(1))"})
    EXPECT_TRUE(may_reach_outside(text)) << text;
  EXPECT_FALSE(may_reach_outside("SELECT fil, e FROM `t`"));
}

TEST(Quoting, EscapesWhatWouldEndTheLiteral) {
  EXPECT_EQ(quote_string(R"(it's \ here)"), R"('it\'s \\ here')");
  EXPECT_EQ(quote_name("a`b\\c"), R"(`a\`b\\c`)");
}

}  // namespace
}  // namespace penstock::engine
