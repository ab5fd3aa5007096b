// The HTTP interface on the real engine: statements, settings, formats and errors, as ClickHouse documents
// them.

#include <gmock/gmock.h>

#include "tests/support/engine_server.hpp"
#include "tests/support/raw_http.hpp"

namespace penstock::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class Statements : public testing::Test {
 protected:
  // A database of the test's own, named after it.
  void SetUp() override {
    database_ = testing::UnitTest::GetInstance()->current_test_info()->name();
    engine().query("CREATE DATABASE " + database_);
  }
  void TearDown() override { engine().query("DROP DATABASE " + database_ + " SYNC"); }

  static EngineServer& engine() { return shared_engine(); }
  std::string run(const std::string& sql, std::map<std::string, std::string> parameters = {}) {
    parameters["database"] = database_;
    return engine().query(sql, parameters);
  }
  HttpReply post(const std::string& sql, const std::string& more = {}, const std::string& body = {}) {
    return http(engine().port(), "POST", "/?database=" + database_ + "&query=" + url_encode(sql) + more,
                body);
  }

  std::string database_;
};

TEST_F(Statements, AnswersPingAndHealthChecks) {
  EXPECT_EQ(http(engine().port(), "GET", "/ping").body, "Ok.\n");
  EXPECT_EQ(http(engine().port(), "GET", "/").body, "Ok.\n");
  EXPECT_EQ(http(engine().port(), "GET", "/replicas_status").body, "Ok.\n");
  EXPECT_EQ(http(engine().port(), "HEAD", "/ping").status, 200);
  EXPECT_EQ(http(engine().port(), "GET", "/nowhere").status, 404);
  EXPECT_EQ(http(engine().port(), "DELETE", "/").status, 405);
}

TEST_F(Statements, RunFromTheUrlTheBodyOrBoth) {
  EXPECT_EQ(http(engine().port(), "GET", "/?query=SELECT%201").body, "1\n");
  EXPECT_EQ(http(engine().port(), "POST", "/", "SELECT 2").body, "2\n");
  EXPECT_EQ(http(engine().port(), "POST", "/?query=SELECT", "3").body, "3\n");
  const HttpReply head = http(engine().port(), "HEAD", "/?query=SELECT%201");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.header("content-length"), "2");
}

TEST_F(Statements, CarryClickHousesHeaders) {
  const HttpReply reply = post("SELECT 1 AS x FORMAT JSON", "&query_id=my-query");
  EXPECT_EQ(reply.header("x-clickhouse-query-id"), "my-query");
  EXPECT_EQ(reply.header("x-clickhouse-format"), "JSON");
  EXPECT_EQ(reply.header("content-type"), "application/json; charset=UTF-8");
  EXPECT_FALSE(reply.header("x-clickhouse-timezone").empty());
  EXPECT_FALSE(reply.header("x-clickhouse-server-display-name").empty());
  EXPECT_EQ(reply.header("x-clickhouse-exception-tag").size(), 16U);
  EXPECT_THAT(reply.header("x-clickhouse-summary"), HasSubstr(R"("read_rows":"1")"));
}

TEST_F(Statements, CreateAtomicDatabasesAndExchangeTables) {
  EXPECT_EQ(engine().value("SELECT engine FROM system.databases WHERE name = '" + database_ + "'"), "Atomic");
  run("CREATE TABLE a (x UInt8) ENGINE = MergeTree ORDER BY x COMMENT 'the first'");
  run("CREATE TABLE b (y UInt8) ENGINE = MergeTree ORDER BY y COMMENT 'the second'");
  run("EXCHANGE TABLES a AND b");
  EXPECT_EQ(run("SELECT name, comment FROM system.tables WHERE database = currentDatabase() ORDER BY name"),
            "a\tthe second\nb\tthe first\n");
  EXPECT_EQ(run("SELECT name FROM system.columns WHERE database = currentDatabase() AND table = 'a'"), "y\n");
  run("DROP TABLE b SYNC", {{"max_table_size_to_drop", "0"}});
  EXPECT_EQ(run("EXISTS TABLE b"), "0\n");
}

