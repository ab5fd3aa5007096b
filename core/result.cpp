#include "core/result.hpp"

#include "core/shown_text.hpp"

namespace penstock {

std::string Error::text() const {
  return shown(cure.empty() ? message : message + ". " + cure);
}

}  // namespace penstock
