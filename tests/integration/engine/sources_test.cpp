// What statements reach outside of the engine's tables: nothing, unless sources are allowed; then files of
// the data directory and other servers. Each way that there is, tried on the real engine.

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>

#include "tests/support/engine_server.hpp"
#include "tests/support/raw_http.hpp"
#include "tests/support/temp_dir.hpp"

namespace penstock::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// A port of the loopback at which nobody should ask.
class Listener {
 public:
  Listener() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(socket_, reinterpret_cast<const sockaddr*>(&address), size);
    ::listen(socket_, 16);
    ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  ~Listener() { ::close(socket_); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] bool was_asked() const {
    pollfd event{socket_, POLLIN, 0};
    return ::poll(&event, 1, 0) > 0;
  }

 private:
  int socket_;
  int port_ = 0;
};

class Sources : public testing::Test {
 protected:
  void SetUp() override {
    std::ofstream(outside_ / "secret.csv") << "1,treasure\n";
    engine_.query("CREATE TABLE t (x UInt64, y String) ENGINE = MergeTree ORDER BY x");
  }

  HttpReply run(EngineServer& engine, std::string sql) {
    for (const auto& [name, value] : {std::pair("{dir}", outside_.path().string()),
                                      std::pair("{port}", std::to_string(listener_.port()))}) {
      for (auto at = sql.find(name); at != std::string::npos; at = sql.find(name))
        sql.replace(at, std::string(name).size(), value);
    }
    return http(engine.port(), "POST",
                "/?http_max_tries=1&s3_retry_attempts=0&backup_restore_s3_retry_attempts=0", sql);
  }
  // Neither asked for nor read, written or run.
  void expect_untouched(const std::string& sql, const HttpReply& reply) {
    EXPECT_THAT(reply.body, Not(HasSubstr("treasure"))) << sql;
    EXPECT_FALSE(listener_.was_asked()) << sql;
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(outside_.path()))
      files.push_back(entry.path().filename());
    EXPECT_THAT(files, testing::ElementsAre("secret.csv")) << sql;
  }
  void expect_closed(EngineServer& engine, const std::string& sql) {
    const HttpReply reply = run(engine, sql);
    EXPECT_NE(reply.status, 200) << sql;
    EXPECT_NE(reply.status, 0) << sql;
    expect_untouched(sql, reply);
  }

  TempDir outside_{"penstock-outside"};
  Listener listener_;
  EngineServer engine_;
};

TEST_F(Sources, AreClosedAsTableFunctions) {
  for (const std::string function : {"file('{dir}/secret.csv', 'CSV', 'x UInt64, y String')",
                                     "file('t.csv', 'CSV', 'x UInt64, y String')",
                                     "filesystem('{dir}')",
                                     "url('http://127.0.0.1:{port}/', 'CSV', 'x UInt64, y String')",
                                     "url('file://{dir}/secret.csv', 'CSV', 'x UInt64, y String')",
                                     "s3('http://127.0.0.1:{port}/bucket/key', 'CSV', 'x UInt64, y String')",
                                     "s3('http://127.0.0.1:{port}/bucket/key', NOSIGN, 'CSV')",
                                     "gcs('http://127.0.0.1:{port}/bucket/key', 'CSV', 'x UInt64, y String')",
                                     "iceberg('http://127.0.0.1:{port}/bucket/key')",
                                     "icebergLocal('{dir}')",
                                     "deltaLakeLocal('{dir}')",
                                     "deltaLake('http://127.0.0.1:{port}/bucket/key')",
                                     "hudi('http://127.0.0.1:{port}/bucket/key')",
                                     "azureBlobStorage('http://127.0.0.1:{port}/', 'c', 'b', 'CSV')",
                                     "hdfs('hdfs://127.0.0.1:{port}/x', 'CSV', 'x UInt64, y String')",
                                     "remote('127.0.0.1:{port}', 'd', 't')",
                                     "remote('127.0.0.1:{port}', system.one)",
                                     "remoteSecure('127.0.0.1:{port}', 'd', 't')",
                                     "mysql('127.0.0.1:{port}', 'd', 't', 'u', 'p')",
                                     "postgresql('127.0.0.1:{port}', 'd', 't', 'u', 'p')",
                                     "mongodb('127.0.0.1:{port}', 'd', 't', 'u', 'p', 'x UInt64')",
                                     "redis('127.0.0.1:{port}', 'x', 'x UInt64')",
                                     "sqlite('{dir}/secret.csv', 't')",
                                     "odbc('DSN=x', 'd', 't')",
                                     "jdbc('jdbc:x', 'd', 't')",
                                     "ytsaurus('http://127.0.0.1:{port}', '//x', 't', 'x UInt64')"}) {
    expect_closed(engine_, "SELECT * FROM " + function);
    expect_closed(engine_, "INSERT INTO FUNCTION " + function + " SELECT 1, 'x'");
    expect_closed(engine_, "INSERT INTO FUNCTION " + function + " VALUES (1, 'x')");
    expect_closed(engine_, "CREATE TABLE made AS " + function);
    expect_closed(engine_, "SELECT * FROM (SELECT * FROM view(SELECT * FROM " + function + "))");
  }
  expect_closed(engine_, "SELECT * FROM '{dir}/secret.csv'");
  expect_closed(engine_, "SELECT * FROM `{dir}/secret.csv`");
  EXPECT_THAT(run(engine_, "SELECT * FROM file('x.csv')").body, HasSubstr("--clickhouse-allow-sources"));
  EXPECT_THAT(run(engine_, "SELECT * FROM url('http://127.0.0.1/', CSV, 'x UInt8')").body,
              AllOf(HasSubstr("READ ON URL"), HasSubstr("--clickhouse-allow-sources")));
}

