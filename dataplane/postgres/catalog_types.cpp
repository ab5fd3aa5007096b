#include "dataplane/postgres/catalog_types.hpp"

#include <map>
#include <string>

namespace penstock::postgres {
namespace {

// All types that the given ones stand on or consist of. A true array is one that array_in reads: int2vector
// and others have elements as well, and a text form of their own.
constexpr const char* kTypeQuery = R"sql(
WITH RECURSIVE known(oid) AS (
  SELECT unnest($1::oid[])
  UNION
  SELECT part.oid FROM known JOIN pg_type t ON t.oid = known.oid
         CROSS JOIN LATERAL (VALUES (t.typbasetype), (t.typelem)) part(oid) WHERE part.oid <> 0)
SELECT t.oid, t.typtype, t.typbasetype, t.typtypmod,
       CASE WHEN t.typinput = 'pg_catalog.array_in'::regproc THEN t.typelem ELSE 0 END
FROM known JOIN pg_type t ON t.oid = known.oid)sql";

constexpr const char* kNameQuery = R"sql(
SELECT pg_catalog.format_type(d.oid, d.typmod) FROM unnest($1::oid[], $2::int4[]) WITH ORDINALITY d(oid, typmod, at)
ORDER BY d.at)sql";

struct TypeRow {
  char category = 'b';
  std::uint32_t base = 0;
  std::int32_t typmod = -1;
  std::uint32_t element = 0;
};
using TypeRows = std::map<std::uint32_t, TypeRow>;

TypeRows read_types(pqxx::transaction_base& tx, const std::vector<DeclaredType>& declared) {
  std::vector<std::string> oids;
  for (const auto& one : declared)
    oids.push_back(std::to_string(one.oid));
  TypeRows out;
  for (const auto& row : tx.exec_params(kTypeQuery, array_of(oids))) {
    out[row[0].as<std::uint32_t>()] = {row[1].c_str()[0], row[2].as<std::uint32_t>(),
                                       row[3].as<std::int32_t>(), row[4].as<std::uint32_t>()};
  }
  return out;
}

/// Domains stand on types that were there before them, so this ends.
PgType resolve(const TypeRows& rows, DeclaredType type) {
  auto row = rows.find(type.oid);
  while (row != rows.end() && row->second.category == 'd') {
    type = {row->second.base, row->second.typmod};
    row = rows.find(type.oid);
  }
  PgType out;
  out.oid = type.oid;
  out.typmod = type.typmod;
  if (row == rows.end()) {
    out.kind = PgType::Kind::Other;
  } else if (row->second.element != 0) {
    // The typmod of an array is that of its elements: numeric(12,2)[].
    out.kind = PgType::Kind::Array;
    out.element = std::make_shared<const PgType>(resolve(rows, {row->second.element, type.typmod}));
  } else if (row->second.category == 'e') {
    out.kind = PgType::Kind::Enum;
  } else {
    out.kind = row->second.category == 'b' ? PgType::Kind::Base : PgType::Kind::Other;
  }
  return out;
}

void collect(const PgType& type, std::vector<PgType>& out) {
  out.push_back(type);
  if (type.element) collect(*type.element, out);
}

/// `type` with its names taken from `names` in the order of collect().
PgType named(PgType type, std::vector<std::string>::const_iterator& names) {
  type.name = *names++;
  if (type.element) type.element = std::make_shared<const PgType>(named(*type.element, names));
  return type;
}

}  // namespace

std::vector<PgType> resolve_types(pqxx::transaction_base& tx, const std::vector<DeclaredType>& declared) {
  const auto rows = read_types(tx, declared);
  std::vector<PgType> out, flat;
  for (const auto& one : declared) {
    out.push_back(resolve(rows, one));
    collect(out.back(), flat);
  }
  std::vector<std::string> oids, typmods, names;
  for (const auto& one : flat) {
    oids.push_back(std::to_string(one.oid));
    typmods.push_back(std::to_string(one.typmod));
  }
  for (const auto& row : tx.exec_params(kNameQuery, array_of(oids), array_of(typmods)))
    names.push_back(text_of(row[0]));
  auto next = names.cbegin();
  for (auto& type : out)
    type = named(std::move(type), next);
  return out;
}

Result<PgType> read_type(const Endpoint& endpoint, std::uint32_t oid, std::int32_t typmod) {
  PgType out;
  PENSTOCK_TRY(look(endpoint, "reading a type", [&](pqxx::transaction_base& tx) {
    out = resolve_types(tx, {{oid, typmod}}).front();
  }));
  return out;
}

}  // namespace penstock::postgres
