// Inserts through the HTTP interface on the real engine: formats, cuts, compression, deduplication, failures.

#include <gmock/gmock.h>

#include "controller/engine/zlib_stream.hpp"
#include "tests/support/engine_server.hpp"
#include "tests/support/raw_http.hpp"

namespace penstock::test {
namespace {

using testing::HasSubstr;

class Inserts : public testing::Test {
 protected:
  void SetUp() override {
    database_ = testing::UnitTest::GetInstance()->current_test_info()->name();
    engine().query("CREATE DATABASE " + database_);
    run("CREATE TABLE t (id UInt64, v String DEFAULT concat('default ', toString(id))) ENGINE = MergeTree "
        "ORDER BY id");
  }
  void TearDown() override { engine().query("DROP DATABASE " + database_ + " SYNC"); }

  static EngineServer& engine() { return shared_engine(); }
  std::string run(const std::string& sql) { return engine().query(sql, {{"database", database_}}); }
  std::string target(const std::string& sql, const std::string& more = {}) const {
    return "/?database=" + database_ + "&query=" + url_encode(sql) + more;
  }
  HttpReply insert(const std::string& sql, const std::string& data, const std::string& more = {},
                   const std::map<std::string, std::string>& headers = {}) {
    return http(engine().port(), "POST", target(sql, more), data, headers);
  }
  std::string rows(const std::string& table = "t") { return run("SELECT * FROM " + table + " ORDER BY ALL"); }

