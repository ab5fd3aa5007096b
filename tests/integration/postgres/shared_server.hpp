#pragma once

#include "dataplane/postgres/connection.hpp"
#include "dataplane/postgres/libpq.hpp"
#include "tests/support/postgres_server.hpp"
#include "tests/support/server_needs.hpp"

namespace penstock::postgres {

/// One healthy cluster for all tests that do no harm to it; each makes a database of its own.
inline test::PostgresServer& shared_server() {
  static test::PostgresServer server;
  return server;
}

inline Endpoint endpoint_of(const test::PostgresServer& server, const std::string& database = "postgres") {
  Endpoint out;
  out.host = server.host();
  out.port = server.port();
  out.database = database;
  out.user = test::PostgresServer::kSuperuser;
  out.password = Secret(test::PostgresServer::kPassword);
  out.tls = Tls::Disable;
  return out;
}

/// A database of its own on the shared cluster, and the superuser's way in.
struct Database {
  std::string name = shared_server().create_database();
  Endpoint endpoint = endpoint_of(shared_server(), name);

  void exec(const std::string& sql) const { shared_server().exec(sql, name); }
  [[nodiscard]] std::string value(const std::string& sql) const { return shared_server().value(sql, name); }

  /// A role that may log in and nothing else; its name is new in the cluster.
  [[nodiscard]] Endpoint role(const std::string& attributes = "") const {
    static int count = 0;
    auto out = endpoint;
    out.user = "role_" + std::to_string(++count);
    out.password = Secret("pass of " + out.user);
    exec("CREATE ROLE " + out.user + " LOGIN PASSWORD '" + out.password.reveal() + "' " + attributes);
    return out;
  }
};

/// The value of one row and column through a session of ours.
inline std::string ask(pg_conn* session, const std::string& sql) {
  const ResultHandle result(PQexec(session, sql.c_str()));
  return PQresultStatus(result.get()) == PGRES_TUPLES_OK ? first_value(result.get())
                                                         : PQerrorMessage(session);
}

}  // namespace penstock::postgres
