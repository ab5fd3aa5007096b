// The support that every other test here leans on.

#include "tests/support/postgres_server.hpp"

#include <gtest/gtest.h>

namespace penstock::test {
namespace {

TEST(PostgresServer, KeepsItsDataOverEveryWayToEndIt) {
  PostgresServer server;
  server.exec("CREATE TABLE kept(id int)");
  const std::vector<void (PostgresServer::*)()> ways{&PostgresServer::stop, &PostgresServer::stop_immediately,
                                                     &PostgresServer::kill9};
  for (const auto way : ways) {
    server.exec("INSERT INTO kept VALUES (1)");
    (server.*way)();
    EXPECT_THROW((void)server.session(), std::runtime_error);
    server.start();
  }
  EXPECT_EQ(server.value("SELECT count(*) FROM kept"), "3");
}

TEST(PostgresServer, GivesEveryTestADatabaseOfItsOwn) {
  PostgresServer server;
  const auto one = server.create_database();
  const auto two = server.create_database();
  EXPECT_NE(one, two);
  server.exec("CREATE TABLE t(id int)", one);
  EXPECT_EQ(server.value("SELECT to_regclass('t')", two), "\\N");
}

}  // namespace
}  // namespace penstock::test
