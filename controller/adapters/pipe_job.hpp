#pragma once

#include <string>

#include "dataplane/pipeline/job.hpp"
#include "reconcilers/pipe/ports.hpp"

namespace penstock::adapters {

/// The manifest, with its Secrets, as the dataplane's job. The Pipe has passed validation.
[[nodiscard]] pipeline::PipeJob job_of(const Pipe& pipe, const reconcile::Credentials& credentials);

/// Equal for equal jobs: tells whether a run was started with the present settings and credentials. Holds a
/// hash of the secrets, not the secrets.
[[nodiscard]] std::string fingerprint_of(const pipeline::PipeJob& job);

[[nodiscard]] pipeline::SourceSystem system_of(const Pipe& pipe);

}  // namespace penstock::adapters
