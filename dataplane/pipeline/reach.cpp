#include "dataplane/pipeline/reach.hpp"

#include "dataplane/clickhouse/look.hpp"
#include "dataplane/pipeline/setup.hpp"

namespace penstock::pipeline {

Result<SourceSystem> reach(const PipeJob& job, const SourceSystem& expected) {
  PENSTOCK_ASSIGN(auto system, check_same_system(job, expected));
  clickhouse::Client client(job.destination);
  PENSTOCK_TRY(clickhouse::look(client, "SELECT 1", "reach ClickHouse"));
  return system;
}

}  // namespace penstock::pipeline
