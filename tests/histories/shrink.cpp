#include "tests/histories/shrink.hpp"

#include <algorithm>

namespace penstock::histories {
namespace {

History without(const History& history, std::size_t from, std::size_t count) {
  History out{history.name, {}};
  for (std::size_t at = 0; at < history.lines.size(); ++at)
    if (at < from || at >= from + count) out.lines.push_back(history.lines[at]);
  return out;
}

bool has_a_table(const History& history) {
  return std::any_of(history.lines.begin(), history.lines.end(),
                     [](const Line& line) { return line.kind == Line::Kind::Table; });
}

}  // namespace

History shrink(History failing, const StillFail& still_fail, const std::function<bool()>& give_up) {
  std::size_t chunk = std::max<std::size_t>(failing.lines.size() / 2, 1);
  while (!give_up()) {
    std::vector<History> candidates;
    for (std::size_t from = 0; from < failing.lines.size(); from += chunk)
      if (auto less = without(failing, from, chunk); has_a_table(less)) candidates.push_back(std::move(less));
    const auto fails = still_fail(candidates);
    const auto first = std::find(fails.begin(), fails.end(), true);
    if (first != fails.end()) {
      failing = candidates[static_cast<std::size_t>(first - fails.begin())];
      chunk = std::clamp<std::size_t>(chunk, 1, std::max<std::size_t>(failing.lines.size() / 2, 1));
    } else if (chunk == 1) {
      break;
    } else {
      chunk = (chunk + 1) / 2;
    }
  }
  return failing;
}

}  // namespace penstock::histories
