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

// What is made of user-defined enums and composites at any depth: in arrays, domains, ranges and composites.
// A label's row is written anew by RENAME VALUE, and never by ADD VALUE. Of a composite only what its text
// form shows counts: the attributes' number, order and types. And the transaction that changed such a part
// last: a label that is older than another, by their OIDs, and has the younger row, was renamed. An age below
// 0 is that of a row frozen so long ago that its number has come round, the highest one that of
// FrozenTransactionId.
constexpr const char* kPartsQuery = R"sql(
WITH RECURSIVE known(root, oid) AS (
  SELECT DISTINCT o, o FROM unnest($1::oid[]) o WHERE o >= 16384
  UNION
  SELECT known.root, part.oid FROM known JOIN pg_type t ON t.oid = known.oid CROSS JOIN LATERAL (
    SELECT t.typbasetype UNION ALL SELECT t.typelem
    UNION ALL SELECT r.rngsubtype FROM pg_range r WHERE r.rngtypid = t.oid {multirange}
    UNION ALL SELECT a.atttypid FROM pg_attribute a
              WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped) part(oid)
  WHERE part.oid >= 16384)
SELECT known.root, string_agg(part.hash, ' ' ORDER BY part.hash),
       (array_agg(part.changed::text ORDER BY age(part.changed)) FILTER (WHERE part.changed IS NOT NULL))[1]
FROM known CROSS JOIN LATERAL (
  SELECT 'e' || substr(md5(e.oid || ':' || e.enumlabel || ':' || e.xmin), 1, 8),
         CASE WHEN EXISTS (SELECT FROM pg_enum later WHERE later.enumtypid = e.enumtypid AND later.oid > e.oid
                           AND age(later.xmin) > age(e.xmin)) AND age(e.xmin) >= 0 THEN e.xmin END
  FROM pg_enum e WHERE e.enumtypid = known.oid
  UNION ALL
  SELECT NULL, a.xmin FROM pg_type t JOIN pg_attribute a ON a.attrelid = t.typrelid
  WHERE t.oid = known.oid AND t.typtype = 'c' AND a.attnum > 0 AND a.xmin <> t.xmin
    AND age(a.xmin) BETWEEN 0 AND 2147483646
  UNION ALL
  SELECT 'c' || substr(md5(t.oid || ':' || string_agg(a.attnum || ':' || a.atttypid || ':' || a.atttypmod, ','
                                                      ORDER BY a.attnum)), 1, 8), NULL
  FROM pg_type t JOIN pg_attribute a ON a.attrelid = t.typrelid
  WHERE t.oid = known.oid AND t.typtype = 'c' AND a.attnum > 0 AND NOT a.attisdropped GROUP BY t.oid) part(hash, changed)
GROUP BY known.root)sql";

// Strings, bits and XML have several output functions that print alike.
constexpr const char* kReprintsQuery = R"sql(
WITH RECURSIVE known(target, oid) AS (
  SELECT c.casttarget, c.castsource
  FROM pg_cast c JOIN pg_type f ON f.oid = c.castsource JOIN pg_type t ON t.oid = c.casttarget
  WHERE c.casttarget = ANY ($1::oid[]) AND c.castmethod = 'b' AND f.typoutput <> t.typoutput
    AND NOT (t.typcategory IN ('S', 'V') AND f.typcategory = t.typcategory) AND f.oid <> 'xml'::regtype
  UNION
  SELECT known.target, d.oid FROM known JOIN pg_type d ON d.typtype = 'd' AND d.typbasetype = known.oid)
SELECT target, oid FROM known)sql";

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

std::map<std::uint32_t, TypeParts> read_type_parts(pqxx::transaction_base& tx,
                                                   const std::vector<DeclaredType>& declared) {
  std::vector<std::string> oids;
  for (const auto& one : declared)
    oids.push_back(std::to_string(one.oid));
  std::string sql = kPartsQuery;
  const std::string mark = "{multirange}";
  sql.replace(sql.find(mark), mark.size(), version_of(tx) >= 140000 ? "OR r.rngmultitypid = t.oid" : "");
  std::map<std::uint32_t, TypeParts> out;
  for (const auto& row : tx.exec_params(sql, array_of(oids)))
    out[row[0].as<std::uint32_t>()] = {row[1].is_null() ? "" : text_of(row[1]), row[2].as<std::uint32_t>(0)};
  return out;
}

std::map<std::uint32_t, std::vector<std::uint32_t>> read_reprints(pqxx::transaction_base& tx,
                                                                  const std::vector<PgType>& types) {
  std::vector<std::string> oids;
  for (const auto& one : types)
    oids.push_back(std::to_string(one.oid));
  std::map<std::uint32_t, std::vector<std::uint32_t>> out;
  for (const auto& row : tx.exec_params(kReprintsQuery, array_of(oids)))
    out[row[0].as<std::uint32_t>()].push_back(row[1].as<std::uint32_t>());
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
