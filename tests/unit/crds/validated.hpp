#pragma once

// What validation says of a Pipe, for tests.

#include <gmock/gmock.h>

#include <functional>
#include <string>

#include "crds/crd.hpp"
#include "tests/unit/crds/schema.hpp"

namespace penstock {

inline void PrintTo(const FieldError& fault, std::ostream* out) {  // NOLINT: googletest asks for this name
  *out << fault.path << ": " << fault.message;
}

namespace test {

using Edit = std::function<void(Json& spec)>;

inline auto fault(const std::string& path, const std::string& message) {
  return testing::AllOf(testing::Field(&FieldError::path, path),
                        testing::Field(&FieldError::message, testing::HasSubstr(message)));
}

inline Edit tables(const char* json) {
  return [json](Json& spec) { spec["tables"] = Json::parse(json); };
}

}  // namespace test
}  // namespace penstock
