#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/columns/pg_type.hpp"
#include "dataplane/postgres/catalog_session.hpp"

namespace penstock::postgres {

/// pg_attribute.atttypid and atttypmod.
struct DeclaredType {
  std::uint32_t oid = 0;
  std::int32_t typmod = -1;
};

/// The types with their domains replaced by what these stand on, at any depth, inside of arrays too. Index
/// for index.
[[nodiscard]] std::vector<PgType> resolve_types(pqxx::transaction_base& tx,
                                                const std::vector<DeclaredType>& declared);

/// Of a type that is made of enums or composites.
struct TypeParts {
  std::string hashes;            ///< SourceColumn::type_parts
  std::uint32_t changed_by = 0;  ///< the transaction (32-bit xid) that altered one of them last; 0: none did
};
/// Of the types that have any, by oid.
[[nodiscard]] std::map<std::uint32_t, TypeParts> read_type_parts(pqxx::transaction_base& tx,
                                                                 const std::vector<DeclaredType>& declared);

/// SourceColumn::reprinted_from of the (resolved) types that have any, by oid.
[[nodiscard]] std::map<std::uint32_t, std::vector<std::uint32_t>> read_reprints(
    pqxx::transaction_base& tx, const std::vector<PgType>& types);

}  // namespace penstock::postgres
