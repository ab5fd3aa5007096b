#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "dataplane/pipeline/job.hpp"

namespace penstock::pipeline {

/// What is ours on either side and is to go.
struct Release {
  std::string prefix{};  ///< of our slots and publications, of every generation
  bool slot = false;     ///< and those that loads make for a snapshot
  bool publication = false;
  // Only tables that carry this pipe's mark are dropped, or given back to the next (clickhouse/owner.hpp):
  std::vector<std::string> targets{};  ///< one that a user made is given back
  std::vector<std::string> give_back{};
  std::vector<std::string> staging{};  ///< by their targets' names
  std::string except{};                ///< a slot and publication of this name stay
  /// Why a side cannot be asked at all; the other one is.
  std::optional<Error> no_source{}, no_destination{};
};

/// Does all that can be done: what one side refuses keeps nothing from the other. Safe to repeat; absent
/// things are done. The Error names what is left, on which server, and the statements that take it down by
/// hand; kind and reason are those of the first fault.
[[nodiscard]] Status release(const PipeJob& job, const Release& what);

}  // namespace penstock::pipeline
