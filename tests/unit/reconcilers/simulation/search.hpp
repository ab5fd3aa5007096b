#pragma once

// All that can happen to a small world, in every order: a search over its states, by how many disturbances
// (faults, wishes, changed rows) it took to come there.

#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "tests/unit/reconcilers/simulation/stage.hpp"

namespace penstock::reconcile::simulation {

/// What may still be done to a world.
struct Budget {
  std::int8_t faults = 0;
  std::int8_t wishes = 0;
  std::int8_t changes = 0;
  std::int8_t losses = 0;    ///< of the slot
  std::int8_t refusals = 0;  ///< of a table's rows
  std::int8_t renames = 0;   ///< of a target, in the spec
  bool operator==(const Budget&) const = default;
};

struct State {
  World world;
  Budget budget;
  std::array<std::uint64_t, 4> hashes{};  ///< of the world's parts
};

struct Found {
  std::string what;  ///< a violation
  std::vector<std::string> path;
};

class Search {
 public:
  Search(const State& first, std::size_t most_states);

  void run();
  [[nodiscard]] std::size_t states() const { return known_.size(); }
  /// Every world that this many disturbances lead to was seen.
  [[nodiscard]] int complete_up_to() const { return level_ - 1; }
  [[nodiscard]] const std::vector<Found>& found() const { return found_; }
  /// Worlds from all over the search, and how each was come by.
  [[nodiscard]] const std::vector<std::pair<State, std::size_t>>& samples() const { return samples_; }
  [[nodiscard]] std::vector<std::string> path_to(std::size_t node) const;

 private:
  struct Node {
    std::uint32_t parent = 0;
    std::uint32_t step = 0;  ///< in names_
  };
  struct Open {
    State state;
    std::uint32_t node = 0;
  };
  using Step = std::function<void(Stage&)>;

  void expand(const Open& open);
  void expand_pass(const Open& open);
  void expand_runs(const Open& open);
  void expand_rows_and_servers(const Open& open);
  void expand_wishes(const Open& open);
  /// Takes a step; `costs`: it is a disturbance. How many effects it had.
  int take(const Open& open, const std::string& name, const Step& step, Budget left, bool costs,
           const FaultPlan& faults = {});
  void add(Stage& stage, const Open& from, const std::string& name, Budget left, bool costs);
  template <typename Part>
  void intern(Cow<Part>& part, const Cow<Part>& before, std::uint64_t& hash,
              std::unordered_map<std::uint64_t, Cow<Part>>& all);

  const std::size_t most_;
  std::unordered_set<std::uint64_t> known_;
  std::unordered_map<std::uint64_t, Cow<Source>> sources_;
  std::unordered_map<std::uint64_t, Cow<Destination>> destinations_;
  std::unordered_map<std::uint64_t, Cow<RunState>> runs_;
  std::unordered_map<std::uint64_t, Cow<Api>> apis_;
  std::vector<Node> nodes_;
  std::vector<std::string> names_;
  std::unordered_map<std::string, std::uint32_t> name_numbers_;
  std::deque<Open> open_, next_;  // this level, and the one behind a disturbance
  int level_ = 0;
  std::vector<Found> found_;
  std::vector<std::pair<State, std::size_t>> samples_;
};

/// One pass of a process that remembers nothing of those before: what waits is always due.
void one_pass(Stage& stage);
/// The process dies and is started again.
void restart(World& world);

[[nodiscard]] std::uint64_t hash_of(const Source& source);
[[nodiscard]] std::uint64_t hash_of(const Destination& destination);
[[nodiscard]] std::uint64_t hash_of(const RunState& runs);
[[nodiscard]] std::uint64_t hash_of(const Api& api);

}  // namespace penstock::reconcile::simulation
