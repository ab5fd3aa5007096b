#include "core/result.hpp"

namespace penstock {

std::string Error::text() const {
  return cure.empty() ? message : message + ". " + cure;
}

}  // namespace penstock
