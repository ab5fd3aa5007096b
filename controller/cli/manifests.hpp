#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/result.hpp"

namespace penstock::cli {

/// One document of a file, or one item of a List in it.
struct Manifest {
  std::string where;  ///< "pipes/shop.yaml, document 2": for messages
  nlohmann::json object;
};

/// What `-f PATH` names, as kubectl reads it: a file, `-` for standard input, or a directory, of which all
/// *.yaml, *.yml and *.json are read in the order of their names and no directory below. A message names the
/// flag, the file and, in it, the line.
[[nodiscard]] Result<std::vector<Manifest>> read_manifests(const std::string& path);

/// Of several, in the order in which they were given.
[[nodiscard]] Result<std::vector<Manifest>> read_manifests(const std::vector<std::string>& paths);

}  // namespace penstock::cli
