#include <fmt/format.h>

#include <algorithm>

#include "dataplane/postgres/catalog.hpp"
#include "dataplane/postgres/catalog_session.hpp"

namespace penstock::postgres {
namespace {

constexpr const char* kPublicationQuery = R"sql(
SELECT puballtables, pubviaroot, pubinsert, pubupdate, pubdelete, pubtruncate, pg_has_role(pubowner, 'USAGE')
FROM pg_publication WHERE pubname = $1)sql";

// Row filters and column lists came with 15.
constexpr const char* kOldTablesQuery =
    "SELECT schemaname, tablename, false, ARRAY[]::text[], false FROM pg_publication_tables WHERE pubname = "
    "$1"
    " ORDER BY 1, 2";
constexpr const char* kTablesQuery = R"sql(
SELECT t.schemaname, t.tablename, t.rowfilter IS NOT NULL, t.attnames::text[],
       EXISTS (SELECT FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid
               WHERE p.pubname = $1 AND r.prattrs IS NOT NULL
                 AND r.prrelid = pg_catalog.format('%I.%I', t.schemaname, t.tablename)::regclass)
FROM pg_publication_tables t WHERE t.pubname = $1 ORDER BY 1, 2)sql";

// What FOR TABLE makes of the names: the tables, and all that inherit from them but partitions, which their
// root stands for.
constexpr const char* kSameTablesQuery = R"sql(
WITH RECURSIVE wanted(oid) AS (
  SELECT pg_catalog.to_regclass(name)::oid FROM unnest($2::text[]) name
  UNION
  SELECT i.inhrelid FROM wanted JOIN pg_inherits i ON i.inhparent = wanted.oid
         JOIN pg_class c ON c.oid = i.inhrelid AND NOT c.relispartition)
SELECT NOT EXISTS (SELECT oid FROM wanted EXCEPT SELECT prrelid FROM pg_publication_rel WHERE prpubid = p.oid)
   AND NOT EXISTS (SELECT prrelid FROM pg_publication_rel WHERE prpubid = p.oid EXCEPT SELECT oid FROM wanted),
       p.pubviaroot AND p.pubinsert AND p.pubupdate AND p.pubdelete AND p.pubtruncate
FROM pg_publication p WHERE p.pubname = $1)sql";

constexpr const char* kOptions =
    "publish = 'insert, update, delete, truncate', publish_via_partition_root = true";

std::string list_of(const std::vector<TableName>& tables) {
  std::string out;
  for (const auto& table : tables)
    out += (out.empty() ? "" : ", ") + table.quoted();
  return out;
}

std::vector<std::string> quoted_names(const std::vector<TableName>& tables) {
  std::vector<std::string> out;
  for (const auto& table : tables)
    out.push_back(table.quoted());
  return out;
}

void bring_to(pqxx::transaction_base& tx, const std::string& name, const std::vector<TableName>& tables) {
  const auto quoted = quote_identifier(name);
  const auto present = tx.exec_params(kSameTablesQuery, name, array_of(quoted_names(tables)));
  if (present.empty()) {
    const auto what = tables.empty() ? "" : " FOR TABLE " + list_of(tables);
    tx.exec(fmt::format("CREATE PUBLICATION {}{} WITH ({})", quoted, what, kOptions));
    return;
  }
  if (!present[0][1].as<bool>()) tx.exec(fmt::format("ALTER PUBLICATION {} SET ({})", quoted, kOptions));
  if (present[0][0].as<bool>()) return;
  if (!tables.empty()) {
    tx.exec(fmt::format("ALTER PUBLICATION {} SET TABLE {}", quoted, list_of(tables)));
    return;
  }
  tx.exec("DROP PUBLICATION " + quoted);
  tx.exec(fmt::format("CREATE PUBLICATION {} WITH ({})", quoted, kOptions));
}

Error may_not_create(Error error, const Endpoint& endpoint, const std::string& name,
                     const std::vector<TableName>& tables) {
  error.reason = "CannotCreatePublication";
  error.cure = fmt::format(
      "Let the tables' owner run CREATE PUBLICATION {} FOR TABLE {} WITH (publish_via_partition_root = true) "
      "and name "
      "it in spec.source.postgres.publication, or give {} CREATE on the database and make it the tables' "
      "owner",
      name, list_of(tables), quote_identifier(endpoint.user));
  return error;
}

}  // namespace

Result<PublicationFacts> read_publication(const Endpoint& endpoint, const std::string& name) {
  PublicationFacts out;
  out.name = name;
  PENSTOCK_TRY(look(endpoint, "looking at publication " + name, [&](pqxx::transaction_base& tx) {
    const auto rows = tx.exec_params(kPublicationQuery, name);
    if (rows.empty()) return;
    const auto row = rows[0];
    out.exists = true;
    out.all_tables = row[0].as<bool>();
    out.via_root = row[1].as<bool>();
    out.inserts = row[2].as<bool>();
    out.updates = row[3].as<bool>();
    out.deletes = row[4].as<bool>();
    out.truncates = row[5].as<bool>();
    out.owned = row[6].as<bool>();
    for (const auto& table :
         tx.exec_params(version_of(tx) >= 150000 ? kTablesQuery : kOldTablesQuery, name)) {
      PublishedTable one{{text_of(table[0]), text_of(table[1])}, table[2].as<bool>(), items_of(table[3])};
      out.tables.push_back(one.name);
      if (one.row_filter || table[4].as<bool>()) out.partial.push_back(one.name);
      out.contents.push_back(std::move(one));
    }
  }));
  return out;
}

Status ensure_publication(const Endpoint& endpoint, const std::string& name,
                          const std::vector<TableName>& tables) {
  const auto once = [&] {
    return change(endpoint, "making publication " + name,
                  [&](pqxx::transaction_base& tx) { bring_to(tx, name, tables); });
  };
  auto done = once();
  if (!done && done.error().reason == "AlreadyExists") done = once();  // made by another at the same moment
  if (!done && done.error().reason == "PermissionDenied")
    return fail(may_not_create(std::move(done).error(), endpoint, name, tables));
  return done;
}

Status drop_publication(const Endpoint& endpoint, const std::string& name) {
  return change(endpoint, "dropping publication " + name, [&](pqxx::transaction_base& tx) {
    tx.exec("DROP PUBLICATION IF EXISTS " + quote_identifier(name));
  });
}

Status drop_publications_of(const Endpoint& endpoint, const std::string& prefix, const std::string& except) {
  return change(endpoint, "dropping publications of " + prefix, [&](pqxx::transaction_base& tx) {
    const auto rows = tx.exec_params(
        "SELECT pubname FROM pg_publication WHERE " + named_by_prefix("pubname") + " ORDER BY 1", prefix,
        except);
    for (const auto& row : rows)
      tx.exec("DROP PUBLICATION IF EXISTS " + quote_identifier(text_of(row[0])));
  });
}

}  // namespace penstock::postgres
