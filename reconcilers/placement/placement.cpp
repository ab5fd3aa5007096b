#include "reconcilers/placement/placement.hpp"

#include <algorithm>
#include <map>

namespace penstock::reconcile {

std::optional<std::string> place(const Pipe& pipe, const std::vector<std::string>& workers,
                                 const std::vector<Pipe>& pipes) {
  const auto alive = [&](const std::string& worker) {
    return std::find(workers.begin(), workers.end(), worker) != workers.end();
  };
  if (pipe.deleting || workers.empty() || alive(pipe.status.worker)) return std::nullopt;
  std::map<std::string, int> given;
  for (const auto& worker : workers)
    given[worker] = 0;
  for (const auto& other : pipes)
    if (alive(other.status.worker)) ++given[other.status.worker];
  return std::min_element(given.begin(), given.end(),
                          [](const auto& a, const auto& b) { return a.second < b.second; })
      ->first;
}

}  // namespace penstock::reconcile
