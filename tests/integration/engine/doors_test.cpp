// Who is let in, by what, and to do what: web pages, control characters, GET, texts of several statements.

#include <gmock/gmock.h>

#include "tests/support/engine_server.hpp"
#include "tests/support/raw_http.hpp"

namespace penstock::test {
namespace {

using testing::HasSubstr;
using testing::Not;
using Headers = std::map<std::string, std::string>;

// A table with a row that is to stay as it is, and not to be seen.
class Doors : public testing::Test {
 protected:
  void SetUp() override {
    engine().query("CREATE DATABASE doors");
    engine().query("CREATE TABLE doors.vault (secret String) ENGINE = MergeTree ORDER BY secret");
    engine().query("INSERT INTO doors.vault VALUES ('treasure')");
  }
  void TearDown() override {
    EXPECT_EQ(engine().value("SELECT name FROM system.tables WHERE database = 'doors'"), "vault");
    EXPECT_EQ(engine().value("SELECT secret FROM doors.vault"), "treasure");
    engine().query("DROP DATABASE doors SYNC");
  }

  static EngineServer& engine() { return shared_engine(); }
  static HttpReply send(const std::string& method, const std::string& sql, const std::string& more,
                        const Headers& headers = {}) {
    return http(engine().port(), method, "/?query=" + url_encode(sql) + more, {}, headers);
  }
};

TEST_F(Doors, AreShutToWebPages) {
  const std::string own = "http://localhost:" + std::to_string(engine().port());
  for (const Headers& page :
       {Headers{{"Origin", "https://evil.example"}}, Headers{{"Origin", "null"}},
        Headers{{"Origin", "http://localhost:1"}}, Headers{{"Sec-Fetch-Site", "cross-site"}},
        Headers{{"Sec-Fetch-Site", "same-site"}},
        Headers{{"Sec-Fetch-Site", "cross-site"}, {"Origin", own}}}) {
    const std::string which = page.begin()->first + ": " + page.begin()->second;
    for (const std::string method : {"GET", "POST", "HEAD", "OPTIONS"}) {
      const HttpReply reply = send(method, "SELECT * FROM doors.vault", "&query_id=x", page);
      EXPECT_EQ(reply.status, 403) << method << which;
      EXPECT_THAT(reply.body, Not(HasSubstr("treasure"))) << method << which;
    }
    Headers simple = page;
    simple["Content-Type"] = "text/plain";
    EXPECT_EQ(http(engine().port(), "POST", "/", "DROP TABLE doors.vault SYNC", simple).status, 403) << which;
    EXPECT_EQ(http(engine().port(), "GET", "/ping", {}, page).status, 403) << which;
  }
  EXPECT_EQ(send("GET", "SELECT 1", "", {{"Origin", own}, {"Sec-Fetch-Site", "same-origin"}}).body, "1\n");
  EXPECT_EQ(send("GET", "SELECT 1", "", {{"Sec-Fetch-Site", "none"}}).body, "1\n") << "typed by its user";
}

TEST_F(Doors, LetNoRequestWriteAHeaderOfTheAnswer) {
  const std::string break_out = url_encode("x\r\nAccess-Control-Allow-Origin: *");
  for (const std::string name : {"query_id", "default_format"}) {
    const HttpReply reply = send("GET", "SELECT * FROM doors.vault", "&" + name + "=" + break_out);
    EXPECT_EQ(reply.status, 400) << name;
    EXPECT_EQ(reply.header("access-control-allow-origin"), "") << name;
    EXPECT_THAT(reply.body, Not(HasSubstr("treasure"))) << name;
  }
  for (const std::string& more :
       {"&database=" + break_out, "&log_comment=" + break_out, "&param_x=" + break_out, "&user=" + break_out,
        "&" + break_out + "=1", "&session_timezone=" + break_out}) {
    EXPECT_EQ(send("GET", "SELECT 1", more).header("access-control-allow-origin"), "") << more;
  }
  const std::string quoted = "SELECT 1 FORMAT `JSON\r\nAccess-Control-Allow-Origin: *`";
  EXPECT_EQ(send("POST", quoted, "").header("access-control-allow-origin"), "");
}

TEST_F(Doors, LetGetChangeNothingWhateverIsSaidOfReadonly) {
  const std::vector<std::string> writes{
      "DROP TABLE doors.vault SYNC",
      "TRUNCATE TABLE doors.vault",
      "INSERT INTO doors.vault VALUES ('false coin')",
      "INSERT INTO doors.vault SETTINGS readonly = 0 VALUES ('false coin')",
      "INSERT INTO doors.vault SELECT 'false coin'",
      "INSERT INTO doors.vault SELECT 'false coin' SETTINGS readonly = 0",
      "CREATE TABLE doors.more ENGINE = Memory AS SELECT 1 AS x SETTINGS readonly = 0",
      "CREATE TABLE doors.more (x UInt8) ENGINE = Memory",
      "ALTER TABLE doors.vault DELETE WHERE 1",
      "RENAME TABLE doors.vault TO doors.cellar",
      "DROP TABLE doors.vault SYNC; SELECT 1",
      "SET readonly = 0",
      "KILL QUERY WHERE 1",
      "SELECT 1 SETTINGS readonly = 0",
  };
  for (const std::string more :
       {"", "&readonly=0", "&readonly=00", "&readonly=%2B0", "&readonly=%200", "&readonly=%30",
        "&readonly=-0", "&readonly=0&readonly=0", "&readonly=1&readonly=0", "&readonly=false",
        "&readonly=", "&profile=default&readonly=0", "&allow_ddl=1&readonly=0", "&%72eadonly=0"}) {
    for (const std::string& sql : writes) {
      for (const std::string method : {"GET", "HEAD"})
        EXPECT_NE(send(method, sql, more).status, 200) << method << " " << sql << more;
    }
  }
  EXPECT_EQ(send("GET", "SELECT getSetting('readonly')", "&readonly=1").body, "1\n");
  EXPECT_EQ(send("GET", "SELECT getSetting('readonly')", "&readonly=0&max_threads=1").body, "2\n");
  EXPECT_EQ(send("POST", "SELECT getSetting('readonly')", "").body, "0\n");
}

// What the engine's parser does not take for one statement is not begun.
TEST_F(Doors, LetOneStatementIn) {
  using std::string_literals::operator""s;
  for (const std::string& text :
       {"DROP TABLE doors.vault SYNC; SELECT FROM FROM"s,
        "DROP TABLE doors.vault SYNC; nonsense"s,
        "DROP TABLE doors.vault SYNC; 'unclosed"s,
        "DROP TABLE doors.vault SYNC; /* unclosed"s,
        "DROP TABLE doors.vault SYNC; `unclosed"s,
        "DROP TABLE doors.vault SYNC; $a$ unclosed"s,
        "DROP TABLE doors.vault SYNC;\0"s,
        "DROP TABLE doors.vault SYNC\0; SELECT FROM"s,
        "\0DROP TABLE doors.vault SYNC"s,
        "SELECT 1; DROP TABLE doors.vault SYNC"s,
        "SELECT 1; DROP TABLE doors.vault SYNC; SELECT FROM FROM"s,
        "SELECT ';'; DROP TABLE doors.vault SYNC; ("s,
        R"(SELECT '\'; DROP TABLE doors.vault SYNC; --)"s,
        "SELECT $a$ ; $a$; DROP TABLE doors.vault SYNC; ("s,
        "SELECT 1 -- x\n; DROP TABLE doors.vault SYNC; ("s,
        "SELECT 1 /* ; */; DROP TABLE doors.vault SYNC; ("s,
        "EXPLAIN SELECT 1; DROP TABLE doors.vault SYNC; ("s,
        "CREATE FUNCTION doors_f AS x -> x + 1; DROP TABLE doors.vault SYNC; ("s,
        "INSERT INTO doors.vault SELECT 'false coin'; SELECT FROM FROM"s,
        "INSERT INTO doors.vault SELECT 'false coin' FORMAT CSV; DROP TABLE doors.vault SYNC; ("s,
        "DROP TABLE doors.vault SYNC PARALLEL WITH DROP TABLE doors.other"s,
        ";DROP TABLE doors.vault SYNC; ("s,
        "USE doors; DROP TABLE vault SYNC; ("s,
        "SET max_threads = 1; DROP TABLE doors.vault SYNC; ("s,
        "SELECT \xE2\x80\x98; DROP TABLE doors.vault SYNC; ("s}) {
    const HttpReply reply = http(engine().port(), "POST", "/", text);
    EXPECT_EQ(reply.status, 400) << text << "\n" << reply.body;
    EXPECT_EQ(reply.header("x-clickhouse-exception-code"), "62") << text;
  }
  EXPECT_THAT(http(engine().port(), "POST", "/", "SELECT 1; SELECT FROM FROM").body,
              HasSubstr("Syntax error (Multi-statements are not allowed)"));
  EXPECT_THAT(http(engine().port(), "POST", "/", "SELECT FROM FROM").body,
              testing::AllOf(HasSubstr("Syntax error: failed at position"), Not(HasSubstr("formatQuery"))));
}

TEST_F(Doors, LetNoStatementInAsAnInsertsData) {
  for (const std::string& text :
       {std::string("INSERT INTO doors.vault VALUES ('treasure'); DROP TABLE doors.vault SYNC"),
        std::string(
            "INSERT INTO doors.vault SETTINGS max_threads = 1; DROP TABLE doors.vault SYNC; VALUES ('x')"),
        std::string("INSERT INTO doors.vault (secret) FORMAT Nothing; DROP TABLE doors.vault SYNC"),
        std::string(
            "INSERT INTO doors.vault SETTINGS a = $x$; DROP TABLE doors.vault SYNC; $y$ FORMAT CSV\nx"),
        std::string("INSERT INTO doors.vault /* ; DROP TABLE doors.vault SYNC; FORMAT CSV\nx")}) {
    EXPECT_NE(http(engine().port(), "POST", "/", text).status, 200) << text;
  }
  engine().query("INSERT INTO doors.vault VALUES ('a;b'), ('c\\';d'); -- the end");
  engine().query("ALTER TABLE doors.vault DELETE WHERE secret LIKE '%;%' SETTINGS mutations_sync = 1");
}

TEST_F(Doors, LetHarmlessWordsPass) {
  const std::map<std::string, std::string> answers{
      {"SELECT 1 AS outfile", "1\n"},
      {"SELECT infile + outfile FROM (SELECT 1 AS infile, 2 AS outfile)", "3\n"},
      {"SELECT 'INTO OUTFILE \\'x\\''", "INTO OUTFILE \\'x\\'\n"},
      {"SELECT `INTO OUTFILE 'x'` FROM (SELECT 5 AS `INTO OUTFILE 'x'`)", "5\n"},
      {"SELECT 7 -- INTO OUTFILE 'x'", "7\n"},
      {"SELECT 8 /* ; DROP TABLE doors.vault */;", "8\n"},
      {"SELECT $a$; DROP TABLE doors.vault; $a$", "; DROP TABLE doors.vault; \n"},
      {"SELECT 9;;", "9\n"},
      {"SELECT 'a;b', \"x\" FROM (SELECT 1 AS x); -- the end", "a;b\t1\n"},
      {"SELECT into FROM (SELECT 4 AS into)", "4\n"},
      {"SELECT file FROM (SELECT 6 AS file)", "6\n"},
  };
  for (const auto& [sql, answer] : answers)
    EXPECT_EQ(engine().query(sql), answer) << sql;
  engine().query(
      "CREATE TABLE doors.outfile (infile UInt8, `file` UInt8) ENGINE = MergeTree ORDER BY infile");
  engine().query("INSERT INTO doors.outfile (infile, file) SELECT 1, 2");
  engine().query("INSERT INTO doors.outfile (infile, file) VALUES (3, 4)");
  EXPECT_EQ(engine().value("SELECT sum(infile), sum(file) FROM doors.outfile"), "4\t6");
  engine().query("ALTER TABLE doors.outfile DROP COLUMN file");
  engine().query("DROP TABLE doors.outfile SYNC");
}

TEST_F(Doors, LetNoStatementNameAFileOfTheServer) {
  const std::string path = engine().path() + "/out";
  for (const std::string& sql :
       {"SELECT 1 INTO OUTFILE '" + path + "'", "DROP TABLE IF EXISTS doors.none INTO OUTFILE '" + path + "'",
        "SHOW TABLES INTO\n/* x */ OUTFILE\n'" + path + "'", "KILL QUERY WHERE 0 INTO OUTFILE '" + path + "'",
        "INSERT INTO doors.vault FROM INFILE '" + path + "' FORMAT CSV",
        "SELECT 1 INTO OUTFILE $a$" + path + "$a$"}) {
    EXPECT_EQ(http(engine().port(), "POST", "/", sql).status, 501) << sql;
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace penstock::test