  std::string database_;
};

TEST_F(Inserts, TakeTheirDataFromTheBodyInAnyFormat) {
  EXPECT_EQ(insert("INSERT INTO t FORMAT TSV", "1\ta\n").status, 200);
  EXPECT_EQ(insert("INSERT INTO t (id) FORMAT JSONEachRow", "{\"id\":2}\n").status, 200);
  EXPECT_EQ(insert("INSERT INTO t FORMAT CSV", "3,\"c,c\"\n").status, 200);
  EXPECT_EQ(insert("INSERT INTO t VALUES", "(4, 'd'), (2 + 3, upper('e'))").status, 200);
  EXPECT_EQ(insert("INSERT INTO t FORMAT RowBinary", std::string("\6\0\0\0\0\0\0\0\1f", 10)).status, 200);
  EXPECT_EQ(
      insert("INSERT INTO t FORMAT Native", run("SELECT toUInt64(7) AS id, 'g' AS v FORMAT Native")).status,
      200);
  EXPECT_EQ(rows(), "1\ta\n2\tdefault 2\n3\tc,c\n4\td\n5\tE\n6\tf\n7\tg\n");
}

TEST_F(Inserts, TakeTheWholeStatementFromTheBodyBlankLinesIncluded) {
  run("INSERT INTO t VALUES (1, 'a'),\n\n\n(2, 'b')");
  run("INSERT INTO t FORMAT TSV\n3\t\n");
  run("-- a comment first\nINSERT INTO t (id) SETTINGS max_insert_block_size = 1000 VALUES (4)");
  run("INSERT INTO t FORMAT JSONEachRow SETTINGS input_format_skip_unknown_fields = 1\n{\"id\":5,\"zz\":1}");
  EXPECT_EQ(rows(), "1\ta\n2\tb\n3\t\n4\tdefault 4\n5\tdefault 5\n");
}

TEST_F(Inserts, SayWhatTheyWrote) {
  const HttpReply reply = insert("INSERT INTO t FORMAT TSV", "1\ta\n2\tb\n");
  EXPECT_THAT(reply.header("x-clickhouse-summary"), HasSubstr(R"("written_rows":"2")"));
  EXPECT_EQ(reply.body, "");
  EXPECT_EQ(insert("INSERT INTO t FORMAT TSV", "").status, 200);
}

TEST_F(Inserts, OfSelectedRowsRunInTheEngine) {
  run("INSERT INTO t SELECT number, 'n' FROM numbers(3)");
  EXPECT_EQ(run("SELECT count() FROM t"), "3\n");
}

TEST_F(Inserts, AreOnePartHoweverTheBodyIsCut) {
  run("SYSTEM STOP MERGES t");
  const std::string block = run("SELECT number AS id, 'x' AS v FROM numbers(50000) FORMAT Native");
  RawConnection connection(engine().port());
  ASSERT_TRUE(connection.send("POST " + target("INSERT INTO t FORMAT Native") +
                              " HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"));
  std::string size(20, '\0');
  for (std::size_t at = 0; at < block.size(); at += 777) {
    const std::string piece = block.substr(at, 777);
    size.resize(static_cast<std::size_t>(std::snprintf(size.data(), 20, "%zx", piece.size())));
    ASSERT_TRUE(connection.send(size + "\r\n" + piece + "\r\n"));
    size.resize(20);
  }
  ASSERT_TRUE(connection.send("0\r\n\r\n"));
  EXPECT_EQ(connection.reply().status, 200);
  EXPECT_EQ(run("SELECT count(), sum(rows) FROM system.parts WHERE database = currentDatabase() AND active"),
            "1\t50000\n");
}

TEST_F(Inserts, TakeGzipAndDeflate) {
  for (const auto coding : {engine::Coding::Gzip, engine::Coding::Deflate}) {
    const std::string data = engine::Deflater(coding).compress("1\ta\n2\tb\n", true);
    const HttpReply reply =
        insert("INSERT INTO t FORMAT TSV", data, "", {{"Content-Encoding", std::string(name_of(coding))}});
    EXPECT_EQ(reply.status, 200) << reply.body;
  }
  EXPECT_EQ(run("SELECT count() FROM t"), "4\n");
  EXPECT_EQ(insert("INSERT INTO t FORMAT TSV", "x", "", {{"Content-Encoding", "zstd"}}).status, 415);
  EXPECT_EQ(insert("INSERT INTO t FORMAT TSV", "no gzip", "", {{"Content-Encoding", "gzip"}})
                .header("x-clickhouse-exception-code"),
            "271");
  EXPECT_EQ(run("SELECT count() FROM t"), "4\n");
}

TEST_F(Inserts, WithTheSameTokenCountOnce) {
  run("CREATE TABLE log (x UInt8) ENGINE = MergeTree ORDER BY x SETTINGS non_replicated_deduplication_window "
      "= 100");
  for (const char* token : {"one", "one", "two"}) {
    EXPECT_EQ(insert("INSERT INTO log FORMAT TSV", "1\n", std::string("&insert_deduplication_token=") + token)
                  .status,
              200);
  }
  EXPECT_EQ(rows("log"), "1\n1\n");
}

TEST_F(Inserts, AreWrittenWhenTheyAreAnsweredEvenWhenAsynchronousOnesAreAskedFor) {
  EXPECT_EQ(insert("INSERT INTO t FORMAT TSV", "1\ta\n", "&async_insert=1&wait_for_async_insert=0").status,
            200);
  EXPECT_EQ(rows(), "1\ta\n");
}

TEST_F(Inserts, FailWithTheirReasonAndWriteNothing) {
  const auto code = [](const HttpReply& reply) { return reply.header("x-clickhouse-exception-code"); };
  EXPECT_EQ(code(insert("INSERT INTO nope FORMAT TSV", "1\n")), "60");
  EXPECT_EQ(code(insert("INSERT INTO t (zz) FORMAT TSV", "1\n")), "16");
  EXPECT_EQ(code(insert("INSERT INTO t FORMAT NoSuch", "1\n")), "73");
  EXPECT_EQ(code(insert("INSERT INTO t FORMAT TSV", "1\ta\nx\tb\n")), "27");
  EXPECT_EQ(insert("INSERT INTO t FORMAT TSV", "1\ta\nx\tb\n").status, 400);
  const std::string block = run("SELECT number AS id, 'x' AS v FROM numbers(1000) FORMAT Native");
  EXPECT_EQ(code(insert("INSERT INTO t FORMAT Native", block.substr(0, block.size() - 10))), "33");
  EXPECT_EQ(code(insert("INSERT INTO t FORMAT TSV", "1\ta\n", "&no_such_setting=1")), "115");
  EXPECT_EQ(code(insert("INSERT INTO t FORMAT TSV", "1\ta\n", "",
                        {{"Content-Type", "multipart/form-data; boundary=x"}})),
            "48");
  EXPECT_EQ(rows(), "");
}

TEST_F(Inserts, FailWithTheErrorOfAMaterializedView) {
  run("CREATE TABLE copy (id UInt64) ENGINE = MergeTree ORDER BY id");
  run("CREATE MATERIALIZED VIEW v TO copy AS SELECT id FROM t WHERE throwIf(id = 13) = 0");
  EXPECT_EQ(insert("INSERT INTO t FORMAT TSV", "1\ta\n").status, 200);
  const HttpReply reply = insert("INSERT INTO t FORMAT TSV", "13\ta\n");
  EXPECT_EQ(reply.header("x-clickhouse-exception-code"), "395");
  EXPECT_THAT(reply.body, HasSubstr("while pushing to view"));
}

TEST_F(Inserts, BrokenOffByTheClientWriteNothing) {
  const auto at_work = [&] {
    return engine().value("SELECT count() FROM system.processes WHERE query LIKE 'INSERT INTO t %'") != "0";
  };
  {
    RawConnection connection(engine().port());
    ASSERT_TRUE(connection.send("POST " + target("INSERT INTO t FORMAT TSV") +
                                " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n1\ta\n2\tb\n"));
    ASSERT_TRUE(eventually(at_work));
  }
  // Its statement is gone from the list when it was given up.
  ASSERT_TRUE(eventually([&] { return !at_work(); }));
  EXPECT_EQ(rows(), "");
}

TEST_F(Inserts, ThatFailEarlyLeaveTheConnectionUsable) {
  RawConnection connection(engine().port());
  const std::string data(2'000'000, 'x');
  ASSERT_TRUE(connection.send(
      "POST " + target("INSERT INTO nope FORMAT TSV") +
      " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(data.size()) + "\r\n\r\n" + data));
  EXPECT_EQ(connection.reply().status, 404);
  ASSERT_TRUE(connection.send("GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  EXPECT_EQ(connection.reply().body, "Ok.\n");
}

TEST_F(Inserts, ThatFailEarlyAnswerAClientThatWouldSendForEver) {
  RawConnection connection(engine().port());
  ASSERT_TRUE(connection.send("POST " + target("INSERT INTO nope FORMAT TSV") +
                              " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n"));
  const std::string data(1U << 20U, 'x');
  for (int i = 0; i < 20; ++i) {
    if (!connection.send(data)) break;
  }
  const HttpReply reply = connection.reply();
  EXPECT_EQ(reply.status, 404);
  EXPECT_EQ(reply.header("connection"), "Close");
}

TEST_F(Inserts, WaitForOneHundredContinueWhenTheClientAsks) {
  RawConnection connection(engine().port());
  ASSERT_TRUE(
      connection.send("POST " + target("INSERT INTO t FORMAT TSV") +
                      " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n"));
  EXPECT_EQ(connection.reply().status, 100);
  ASSERT_TRUE(connection.send("1\ta\n"));
  EXPECT_EQ(connection.reply().status, 200);
  EXPECT_EQ(rows(), "1\ta\n");
}

TEST_F(Inserts, MayHaveBracesInQueryParameters) {
  EXPECT_EQ(insert("INSERT INTO {target:Identifier} FORMAT TSV", "1\ta\n", "&param_target=t").status, 200);
  EXPECT_EQ(rows(), "1\ta\n");
}

}  // namespace
}  // namespace penstock::test
