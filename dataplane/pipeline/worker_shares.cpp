#include "dataplane/pipeline/worker_shares.hpp"

#include <algorithm>
#include <iterator>
#include <numeric>

namespace penstock::pipeline {

std::vector<std::size_t> fair_shares(const std::vector<std::size_t>& wanted, std::size_t limit) {
  std::vector<std::size_t> order(wanted.size()), out(wanted.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return wanted[a] < wanted[b]; });
  std::size_t left = limit;
  for (std::size_t at = 0; at < order.size(); ++at) {
    const auto fair = left / (order.size() - at);
    auto& share = out[order[at]];
    share = std::max<std::size_t>(1, std::min(wanted[order[at]], fair));
    left -= std::min(left, share);
  }
  return out;
}

WorkerShares& WorkerShares::all() {
  static WorkerShares shares;
  return shares;
}

WorkerShares::Share::Share(WorkerShares& shares) : shares_(shares) {
  const std::lock_guard lock(shares_.mutex_);
  place_ = shares_.wanted_.insert(shares_.wanted_.end(), 1);
}

WorkerShares::Share::~Share() {
  const std::lock_guard lock(shares_.mutex_);
  shares_.wanted_.erase(place_);
}

std::size_t WorkerShares::Share::of(std::size_t wanted) {
  const std::lock_guard lock(shares_.mutex_);
  *place_ = wanted;
  const auto shares = fair_shares({shares_.wanted_.begin(), shares_.wanted_.end()}, shares_.limit_);
  return shares[static_cast<std::size_t>(std::distance(shares_.wanted_.begin(), place_))];
}

}  // namespace penstock::pipeline
