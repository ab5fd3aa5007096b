#pragma once

// One PostgreSQL and one engine for all tests of this program; each test has a database of its own in both.

#include <string>
#include <vector>

#include "dataplane/pipeline/job.hpp"
#include "dataplane/postgres/catalog.hpp"
#include "dataplane/postgres/slot.hpp"
#include "tests/support/engine_server.hpp"
#include "tests/support/postgres_server.hpp"

namespace penstock::pipeline {

test::PostgresServer& world_postgres();

/// A pipe over these tables of schema public, from `database` into a new database of the same name.
PipeJob job_for(const std::string& database, const std::vector<std::string>& tables);

Status make_publication(const PipeJob& job);

}  // namespace penstock::pipeline
