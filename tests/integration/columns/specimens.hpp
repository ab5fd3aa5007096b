#pragma once

#include <string>
#include <vector>

namespace penstock::test {

/// A column of the source with values that try its type, and how both sides print it alike.
struct Specimen {
  std::string name;
  std::string declaration;              ///< its type in PostgreSQL
  std::vector<std::string> values;      ///< SQL expressions; a NULL is always added
  std::string in_postgres = "v::text";  ///< an expression over v
  std::string in_clickhouse = "toString(v)";
  std::string target = {};  ///< ClickHouse type; empty: the default one
  int since = 0;            ///< needs this version of PostgreSQL or a newer one
};

/// One for each row of the type table, overrides among them; all their values arrive exactly.
[[nodiscard]] std::vector<Specimen> specimens();

/// What the specimens' types need before they can be declared.
[[nodiscard]] std::vector<std::string> specimen_setup();

}  // namespace penstock::test
