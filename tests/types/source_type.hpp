#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/types/random.hpp"

namespace penstock::types {

/// Types of the source that one rule is about.
enum class Family {
  Bool,
  Integer,
  Float4,
  Float8,
  Numeric,
  Text,
  Bytea,
  Date,
  Timestamp,
  Time,
  Array,
  Other
};

/// A type of a source column, and how its values are made up.
struct SourceType {
  std::string declaration;  ///< numeric(9,2)
  Family family = Family::Other;
  bool binary = true;  ///< travels in binary where the manifest says nothing of it
  bool key = false;    ///< may be part of a primary key
  /// A text that its input function takes; about every second one is an edge of the type.
  std::function<std::string(Random&)> value;
  std::shared_ptr<const SourceType> element{};  ///< of an array
  std::string extension{};                      ///< that the server needs for it
  int since = 13;                               ///< PostgreSQL's major version
  std::vector<std::string> targets{};           ///< what the manifest may want of it, String aside
};

/// Every line of the type table, arrays of them all among them.
[[nodiscard]] std::vector<SourceType> source_types();

/// numeric(p,s) of any precision and scale that there is.
[[nodiscard]] SourceType any_numeric(Random& random, int server_version);

/// An array of these, with NULL elements, lower bounds, and some of more dimensions.
[[nodiscard]] SourceType array_of(const SourceType& element);

/// What the types need before they can be declared, extensions left out.
[[nodiscard]] std::vector<std::string> type_definitions();

}  // namespace penstock::types