TEST_F(Statements, ExchangeTablesInTheDefaultDatabaseToo) {
  engine().query("CREATE TABLE default.one (x UInt8) ENGINE = MergeTree ORDER BY x");
  engine().query("CREATE TABLE default.two (y UInt8) ENGINE = MergeTree ORDER BY y");
  engine().query("EXCHANGE TABLES default.one AND default.two");
  EXPECT_THAT(engine().query("DESCRIBE TABLE default.one"), StartsWith("y\tUInt8"));
  engine().query("DROP TABLE default.one SYNC");
  engine().query("DROP TABLE default.two SYNC");
}

TEST_F(Statements, HideDeletedRowsOfAReplacingMergeTreeWithFinal) {
  run("CREATE TABLE t (id UInt64, v String, version UInt64, deleted UInt8) "
      "ENGINE = ReplacingMergeTree(version, deleted) ORDER BY id");
  run("INSERT INTO t VALUES (1, 'old', 1, 0), (2, 'gone', 1, 0)");
  run("INSERT INTO t VALUES (1, 'new', 2, 0), (2, '', 2, 1)");
  EXPECT_EQ(run("SELECT id, v FROM t FINAL"), "1\tnew\n");
  run("OPTIMIZE TABLE t FINAL");
  EXPECT_EQ(run("SELECT sum(rows) FROM system.parts WHERE database = currentDatabase() AND active"), "2\n");
}

TEST_F(Statements, TakeSettingsFromTheUrlForOneStatementOnly) {
  EXPECT_EQ(run("SELECT getSetting('max_block_size')", {{"max_block_size", "77"}}), "77\n");
  EXPECT_NE(run("SELECT getSetting('max_block_size')"), "77\n");
  EXPECT_EQ(run("SELECT getSetting('insert_deduplication_token')",
                {{"insert_deduplication_token", "it's \\ here"}}),
            "it\\'s \\\\ here\n");
  EXPECT_EQ(post("SELECT 1", "&no_such_setting=1").status, 404);
  EXPECT_EQ(post("SELECT 1", "&max_block_size=many").status, 400);
}

TEST_F(Statements, LeaveNothingBehindInTheSession) {
  for (int i = 0; i < 8; ++i) {
    EXPECT_EQ(http(engine().port(), "POST", "/", "SET max_block_size = 55").status, 200);
    EXPECT_EQ(http(engine().port(), "POST", "/", "USE " + database_).status, 200);
    EXPECT_EQ(http(engine().port(), "POST", "/", "CREATE TEMPORARY TABLE scratch (x UInt8)").status, 200);
    EXPECT_EQ(engine().value("SELECT getSetting('max_block_size') = 55, currentDatabase()"), "0\tdefault");
  }
}

TEST_F(Statements, BindQueryParameters) {
  EXPECT_EQ(run("SELECT {a:UInt64} + 1, {s:String}", {{"param_a", "41"}, {"param_s", "it's"}}),
            "42\tit\\'s\n");
  run("CREATE TABLE {name:Identifier} (x UInt8) ENGINE = Memory", {{"param_name", "odd name"}});
  EXPECT_EQ(run("SHOW TABLES"), "odd name\n");
  EXPECT_EQ(post("SELECT {missing:UInt8}").header("x-clickhouse-exception-code"), "456");
}

TEST_F(Statements, UseTheDefaultFormatUnlessTheyNameOne) {
  EXPECT_EQ(run("SELECT 1 AS x", {{"default_format", "JSONEachRow"}}), "{\"x\":1}\n");
  EXPECT_EQ(run("SELECT 1 AS x FORMAT CSV", {{"default_format", "JSONEachRow"}}), "1\n");
  EXPECT_EQ(run("SELECT 1 AS x FORMAT CSV SETTINGS max_threads = 1;"), "1\n");
  EXPECT_EQ(run("SELECT 1 AS x SETTINGS max_threads = 1 -- the end"), "1\n");
  EXPECT_EQ(run("SHOW DATABASES LIKE 'default' FORMAT JSONEachRow"), "{\"name\":\"default\"}\n");
  EXPECT_THAT(run("EXPLAIN SELECT 1"), HasSubstr("ReadFrom"));
}

