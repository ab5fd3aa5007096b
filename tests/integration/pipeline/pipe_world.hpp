#pragma once

// One PostgreSQL and one engine for all tests of this program; each test has a database of its own in both.

#include <string>
#include <vector>

#include "dataplane/pipeline/job.hpp"
#include "dataplane/postgres/catalog.hpp"
#include "dataplane/postgres/slot.hpp"
#include "tests/support/engine_server.hpp"
#include "tests/support/postgres_server.hpp"
#include "tests/support/server_needs.hpp"

namespace penstock::pipeline {

test::PostgresServer& world_postgres();

/// What the server lacks to load a table in several partitions (TID range scans): a test of what happens
/// between two of them is skipped with it. Empty: nothing.
std::string lacks_ranges();

/// A pipe over these tables of schema public, from `database` into a new database of the same name.
PipeJob job_for(const std::string& database, const std::vector<std::string>& tables);

/// Of a job that has the user's: nothing.
Status make_publication(const PipeJob& job);

/// Makes the job's publication as a user's: `what` is "TABLE t WHERE (id > 5)".
void publish(PipeJob& job, const std::string& what);

}  // namespace penstock::pipeline
