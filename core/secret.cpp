#include "core/secret.hpp"

namespace penstock {

std::string redact(std::string text, const Secret& secret) {
  const std::string& hidden = secret.reveal();
  if (hidden.empty()) return text;
  for (auto at = text.find(hidden); at != std::string::npos; at = text.find(hidden, at + 3))
    text.replace(at, hidden.size(), "***");
  return text;
}

}  // namespace penstock
