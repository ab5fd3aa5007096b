#include "core/error_policy.hpp"

#include <algorithm>

namespace penstock {

ErrorPolicy policy(ErrorKind kind) {
  using std::chrono::milliseconds;
  switch (kind) {
    case ErrorKind::Transient:
    case ErrorKind::InDoubt:
    case ErrorKind::Cancelled:
      return {false, false, false, milliseconds(500), milliseconds(30'000)};
    case ErrorKind::NeedsUser:
      return {true, false, true, milliseconds(2'000), milliseconds(30'000)};
    case ErrorKind::BadData:
    case ErrorKind::Quarantine:
      return {true, false, false, milliseconds(5'000), milliseconds(30'000)};
    case ErrorKind::Terminal:
      return {true, true, false, milliseconds(30'000), milliseconds(30'000)};
    case ErrorKind::Internal:
      return {true, false, false, milliseconds(5'000), milliseconds(30'000)};
  }
  return {};
}

std::chrono::milliseconds wait_after(ErrorKind kind, int failures) {
  const auto rules = policy(kind);
  return std::min(rules.limit, rules.first * (1L << std::clamp(failures - 1, 0, 20)));
}

}  // namespace penstock
