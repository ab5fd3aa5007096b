// partitionBy, as a real engine parses it: an expression of the target's columns, and nothing else.

#include "tests/integration/clickhouse/engine_test.hpp"

namespace penstock::clickhouse {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class PartitionBy : public EngineTest {
 protected:
  PartitionBy() {
    run("CREATE TABLE s (id Int64, secret String) ENGINE = MergeTree ORDER BY id");
    run("INSERT INTO s VALUES (1, 'told')");
  }

  TargetDefinition by(const std::string& expression) {
    auto out = definition("t",
                          {{"id", "Int64", ""},
                           {"at", "DateTime64(6, 'UTC')", ""},
                           {"note", "Nullable(String)", ""},
                           {"odd `name`", "Int8", ""},
                           {"x (alias y)", "Int8", ""},
                           {"line\nbreak", "Int8", ""},
                           {"Ü.ö", "Int8", ""},
                           {"select", "Int8", ""},
                           {"addr", "Tuple(zip Int32)", ""}},
                          {"id"});
    out.partition_by = expression;
    return out;
  }
  Result<PartitionKey> checked(const std::string& expression) {
    return check_partition_by(client_, by(expression), {});
  }
  /// What was wrong with it, and that nothing came of it.
  std::string refusal(const std::string& expression) {
    const auto made = create_target(client_, by(expression));
    EXPECT_EQ(value("SELECT groupArray(name) FROM system.tables WHERE database = currentDatabase()"),
              "['s']");
    EXPECT_EQ(value("SELECT count() FROM s"), "1");
    if (made) return "";
    EXPECT_EQ(made.error().kind, ErrorKind::NeedsUser);
    EXPECT_EQ(made.error().reason, "PartitionByInvalid") << made.error().text();
    EXPECT_THAT(made.error().cure, HasSubstr("spec.tables[].partitionBy"));
    EXPECT_FALSE(checked(expression));
    return made.error().message;
  }
};

TEST_F(PartitionBy, IsMadeOfTheTargetsColumns) {
  for (const char* expression : {"toYYYYMM(at)",
                                 "toYYYYMM(at) -- monthly",
                                 "(id % 16, toDate(at))",
                                 "tuple()",
                                 "id",
                                 "((id))",
                                 "toStartOfInterval(at, INTERVAL 1 WEEK)",
                                 "date_trunc('month', at)",

                                 "at::Date",
                                 "CAST(at AS Date)",
                                 "if(id IN (1, 2), 1, 2)",
                                 "CASE WHEN id = 1 THEN 1 ELSE 2 END",
                                 "intHash32(id) % 4 + -1",
                                 "length(note)",
                                 "`odd \\`name\\``",
                                 "\"x (alias y)\" + `line\\nbreak`",
                                 "`Ü.ö`",
                                 "`select`",
                                 "addr.zip",
                                 "_penstock_synced_at > 0",
                                 "note = 'a (alias b); SELECT'",
                                 "EXTRACT(YEAR FROM at)",
                                 "id BETWEEN 1 AND 3"}) {
    const auto made = create_target(client_, by(expression));
    EXPECT_TRUE(made) << expression << ": " << made.error().text();
    EXPECT_NE(value("SELECT count() FROM system.tables WHERE name = 't' AND database = currentDatabase()"),
              "0");
    run("DROP TABLE IF EXISTS t SYNC");
  }
}

TEST_F(PartitionBy, TellsTheColumnsThatItUses) {
  const auto key = checked("(toDate(at), length(note), addr.zip, `line\\nbreak` = 1)");
  ASSERT_TRUE(key) << key.error().text();
  EXPECT_THAT(key->columns, testing::UnorderedElementsAre("at", "note", "addr", "line\nbreak"));
  EXPECT_THAT(checked("'note'")->columns, IsEmpty()) << "a text is no column";
  EXPECT_THAT(checked("position('note', toString(id))")->columns, ElementsAre("id"));
}

TEST_F(PartitionBy, IsNoStatement) {
  const auto s = quote(database_) + ".s";
  for (const auto& text :
       {"tuple() ORDER BY id AS SELECT * FROM " + s, "tuple() ORDER BY id; DROP TABLE " + s + " SYNC; )",
        "tuple() ORDER BY id; DROP TABLE " + s + " SYNC", "id) ORDER BY id AS SELECT * FROM " + s + " --",
        std::string("x) SETTINGS index_granularity = 1"), std::string("id) FROM (SELECT 1"),
        std::string("id ORDER BY id"), "id FROM " + s, std::string("id INTO OUTFILE '/tmp/penstock-out'"),
        std::string("id FORMAT Null"), std::string("id SETTINGS max_threads = 1"),
        std::string("id UNION SELECT 1"), std::string("id), (1"), std::string("id, note DESC"),
        std::string("$$) AS SELECT 1 --$$"), std::string("WITH 1 AS x SELECT x")})
    EXPECT_NE(refusal(text), "") << text;
}

TEST_F(PartitionBy, ReadsNothingElse) {
  const auto s = quote(database_) + ".s";
  EXPECT_THAT(refusal("(SELECT max(id) FROM " + s + ")"), HasSubstr("has a subquery"));
  EXPECT_THAT(refusal("id + (SELECT 1)"), HasSubstr("has a subquery"));
  EXPECT_THAT(refusal("EXISTS (SELECT 1)"), HasSubstr("has a subquery"));
  EXPECT_THAT(refusal("id IN (SELECT id FROM " + s + ")"), HasSubstr("has a subquery"));
  EXPECT_THAT(refusal("id IN " + s), HasSubstr("behind IN"));
  EXPECT_THAT(refusal("id IN id"), HasSubstr("behind IN"));
  EXPECT_THAT(refusal("id IN numbers(10)"), HasSubstr("behind IN"));
  EXPECT_THAT(refusal("s.secret"), HasSubstr("has s.secret, which is no column of the target"));
  EXPECT_THAT(refusal("`tuple() ORDER BY id`"), HasSubstr("no column of the target"));
  for (const char* function : {"now()", "rand()", "today()", "dictGet('d', 'a', id)", "joinGet('j', 'a', id)",
                               "getSetting('max_threads')", "currentUser()", "hostName()", "sleep(1)",
                               "logTrace('x')", "arrayJoin([1])", "showCertificate()", "tid()",
                               "generateUUIDv4()", "__getScalar('x')", "getMacro('x')", "FQDN()"})
    EXPECT_THAT(refusal(function), HasSubstr("whose value does not depend on its arguments alone"))
        << function;
  EXPECT_THAT(refusal("file('/etc/passwd')"), HasSubstr("function file"));
}

TEST_F(PartitionBy, IsOneValueOfOneRow) {
  EXPECT_THAT(refusal("sum(id)"), HasSubstr("which takes many rows together"));
  EXPECT_THAT(refusal("quantile(0.5)(id)"), HasSubstr("which takes many rows together"));
  EXPECT_THAT(refusal("sum(id) OVER ()"), HasSubstr("has a window"));
  EXPECT_THAT(refusal("*"), HasSubstr("has a *"));
  EXPECT_THAT(refusal("COLUMNS('id')"), HasSubstr("a matcher of columns"));
  EXPECT_THAT(refusal("id AS x"), HasSubstr("AS"));
  EXPECT_THAT(refusal("id over (partition by id)"), HasSubstr("has a window"));
  EXPECT_THAT(refusal("arrayMap(x -> x, [1])[1]"), HasSubstr("a lambda"));
  EXPECT_THAT(refusal("{x:UInt8}"), HasSubstr("in braces"));
  EXPECT_THAT(refusal("nonsense(at)"), HasSubstr("does not know"));
  EXPECT_THAT(refusal("sumIf(id, 1)"), testing::Not(IsEmpty()));
}

TEST_F(PartitionBy, OfWrongTypesIsRefusedBeforeAnythingIsMade) {
  const auto key = checked("toYYYYMM(note)");
  ASSERT_FALSE(key);
  EXPECT_THAT(key.error().message, AllOf(HasSubstr("is refused"), HasSubstr("toYYYYMM")));
  EXPECT_NE(refusal("toYYYYMM(note)"), "");
}

TEST_F(PartitionBy, OfTheUsersOwnFunctionIsRefused) {
  run("CREATE FUNCTION penstock_of_mine AS (x) -> x + (SELECT max(id) FROM " + quote(database_) + ".s)");
  EXPECT_THAT(refusal("penstock_of_mine(id)"), HasSubstr("a function of a user's"));
  run("DROP FUNCTION penstock_of_mine");
}

TEST_F(PartitionBy, MayBeAsDeepAndLongAsItLikesWithoutHarm) {
  EXPECT_NE(refusal(std::string(500, '(') + "id" + std::string(500, ')')), "");
  std::string deep;
  for (int at = 0; at < 2000; ++at)
    deep += "-(";
  EXPECT_NE(refusal(deep + "id" + std::string(2000, ')')), "");
  std::string wide = "id";
  for (int at = 0; at < 20000; ++at)
    wide += " + 1";
  EXPECT_NE(refusal(wide), "");
  EXPECT_NE(refusal("'" + std::string(300, '\'') + "id"), "");
}

}  // namespace
}  // namespace penstock::clickhouse
