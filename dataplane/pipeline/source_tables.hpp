#pragma once

// The tables of a job as the source has them, by what of them takes part.

#include <optional>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "dataplane/pipeline/job.hpp"
#include "dataplane/postgres/catalog.hpp"

namespace penstock::pipeline {

struct SourceTables {
  std::vector<std::optional<postgres::SourceTable>> tables;  ///< index for index the job's
  postgres::PublicationFacts publication;                    ///< empty where nothing is streamed
};

/// Narrowed to what a publication of the user's has of them (postgres::narrow_to()). One of ours has every
/// row and column; that somebody else made it have less is never taken for what is wanted.
[[nodiscard]] Result<SourceTables> read_source_tables(const PipeJob& job,
                                                      postgres::HeapSizes sizes = postgres::HeapSizes::Read);

/// The same of tables that are known by their OIDs, index for index, all of one moment; nullopt: it is not
/// there.
[[nodiscard]] Result<std::vector<std::optional<postgres::SourceTable>>> read_source_tables(
    const PipeJob& job, const postgres::Endpoint& source, const std::vector<std::uint32_t>& oids);

/// What is published of a table that was narrowed, for people: "columns id, v; rows WHERE (id > 5)"; empty:
/// all of it. Pure.
[[nodiscard]] std::string published_part(const postgres::SourceTable& table);

}  // namespace penstock::pipeline