TEST_F(Sources, AreClosedAsTableEngines) {
  for (const std::string engine :
       {"File(CSV)", "File(CSV, '{dir}/secret.csv')", "URL('http://127.0.0.1:{port}/', CSV)",
        "S3('http://127.0.0.1:{port}/bucket/key', CSV)", "MySQL('127.0.0.1:{port}', 'd', 't', 'u', 'p')",
        "PostgreSQL('127.0.0.1:{port}', 'd', 't', 'u', 'p')", "SQLite('{dir}/secret.csv', 't')",
        "MongoDB('127.0.0.1:{port}', 'd', 't', 'u', 'p')", "Redis('127.0.0.1:{port}') PRIMARY KEY x",
        "Kafka('127.0.0.1:{port}', 't', 'g', 'CSV')", "FileLog('{dir}', 'CSV')",
        "HDFS('hdfs://127.0.0.1:{port}/x', CSV)", "Distributed('default', 'd', 't')", "IcebergLocal('{dir}')",
        "DeltaLakeLocal('{dir}')"}) {
    expect_closed(engine_, "CREATE TABLE made (x UInt64, y String) ENGINE = " + engine);
  }
  EXPECT_THAT(run(engine_, "CREATE TABLE made (x UInt8) ENGINE = File(CSV)").body,
              AllOf(HasSubstr("TABLE ENGINE ON File"), HasSubstr("--clickhouse-allow-sources")));
  for (const std::string program : {"cat", "../../../../bin/cat"})
    expect_closed(engine_, "SELECT * FROM executable('" + program + "', CSV, 'x UInt64')");
  // These may be made, and are of no use.
  for (const std::string engine : {"Executable('x', CSV)", "ExecutablePool('x', CSV)"}) {
    run(engine_, "CREATE OR REPLACE TABLE made (x UInt64, y String) ENGINE = " + engine);
    expect_closed(engine_, "SELECT * FROM made");
  }
}

TEST_F(Sources, AreClosedAsDictionaries) {
  const std::vector<std::string> sources{
      "FILE(PATH '{dir}/secret.csv' FORMAT 'CSV')",
      "HTTP(URL 'http://127.0.0.1:{port}/' FORMAT 'CSV')",
      "EXECUTABLE(COMMAND 'cat {dir}/secret.csv; touch {dir}/run' FORMAT 'CSV')",
      "CLICKHOUSE(HOST '127.0.0.1' PORT {port} USER 'u' PASSWORD 'p' DB 'd' TABLE 't')",
      "MYSQL(HOST '127.0.0.1' PORT {port} USER 'u' PASSWORD 'p' DB 'd' TABLE 't')",
      "POSTGRESQL(HOST '127.0.0.1' PORT {port} USER 'u' PASSWORD 'p' DB 'd' TABLE 't')",
      "REDIS(HOST '127.0.0.1' PORT {port} STORAGE_TYPE 'simple' DB_INDEX 0)"};
  for (const std::string& source : sources) {
    run(engine_, "CREATE OR REPLACE DICTIONARY d (x UInt64, y String) PRIMARY KEY x SOURCE(" + source +
                     ") LAYOUT(FLAT()) LIFETIME(0)");
    expect_closed(engine_, "SELECT * FROM dictionary('d')");
    expect_closed(engine_, "SELECT dictGet('d', 'y', toUInt64(1))");
    run(engine_, "DROP DICTIONARY IF EXISTS d");
  }
  engine_.query("INSERT INTO t VALUES (1, 'own')");
  engine_.query(
      "CREATE DICTIONARY d (x UInt64, y String) PRIMARY KEY x SOURCE(CLICKHOUSE(TABLE 't')) LAYOUT(FLAT()) "
      "LIFETIME(0)");
  EXPECT_EQ(engine_.value("SELECT dictGet('d', 'y', toUInt64(1))"), "own")
      << "one of the engine's own tables";
}

TEST_F(Sources, AreClosedAsDatabases) {
  for (const std::string engine :
       {"Filesystem('{dir}')", "SQLite('{dir}/secret.csv')", "MySQL('127.0.0.1:{port}', 'd', 'u', 'p')",
        "PostgreSQL('127.0.0.1:{port}', 'd', 'u', 'p')", "S3('http://127.0.0.1:{port}/bucket/')",
        "HDFS('hdfs://127.0.0.1:{port}')", "Backup('d', File('{dir}'))",
        "MaterializedPostgreSQL('127.0.0.1:{port}', 'd', 'u', 'p')"}) {
    run(engine_, "CREATE DATABASE made ENGINE = " + engine);
    expect_closed(engine_, "SELECT * FROM made.`secret.csv`");
    run(engine_, "SHOW TABLES FROM made");
    run(engine_, "DROP DATABASE IF EXISTS made");
  }
  EXPECT_FALSE(listener_.was_asked());
}

