#pragma once

#include <optional>
#include <string>
#include <vector>

#include "crds/pipe.hpp"

namespace penstock::reconcile {

/// The worker that `pipe` should be given to: the one with the fewest of `pipes`, the first by name among
/// equals; nullopt when it has one of `workers` already, is being deleted, or there is none. Pure.
[[nodiscard]] std::optional<std::string> place(const Pipe& pipe, const std::vector<std::string>& workers,
                                               const std::vector<Pipe>& pipes);

}  // namespace penstock::reconcile
