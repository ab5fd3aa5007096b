// Databases of other encodings than UTF-8: load and stream bring the same, and what is said is UTF-8.

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cctype>

#include "dataplane/pipeline/load_run.hpp"
#include "tests/integration/pipeline/streaming.hpp"

namespace penstock::pipeline {
namespace {

using namespace std::chrono_literals;

class Encodings : public testing::Test {
 protected:
  /// A database of this encoding with a table t, a pipe over it, loaded and streaming. `client`: in which
  /// encoding the test itself speaks.
  void begin(const std::string& encoding, const std::string& sql, const std::string& columns) {
    static int count = 0;
    database_ = fmt::format("of_{}_{}", encoding, ++count);
    for (char& c : database_)
      c = static_cast<char>(std::tolower(c));
    world_postgres().exec(
        fmt::format("CREATE DATABASE {} ENCODING '{}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0",
                    database_, encoding));
    encoding_ = encoding;
    columns_ = columns;
    exec(sql);
    job_ = job_for(database_, {"t"});
    const auto report = set_up(job_);
    ASSERT_TRUE(report) << report.error().text();
    ASSERT_TRUE(make_publication(job_));
    auto slot = penstock::postgres::create_slot(job_.source, job_.slot);
    ASSERT_TRUE(slot) << slot.error().text();
    const Lsn version = slot->restart_lsn;
    LoadRun load({job_, report->system, version, {}, *std::move(slot), {}});
    ASSERT_TRUE(test::eventually([&] { return load.facts().run.ended; }, 30s));
    ASSERT_FALSE(load.facts().run.error) << load.facts().run.error->text();
    for (const auto& table : load.facts().tables)
      ASSERT_FALSE(table.error) << table.error->text();
    run_ = std::make_unique<StreamRun>(StreamRequest{job_, report->system, {}, {}, {}, {}});
  }

  void exec(const std::string& sql) {
    world_postgres().exec("SET client_encoding = '" + encoding_ + "';" + sql, database_);
  }

  void catch_up() {
    const auto end = penstock::postgres::current_wal_lsn(job_.source);
    ASSERT_TRUE(end);
    exec("SELECT pg_logical_emit_message(true, 'test', 'end')");
    ASSERT_TRUE(
        test::eventually([&] { return run_->facts().confirmed >= *end || run_->facts().run.ended; }, 30s));
    ASSERT_FALSE(run_->facts().run.error) << run_->facts().run.error->text();
  }

  [[nodiscard]] std::string target() const {
    return test::shared_engine().value(
        fmt::format("SELECT {} FROM {}.t FINAL ORDER BY id", columns_, database_));
  }

  std::string database_, encoding_, columns_;
  PipeJob job_;
  std::unique_ptr<StreamRun> run_;
};

TEST_F(Encodings, NoneGivesTheBytesAsTheyAre) {
  begin("SQL_ASCII",
        "CREATE TABLE t (id int PRIMARY KEY, v text, big text); ALTER TABLE t ALTER big SET STORAGE EXTERNAL;"
        "INSERT INTO t VALUES (1, E'caf\\xe9 \\xff', repeat(E'\\xfe', 4000)), (2, 'é', 'x')",
        "id, hex(v), length(big), hex(substring(big, 4000))");
  ASSERT_FALSE(HasFatalFailure());
  exec("INSERT INTO t VALUES (3, E'caf\\xe9 \\xff', E'\\x80'); UPDATE t SET id = 4 WHERE id = 1");
  exec("UPDATE t SET v = E'\\xc3' WHERE id = 2");
  catch_up();
  EXPECT_EQ(target(), "2\tC3\t1\t\n3\t636166E920FF\t1\t\n4\t636166E920FF\t4000\tFE");
}

TEST_F(Encodings, NoneInNamesIsTakenAsItIs) {
  begin("SQL_ASCII",
        "CREATE TYPE e AS ENUM (E'\\xe9'); CREATE TABLE t (id int PRIMARY KEY, \"caf\xe9\" e);"
        "INSERT INTO t VALUES (1, E'\\xe9')",
        "id, hex(`caf\xe9`)");
  ASSERT_FALSE(HasFatalFailure());
  exec("INSERT INTO t VALUES (2, E'\\xe9'), (3, NULL)");
  exec("ALTER TABLE t ADD \"\xe8\" text DEFAULT E'\\xe8'; INSERT INTO t VALUES (4, NULL)");
  catch_up();
  EXPECT_EQ(target(), "1\tE9\n2\tE9\n3\t\\N\n4\t\\N");
}

TEST_F(Encodings, AreMadeUtf8InLoadStreamNamesAndLabels) {
  struct Case {
    const char* encoding;
    const char* bytes;  ///< in this encoding
    const char* text;   ///< the same in UTF-8
  };
  for (const auto& one : {Case{"LATIN1", "caf\xe9", "café"}, Case{"WIN1252", "5 \x80", "5 €"},
                          Case{"EUC_JP", "\xc6\xfc\xcb\xdc", "日本"}, Case{"WIN1251", "\xef\xf0", "пр"}}) {
    SCOPED_TRACE(one.encoding);
    begin(
        one.encoding,
        fmt::format("CREATE TYPE e AS ENUM ('{0}'); CREATE TABLE t (id int PRIMARY KEY, \"{0}\" e, v text, j "
                    "jsonb, big text); ALTER TABLE t ALTER big SET STORAGE EXTERNAL;"
                    "INSERT INTO t VALUES (1, '{0}', '{0}', '\"{0}\"', repeat('{0}', 2000))",
                    one.bytes),
        fmt::format("id, `{}`, v, j, big = repeat(v, 2000)", one.text));
    ASSERT_FALSE(HasFatalFailure());
    exec(fmt::format("INSERT INTO t VALUES (2, '{0}', '{0}', '\"{0}\"', '{0}')", one.bytes));
    exec("UPDATE t SET id = 3 WHERE id = 1");  // with a value that the stream leaves out
    catch_up();
    EXPECT_EQ(target(), fmt::format("2\t{0}\t{0}\t\"{0}\"\t0\n3\t{0}\t{0}\t\"{0}\"\t1", one.text));
    run_.reset();
  }
}

TEST_F(Encodings, OfWhatAServerSaysAreMadeUtf8) {
  begin("SQL_ASCII", "CREATE TABLE t (id int PRIMARY KEY)", "id");
  ASSERT_FALSE(HasFatalFailure());
  auto job = job_;
  job.source.database = "no_caf\xe9";
  const auto report = set_up(job, false);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().reason, "DatabaseNotFound") << report.error().text();
  EXPECT_THAT(report.error().message, testing::HasSubstr("\"no_caf?\""));
}

}  // namespace
}  // namespace penstock::pipeline
