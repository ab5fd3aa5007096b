#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/postgres_server.hpp"
#include "tests/types/source_type.hpp"
#include "tests/types/type_rule.hpp"

namespace penstock::types {

/// A value as it is written and as PostgreSQL prints it.
struct Sample {
  std::string sql;  ///< NULL, or a literal with its type: E'1.5'::numeric(9,2)
  test::Value printed;
};

struct RandomColumn {
  std::string name;
  SourceType type;
  bool nullable = true;
  bool key = false;
  std::string wanted;  ///< columns[].type of the manifest; empty: none
  bool null_if_unrepresentable = false;
  std::string target;        ///< the type that it has in ClickHouse
  std::vector<Sample> good;  ///< values that arrive
  std::vector<Sample> bad;   ///< values that its target cannot hold

  [[nodiscard]] TypeRule rule() const;
  /// "c3 int4[] NOT NULL as Array(Int64), unrepresentable: Null", for people.
  [[nodiscard]] std::string text() const;
};

/// How the change stream is to bring its values.
enum class Form {
  Any,
  Binary,  ///< all columns can
  Text     ///< although all columns could be binary: a neighbour cannot
};

struct RandomTable {
  Form form = Form::Any;
  bool full_identity = false;
  std::vector<RandomColumn> columns;  ///< beside id
};

/// The types that this server has; those left out are named in `left_out`.
[[nodiscard]] std::vector<SourceType> types_of(test::PostgresSession& session,
                                               std::vector<std::string>& left_out);

/// The table of a seed. `session` prints plainly (row_oracle.hpp).
[[nodiscard]] RandomTable random_table(Random& random, const std::vector<SourceType>& types,
                                       test::PostgresSession& session, int server_version);

/// A column that the manifest says nothing of, for a table that has some already.
[[nodiscard]] RandomColumn random_column(Random& random, const std::vector<SourceType>& types,
                                         test::PostgresSession& session, int server_version);

/// The type that documentation gives to such a column, "Nullable(Int32)".
[[nodiscard]] std::string documented_type(const SourceType& type, bool nullable);

}  // namespace penstock::types
