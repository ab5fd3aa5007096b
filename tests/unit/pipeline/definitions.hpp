#pragma once

#include <string_view>
#include <vector>

#include "dataplane/pipeline/source_definition.hpp"

namespace penstock::pipeline {

/// (id, v, card), card excluded.
inline SourceDefinition loaded() {
  SourceDefinition out;
  out.oid = 16390;
  out.columns = {{1, "id", 23, -1, false, false, ""},
                 {2, "v", 25, -1, false, false, ""},
                 {3, "card", 25, -1, false, true, ""}};
  out.unique_keys = {500};
  out.publication = "600.7.601.8";
  return out;
}

inline postgres::pgoutput::Relation relation(const std::vector<std::string_view>& names) {
  postgres::pgoutput::Relation out;
  for (const auto name : names)
    out.columns.push_back({false, name, 25, -1});
  return out;
}

}  // namespace penstock::pipeline