TEST_F(Sources, AreClosedInEveryOtherWay) {
  for (const std::string sql :
       {"SELECT file('{dir}/secret.csv')",
        R"(SELECT `f\x69le`('{dir}/secret.csv'))",
        "CREATE FUNCTION f AS x -> file(x)",
        "BACKUP TABLE t TO File('{dir}/backup')",
        "BACKUP TABLE t TO Disk('default', 'backup')",
        "BACKUP TABLE t TO S3('http://127.0.0.1:{port}/bucket/b')",
        "RESTORE TABLE t AS u FROM File('{dir}/backup')",
        "RESTORE TABLE t AS u FROM S3('http://127.0.0.1:{port}/bucket/b')",
        "ATTACH TABLE made FROM '{dir}' (x UInt64) ENGINE = MergeTree ORDER BY x",
        "CREATE TABLE made (x UInt64) ENGINE = MergeTree ORDER BY x SETTINGS disk = disk(type = 'local', "
        "path = '{dir}/')",
        "CREATE TABLE made (x UInt64) ENGINE = MergeTree ORDER BY x SETTINGS disk = disk(type = 'web', "
        "endpoint = "
        "'http://127.0.0.1:{port}/x/')",
        "CREATE TABLE made (x UInt64) ENGINE = MergeTree ORDER BY x SETTINGS disk = disk(type = 's3', "
        "endpoint = "
        "'http://127.0.0.1:{port}/bucket/x/', access_key_id = 'a', secret_access_key = 'b', retry_attempts = "
        "0)",
        "SELECT * FROM format(Protobuf, 'x') SETTINGS format_schema = '{dir}/secret.csv:X'",
        "SELECT * FROM eval('SELECT file(\\'{dir}/secret.csv\\')') SETTINGS "
        "allow_experimental_eval_table_function = 1",
        "SELECT catboostEvaluate('{dir}/secret.csv', 1)",
        "CREATE USER u",
        "GRANT SOURCES ON *.* TO default",
        "GRANT READ ON FILE TO default",
        "SET ROLE ALL",
        "EXECUTE AS u SELECT 1",
        "CREATE NAMED COLLECTION c AS url = 'http://127.0.0.1:{port}/'"}) {
    if (sql == std::string("SET ROLE ALL")) {
      run(engine_, sql);
      continue;
    }
    expect_closed(engine_, sql);
  }
}

TEST_F(Sources, AllowedAreFilesOfTheDataDirectoryAndOtherServers) {
  EngineServer open({.arguments = {"--allow-sources"}});
  open.query("INSERT INTO FUNCTION file('inside.csv', 'CSV', 'x UInt64, y String') VALUES (1, 'kept')");
  EXPECT_EQ(open.value("SELECT y FROM file('inside.csv', 'CSV', 'x UInt64, y String')"), "kept");
  EXPECT_EQ(open.value("SELECT file('inside.csv')"), "1,\"kept\"\\n");
  EXPECT_EQ(
      open.value(fmt::format("SELECT * FROM url('{}/?query=SELECT+42', 'CSV', 'x UInt64')", engine_.url())),
      "42");
  EXPECT_EQ(
      open.value(fmt::format("SELECT * FROM url('http://localhost:{}/?query=SELECT+43', 'CSV', 'x UInt64')",
                             engine_.port())),
      "43");
  for (const std::string sql :
       {"SELECT * FROM file('{dir}/secret.csv', 'CSV', 'x UInt64, y String')",
        "SELECT file('{dir}/secret.csv')",
        "SELECT * FROM url('file://{dir}/secret.csv', 'CSV', 'x UInt64, y String')",
        "INSERT INTO FUNCTION file('{dir}/new.csv', 'CSV', 'x UInt64') SELECT 1",
        "SELECT * FROM file('/etc/passwd', 'CSV', 'x String')", "SELECT 1 INTO OUTFILE '{dir}/new.csv'",
        "SELECT file('/proc/self/environ')"}) {
    expect_closed(open, sql);
  }
  run(open,
      "CREATE DICTIONARY d (x UInt64, y String) PRIMARY KEY x SOURCE(EXECUTABLE(COMMAND 'touch {dir}/run' "
      "FORMAT "
      "'CSV')) LAYOUT(FLAT()) LIFETIME(0)");
  expect_closed(open, "SELECT * FROM dictionary('d')");
  EXPECT_NE(
      http(open.port(), "GET",
           "/?query=" + url_encode("INSERT INTO FUNCTION file('by-get.csv', 'CSV', 'x UInt8') SELECT 1"))
          .status,
      200);
  EXPECT_FALSE(std::filesystem::exists(open.path() + "/by-get.csv"));
}

}  // namespace
}  // namespace penstock::test
