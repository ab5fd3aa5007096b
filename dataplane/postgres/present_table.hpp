#pragma once

// One table as the catalog has it at this moment, by OID: for a statement that has to be right about columns
// whose names the stream may know from before. No lock on the table is taken or waited for.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/result.hpp"
#include "core/table_name.hpp"
#include "dataplane/postgres/connection.hpp"

namespace penstock::postgres {

/// Called now and then while a statement runs; an error ends the wait, and the session is of no use any more.
using WhileWaiting = std::function<Status()>;

struct PresentColumn {
  int number = 0;  ///< pg_attribute.attnum
  std::string name;
  std::uint32_t type = 0;  ///< declared: of a domain, the domain; 0 of a dropped column
  std::int32_t typmod = -1;
  std::string base_type;  ///< for a cast: what the type or domain stands on, without length or precision
  /// `OPERATOR("public".=)`: what the unique index compares it by that names the table's rows; empty: there
  /// is none.
  std::string equals;
  bool dropped = false;
  bool generated = false;
  bool selectable = false;  ///< this role has SELECT on it
  bool operator==(const PresentColumn&) const = default;
};

struct PresentTable {
  TableName name;
  char kind = 'r';            ///< pg_class.relkind
  bool row_security = false;  ///< row-level security would apply to this role's SELECT
  bool schema_usage = true;
  std::vector<PresentColumn> columns;  ///< in the order of their numbers, from 1, dropped ones too
  bool operator==(const PresentTable&) const = default;
};

/// nullopt: there is no such table any more.
[[nodiscard]] Result<std::optional<PresentTable>> read_present_table(pg_conn* session,
                                                                     const Endpoint& endpoint,
                                                                     std::uint32_t oid,
                                                                     const WhileWaiting& waiting);

/// Sessions that hold, or wait in front of us for, a lock that keeps the table from being read: `pid 7 (shop,
/// idle in transaction since …)`; its partitions', indices' and TOAST table's too. Empty: none (any more).
[[nodiscard]] Result<std::string> name_lockers(pg_conn* session, const Endpoint& endpoint, std::uint32_t oid);

}  // namespace penstock::postgres
