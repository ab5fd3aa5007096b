#pragma once

#include <string>

#include "dataplane/pipeline/job.hpp"
#include "reconcilers/pipe/ports.hpp"

namespace penstock::adapters {

/// Which of the status's tables a job is about.
enum class JobTables {
  All,
  ToLoad,   ///< Pending, Loading
  Streamed  ///< all but those that are set apart
};

/// The Pipe, with its Secrets, as the dataplane's job: connections and tuning as the manifest has them now,
/// tables as the status records them. The Pipe has passed validation.
[[nodiscard]] pipeline::PipeJob job_of(const Pipe& pipe, const reconcile::Credentials& credentials,
                                       JobTables tables = JobTables::All);
/// With these tables alone.
[[nodiscard]] pipeline::PipeJob job_of(const Pipe& pipe, const reconcile::Credentials& credentials,
                                       const std::vector<std::string>& sources);

/// Equal for equal jobs: tells whether a load (a stream) was started with the present connections and
/// credentials. A load is not begun again for tables that join or leave, neither for what tune() changes.
/// Holds hashes of the secrets, not the secrets.
[[nodiscard]] std::string load_fingerprint(const pipeline::PipeJob& job);
[[nodiscard]] std::string stream_fingerprint(const pipeline::PipeJob& job);

[[nodiscard]] pipeline::SourceSystem system_of(const Pipe& pipe);

}  // namespace penstock::adapters
