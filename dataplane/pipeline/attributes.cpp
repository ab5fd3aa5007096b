#include "dataplane/pipeline/attributes.hpp"

#include <algorithm>
#include <limits>

namespace penstock::pipeline {
namespace {

constexpr int kImpossible = std::numeric_limits<int>::min() / 4;
using Scores = std::vector<std::vector<int>>;

bool skippable(const Attribute& attribute) {
  return attribute.dropped || attribute.may_be_absent;
}

int score_of(const std::string& name, const Attribute& attribute) {
  return !attribute.dropped && attribute.name == name ? 1 : 0;
}

/// [i][j]: how many names at most agree when the first i of them are found among the first j attributes.
Scores forwards(const std::vector<std::string>& names, const std::vector<Attribute>& present) {
  Scores out(names.size() + 1, std::vector<int>(present.size() + 1, kImpossible));
  out[0][0] = 0;
  for (std::size_t i = 0; i <= names.size(); ++i)
    for (std::size_t j = 1; j <= present.size(); ++j) {
      const auto& attribute = present[j - 1];
      if (skippable(attribute)) out[i][j] = out[i][j - 1];
      if (i > 0) out[i][j] = std::max(out[i][j], out[i - 1][j - 1] + score_of(names[i - 1], attribute));
    }
  return out;
}

/// [i][j]: the same for what is behind these; attributes behind the last that is found may be newer.
Scores backwards(const std::vector<std::string>& names, const std::vector<Attribute>& present) {
  Scores out(names.size() + 1, std::vector<int>(present.size() + 1, kImpossible));
  for (auto& score : out[names.size()])
    score = 0;
  for (std::size_t i = names.size(); i-- > 0;)
    for (std::size_t j = present.size(); j-- > 0;) {
      const auto& attribute = present[j];
      if (skippable(attribute)) out[i][j] = out[i][j + 1];
      out[i][j] = std::max(out[i][j], out[i + 1][j + 1] + score_of(names[i], attribute));
    }
  return out;
}

}  // namespace

std::vector<int> match_attributes(const std::vector<std::string>& names,
                                  const std::vector<Attribute>& present) {
  const auto before = forwards(names, present);
  const auto behind = backwards(names, present);
  const int best = behind[0][0];
  std::vector<int> out(names.size(), -1);
  if (best < 0) return out;
  for (std::size_t i = 0; i < names.size(); ++i) {
    int choices = 0;
    bool gone = true;  // whichever it is
    for (std::size_t j = 0; j < present.size(); ++j) {
      if (before[i][j] + score_of(names[i], present[j]) + behind[i + 1][j + 1] != best) continue;
      out[i] = static_cast<int>(j);
      ++choices;
      gone = gone && present[j].dropped;
    }
    if (choices != 1 && !gone) out[i] = -1;
  }
  return out;
}

}  // namespace penstock::pipeline
