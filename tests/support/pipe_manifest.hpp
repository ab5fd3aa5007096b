#pragma once

#include <string>
#include <vector>

#include "tests/support/engine_server.hpp"
#include "tests/support/postgres_server.hpp"

namespace penstock::test {

/// A Pipe from a test's PostgreSQL to its engine, to be changed before it is written. The password is read
/// from Secret "NAME-postgres", key "password".
struct PipeManifest {
  std::string name;
  std::string host = "127.0.0.1";
  int port = 0;
  std::string database;
  std::string user = PostgresServer::kSuperuser;
  std::string password = PostgresServer::kPassword;
  std::string tls = "Disable";  ///< its mode
  std::string
      source_more;  ///< flow-style fields of spec.source.postgres, with a leading comma: ", publication: p"
  std::string destination_more;  ///< the same of spec.destination.clickhouse: ", user: reader"
  std::string url;
  std::string target_database;
  std::vector<std::string>
      tables;             ///< "public.orders", or a flow map: "{source: public.orders, engine: MergeTree}"
  std::string spec_more;  ///< lines of spec, indented by two: "  paused: true\n"

  PipeManifest(std::string pipe, const PostgresServer& postgres, std::string source_database,
               const EngineServer& engine, std::vector<std::string> wanted);

  [[nodiscard]] std::string secret() const;  ///< the Secret alone
  [[nodiscard]] std::string pipe() const;    ///< the Pipe alone
  [[nodiscard]] std::string both() const { return secret() + "---\n" + pipe(); }
};

}  // namespace penstock::test
