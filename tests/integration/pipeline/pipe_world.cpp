#include "tests/integration/pipeline/pipe_world.hpp"

namespace penstock::pipeline {

using namespace std::chrono_literals;

test::PostgresServer& world_postgres() {
  static test::PostgresServer server(
      test::PostgresOptions{.settings = {{"max_replication_slots", "400"}, {"max_wal_senders", "50"}}});
  return server;
}

std::string lacks_ranges() {
  return test::lacking(world_postgres(), test::kPg14);
}

PipeJob job_for(const std::string& database, const std::vector<std::string>& tables) {
  auto& engine = test::shared_engine();
  engine.query("CREATE DATABASE " + database);
  PipeJob job;
  job.name = "test/" + database;
  job.uid = database;
  job.source.host = world_postgres().host();
  job.source.port = world_postgres().port();
  job.source.database = database;
  job.source.user = test::PostgresServer::kSuperuser;
  job.source.password = Secret(test::PostgresServer::kPassword);
  job.source.tls = penstock::postgres::Tls::Disable;
  job.destination.url = engine.url();
  job.destination.database = database;
  job.slot = "slot_" + database;
  job.publication = "pub_" + database;
  job.rows_per_partition = 50;
  job.flush_interval = 20ms;
  job.max_inserts_per_second = 1000;
  for (const auto& table : tables) {
    TableJob one;
    one.source = {"public", table};
    one.source_text = "public." + table;
    one.target = table;
    job.tables.push_back(one);
  }
  return job;
}

Status make_publication(const PipeJob& job) {
  if (!job.owns_publication) return {};
  std::vector<TableName> names;
  for (const auto& table : job.tables)
    names.push_back(table.source);
  return penstock::postgres::ensure_publication(job.source, job.publication, names);
}

void publish(PipeJob& job, const std::string& what) {
  world_postgres().exec("CREATE PUBLICATION " + job.publication + " FOR " + what, job.source.database);
  job.owns_publication = false;
}

}  // namespace penstock::pipeline