// The engine's own streaming makes a document of each block; the answer has to be one.
TEST_F(Statements, GiveOneDocumentHoweverManyBlocks) {
  const std::string numbers = "SELECT number FROM numbers(300000) FORMAT ";
  const std::string json = run(numbers + "JSONCompact");
  EXPECT_EQ(json.find("\"meta\""), json.rfind("\"meta\""));
  EXPECT_THAT(json, HasSubstr("\"rows\": 300000"));
  const std::string csv = run(numbers + "CSVWithNames");
  EXPECT_EQ(csv.find("number"), csv.rfind("number"));
  const std::string parquet = run(numbers + "Parquet");
  EXPECT_THAT(parquet, StartsWith("PAR1"));
  EXPECT_EQ(parquet.find("PAR1", 4), parquet.size() - 4);
}

TEST_F(Statements, AreReadOnlyByGet) {
  const HttpReply reply = http(engine().port(), "GET", "/?query=CREATE%20DATABASE%20by_get");
  EXPECT_EQ(reply.header("x-clickhouse-exception-code"), "164");
  EXPECT_EQ(
      post("CREATE TABLE t (x UInt8) ENGINE = Memory", "&readonly=1").header("x-clickhouse-exception-code"),
      "164");
}

TEST_F(Statements, FailWithClickHousesCodeStatusAndWords) {
  const HttpReply table = post("SELECT * FROM nope");
  EXPECT_EQ(table.status, 404);
  EXPECT_EQ(table.header("x-clickhouse-exception-code"), "60");
  EXPECT_THAT(table.body, StartsWith("Code: 60. DB::Exception: "));
  EXPECT_THAT(table.body, HasSubstr("(UNKNOWN_TABLE) (version "));

  EXPECT_EQ(post("SELEC 1").status, 400);
  EXPECT_EQ(post("SELECT throwIf(1)").status, 500);
  EXPECT_EQ(post("SELECT 1 FORMAT NoSuchFormat").header("x-clickhouse-exception-code"), "73");
  EXPECT_EQ(
      http(engine().port(), "POST", "/?database=nope", "SELECT 1").header("x-clickhouse-exception-code"),
      "81");
  EXPECT_EQ(http(engine().port(), "POST", "/", "").status, 400);
  EXPECT_EQ(http(engine().port(), "POST", "/", "-- nothing").status, 400);
}

TEST_F(Statements, AreRefusedWhenTheyCannotBeDoneAsAsked) {
  EXPECT_EQ(post("SELECT 1; SELECT 2").status, 400);
  EXPECT_EQ(post("SELECT 1 INTO OUTFILE 'x'").status, 501);
  EXPECT_EQ(post("INSERT INTO t FROM INFILE '/etc/passwd' FORMAT CSV").status, 501);
  EXPECT_EQ(post("SELECT 1", "&session_id=s").status, 501);
  EXPECT_EQ(post("SELECT 1", "&compress=1").status, 501);
}

TEST_F(Statements, NeedTheDefaultUserAndTheLoopback) {
  const int port = engine().port();
  EXPECT_EQ(http(port, "POST", "/?user=bob", "SELECT 1").status, 403);
  EXPECT_EQ(http(port, "POST", "/", "SELECT 1", {{"X-ClickHouse-Key", "secret"}})
                .header("x-clickhouse-exception-code"),
            "516");
  EXPECT_EQ(http(port, "POST", "/", "SELECT 1", {{"Authorization", "Basic ZGVmYXVsdDo="}}).body, "1\n");
  RawConnection rebound(port);
  ASSERT_TRUE(rebound.send("GET /?query=SELECT%201 HTTP/1.1\r\nHost: evil.example\r\n\r\n"));
  EXPECT_EQ(rebound.reply().status, 421);
}

}  // namespace
}  // namespace penstock::test
