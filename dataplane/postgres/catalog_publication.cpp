#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "dataplane/postgres/catalog.hpp"
#include "dataplane/postgres/catalog_session.hpp"

namespace penstock::postgres {
namespace {

constexpr const char* kPublicationQuery = R"sql(
SELECT puballtables, pubviaroot, pubinsert, pubupdate, pubdelete, pubtruncate, pg_has_role(pubowner, 'USAGE')
FROM pg_publication WHERE pubname = $1)sql";

// Row filters, column lists and FOR TABLES IN SCHEMA came with 15. Every change of a publication's options
// writes its row anew, and a table that is taken out and put back has another row in pg_publication_rel.
constexpr const char* kOldTablesQuery = R"sql(
SELECT t.schemaname, t.tablename,
       pg_catalog.format('%s.%s.%s.%s', p.oid, p.xmin, coalesce(r.oid, 0), coalesce(r.xmin, '0')),
       NULL::text, ARRAY[]::text[], ARRAY[]::text[], false, ARRAY[]::text[], ARRAY[]::text[]
FROM pg_publication_tables t JOIN pg_publication p ON p.pubname = t.pubname
LEFT JOIN pg_publication_rel r ON r.prpubid = p.oid
     AND r.prrelid = pg_catalog.format('%I.%I', t.schemaname, t.tablename)::regclass
WHERE t.pubname = $1 ORDER BY 1, 2)sql";

// From the catalogs: from 16 on the view pg_publication_tables opens every table, and waits for whoever has
// locked one of them. What is named in it, or by its schema, or by all; then, via the root, without
// partitions whose ancestor is among these, else with leaves in place of partitioned tables. Moving to
// another schema, and back, writes the row of the table's type anew; no change of its columns does. A
// filter's columns are in its expression tree alone: pg_depend has them together with the list's.
constexpr const char* kTablesQuery = R"sql(
WITH RECURSIVE pub AS (SELECT oid, xmin AS written, puballtables, pubviaroot FROM pg_publication WHERE pubname = $1),
named(oid) AS (
  SELECT r.prrelid FROM pub JOIN pg_publication_rel r ON r.prpubid = pub.oid
  UNION
  SELECT c.oid FROM pub JOIN pg_class c ON c.relkind IN ('r', 'p') AND pg_relation_is_publishable(c.oid)
  WHERE pub.puballtables OR EXISTS (SELECT FROM pg_publication_namespace n
                                    WHERE n.pnpubid = pub.oid AND n.pnnspid = c.relnamespace)),
below(root, oid) AS (
  SELECT oid, oid FROM named
  UNION
  SELECT below.root, i.inhrelid FROM below JOIN pg_inherits i ON i.inhparent = below.oid
         JOIN pg_class c ON c.oid = i.inhrelid AND c.relispartition),
published(oid) AS (
  SELECT below.oid FROM below JOIN pg_class c ON c.oid = below.oid CROSS JOIN pub
  WHERE CASE WHEN pub.pubviaroot THEN below.oid IN (SELECT oid FROM named) ELSE c.relkind <> 'p' END
  GROUP BY below.oid, pub.pubviaroot HAVING NOT pub.pubviaroot OR count(*) = 1)
SELECT s.nspname, c.relname,
       pg_catalog.format('%s.%s.%s.%s', pub.oid, pub.written, coalesce(r.oid, n.oid, 0),
                         coalesce(r.xmin, n.xmin, '0'))
         || CASE WHEN n.oid IS NULL THEN '' WHEN r.oid IS NULL THEN '.' || t.xmin::text
                 ELSE pg_catalog.format('.%s.%s', n.oid, n.xmin) END,
       CASE WHEN n.oid IS NULL THEN pg_get_expr(r.prqual, r.prrelid) END, f.numbers, f.names,
       r.prattrs IS NOT NULL AND n.oid IS NULL, l.numbers, l.names
FROM published JOIN pg_class c ON c.oid = published.oid JOIN pg_namespace s ON s.oid = c.relnamespace
JOIN pg_type t ON t.oid = c.reltype CROSS JOIN pub
LEFT JOIN pg_publication_rel r ON r.prpubid = pub.oid AND r.prrelid = c.oid
LEFT JOIN pg_publication_namespace n ON n.pnpubid = pub.oid AND n.pnnspid = c.relnamespace
CROSS JOIN LATERAL (
  SELECT array_agg(a.attnum::text ORDER BY a.attnum) AS numbers,
         array_agg(a.attname::text ORDER BY a.attnum) AS names
  FROM pg_attribute a WHERE a.attrelid = c.oid AND n.oid IS NULL AND a.attnum IN (
    SELECT v[1]::int2 FROM regexp_matches(r.prqual::text, ':varattno (-?[0-9]+)', 'g') v)) f
CROSS JOIN LATERAL (
  SELECT array_agg(a.attnum::text ORDER BY a.attnum) AS numbers,
         array_agg(a.attname::text ORDER BY a.attnum) AS names
  FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = ANY (r.prattrs::int2[])) l
ORDER BY 1, 2)sql";

// What FOR TABLE makes of the names: the tables, and all that inherit from them but partitions, which their
// root stands for. {narrowed}: from 15 on; {generated}: from 18.
constexpr const char* kSameTablesQuery = R"sql(
WITH RECURSIVE wanted(oid) AS (
  SELECT pg_catalog.to_regclass(name)::oid FROM unnest($2::text[]) name
  UNION
  SELECT i.inhrelid FROM wanted JOIN pg_inherits i ON i.inhparent = wanted.oid
         JOIN pg_class c ON c.oid = i.inhrelid AND NOT c.relispartition)
SELECT NOT EXISTS (SELECT oid FROM wanted EXCEPT SELECT prrelid FROM pg_publication_rel WHERE prpubid = p.oid)
   AND NOT EXISTS (SELECT prrelid FROM pg_publication_rel WHERE prpubid = p.oid EXCEPT SELECT oid FROM wanted)
   {narrowed},
       p.pubviaroot AND p.pubinsert AND p.pubupdate AND p.pubdelete AND p.pubtruncate {generated}
FROM pg_publication p WHERE p.pubname = $1)sql";

constexpr const char* kNotNarrowed =
    "AND NOT EXISTS (SELECT FROM pg_publication_rel WHERE prpubid = p.oid AND (prqual IS NOT NULL OR prattrs "
    "IS NOT NULL)) AND NOT EXISTS (SELECT FROM pg_publication_namespace WHERE pnpubid = p.oid)";

constexpr const char* kStrangersQuery = R"sql(
WITH RECURSIVE wanted(oid) AS (
  SELECT pg_catalog.to_regclass(name)::oid FROM unnest($2::text[]) name
  UNION
  SELECT i.inhrelid FROM wanted JOIN pg_inherits i ON i.inhparent = wanted.oid)
SELECT s.nspname, c.relname
FROM unnest($1::text[]) name JOIN pg_class c ON c.oid = pg_catalog.to_regclass(name)
JOIN pg_namespace s ON s.oid = c.relnamespace
WHERE NOT EXISTS (SELECT FROM wanted WHERE wanted.oid = c.oid) ORDER BY 1, 2)sql";

constexpr int kListsAndFilters = 150000;

// From 18 on, a table whose replica identity has a generated column (FULL has them all) may only be updated
// while each publication that it is in publishes that column. The stream has them then; nobody reads them.
constexpr int kPublishesGenerated = 180000;

std::string options_of(int version) {
  return std::string("publish = 'insert, update, delete, truncate', publish_via_partition_root = true") +
         (version >= kPublishesGenerated ? ", publish_generated_columns = stored" : "");
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  return text.replace(text.find(what), what.size(), by);
}

std::string same_tables_query(int version) {
  const auto sql = replaced(kSameTablesQuery, "{narrowed}", version >= kListsAndFilters ? kNotNarrowed : "");
  return replaced(sql, "{generated}", version >= kPublishesGenerated ? "AND p.pubgencols = 's'" : "");
}

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

std::vector<NumberedColumn> columns_of(const pqxx::field& numbers, const pqxx::field& names) {
  const auto every = items_of(numbers), called = items_of(names);
  std::vector<NumberedColumn> out;
  for (std::size_t at = 0; at < every.size() && at < called.size(); ++at)
    out.push_back({std::stoi(every[at]), called[at]});
  return out;
}

PublishedTable published_table(const pqxx::row& row) {
  PublishedTable out;
  out.name = {text_of(row[0]), text_of(row[1])};
  out.incarnation = text_of(row[2]);
  if (!row[3].is_null()) out.row_filter = text_of(row[3]);
  out.filter_columns = columns_of(row[4], row[5]);
  if (row[6].as<bool>(false)) out.listed = columns_of(row[7], row[8]);
  return out;
}

/// Without those that are not there, unless none is.
std::vector<TableName> present_of(pqxx::transaction_base& tx, const std::vector<TableName>& tables) {
  std::vector<TableName> out;
  const auto rows = tx.exec_params(
      "SELECT pg_catalog.to_regclass(name) IS NOT NULL FROM unnest($1::text[]) WITH ORDINALITY n(name, at) "
      "ORDER BY at",
      array_of(quoted_names(tables)));
  for (std::size_t at = 0; at < tables.size(); ++at)
    if (rows[static_cast<pqxx::result::size_type>(at)][0].as<bool>()) out.push_back(tables[at]);
  return out.empty() ? tables : out;
}

void bring_to(pqxx::transaction_base& tx, const std::string& name, const std::vector<TableName>& tables) {
  const auto quoted = quote_identifier(name);
  const auto options = options_of(version_of(tx));
  const auto present =
      tx.exec_params(same_tables_query(version_of(tx)), name, array_of(quoted_names(tables)));
  if (present.empty()) {
    const auto what = tables.empty() ? "" : " FOR TABLE " + list_of(tables);
    tx.exec(fmt::format("CREATE PUBLICATION {}{} WITH ({})", quoted, what, options));
    return;
  }
  if (!present[0][1].as<bool>()) tx.exec(fmt::format("ALTER PUBLICATION {} SET ({})", quoted, options));
  if (present[0][0].as<bool>()) return;
  if (!tables.empty()) {
    tx.exec(fmt::format("ALTER PUBLICATION {} SET TABLE {}", quoted, list_of(tables)));
    return;
  }
  tx.exec("DROP PUBLICATION " + quoted);
  tx.exec(fmt::format("CREATE PUBLICATION {} WITH ({})", quoted, options));
}

/// The entries of `like`'s schemas are cached apart from those of tables.
std::string contents_like(pqxx::transaction_base& tx, const std::string& like,
                          const std::vector<TableName>& tables) {
  auto out = "TABLE " + list_of(tables);
  if (version_of(tx) < kListsAndFilters) return out;
  for (const auto& row : tx.exec_params(
           "SELECT n.nspname FROM pg_publication p JOIN pg_publication_namespace s ON s.pnpubid = p.oid"
           " JOIN pg_namespace n ON n.oid = s.pnnspid WHERE p.pubname = $1 ORDER BY 1",
           like))
    out += ", TABLES IN SCHEMA " + quote_identifier(text_of(row[0]));
  return out;
}

std::string version_text(int version) {
  return fmt::format("{}.{}", version / 10000, version % 10000);
}

Error never_sent(const Error& why, const Endpoint& endpoint, int version) {
  return {ErrorKind::NeedsUser, "ServerNeedsUpdate",
          fmt::format(
              "PostgreSQL {} of {} may never send changes of a table that was added to its publication while "
              "transactions were open (fixed in {}), and the publication that prevents it cannot be made: {}",
              version_text(version), endpoint.text(), version_text(*publication_cache_fixed_in(version)),
              why.message),
          fmt::format("Update PostgreSQL; or raise spec.resyncGeneration, which makes a new slot; or give {} "
                      "CREATE on the database and make it the table's owner (where the publication has "
                      "schemas: a superuser)",
                      quote_identifier(endpoint.user))};
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
    const auto* const tables = version_of(tx) >= kListsAndFilters ? kTablesQuery : kOldTablesQuery;
    for (const auto& table : tx.exec_params(tables, name)) {
      out.contents.push_back(published_table(table));
      out.tables.push_back(out.contents.back().name);
    }
  }));
  return out;
}

Result<std::vector<TableName>> strangers_to(const Endpoint& endpoint, const std::vector<TableName>& tables,
                                            const std::vector<TableName>& some) {
  std::vector<TableName> out;
  PENSTOCK_TRY(look(endpoint, "looking at the publication's tables", [&](pqxx::transaction_base& tx) {
    for (const auto& row :
         tx.exec_params(kStrangersQuery, array_of(quoted_names(some)), array_of(quoted_names(tables))))
      out.push_back({text_of(row[0]), text_of(row[1])});
  }));
  return out;
}

const PublishedTable* published_as(const PublicationFacts& publication, const TableName& name) {
  const auto at = std::find_if(publication.contents.begin(), publication.contents.end(),
                               [&](const PublishedTable& one) { return one.name == name; });
  return at == publication.contents.end() ? nullptr : &*at;
}

void narrow_to(const PublicationFacts& publication, SourceTable& table) {
  const auto* own = published_as(publication, table.name);
  if (!own) return;
  for (auto& column : table.columns)
    column.published = !own->listed || std::any_of(own->listed->begin(), own->listed->end(), [&](auto& one) {
      return one.number == column.attribute_number;
    });
  for (auto& heap : table.heaps) {
    const auto* as = table.kind == 'p' ? own : published_as(publication, heap.name);
    if (!as) continue;
    heap.row_filter = as->row_filter;
    heap.filter_columns = as->filter_columns;
  }
}

Status ensure_publication(const Endpoint& endpoint, const std::string& name,
                          const std::vector<TableName>& tables) {
  const auto once = [&] {
    return change(endpoint, "making publication " + name,
                  [&](pqxx::transaction_base& tx) { bring_to(tx, name, present_of(tx, tables)); });
  };
  auto done = once();
  if (!done && done.error().reason == "AlreadyExists") done = once();  // made by another at the same moment
  if (!done && done.error().reason == "PermissionDenied")
    return fail(may_not_create(std::move(done).error(), endpoint, name, tables));
  return done;
}

std::optional<int> publication_cache_fixed_in(int version) {
  static constexpr std::array kFirst{130021, 140018, 150013, 160009, 170005};
  for (const int first : kFirst)
    if (version / 10000 == first / 10000 && version < first) return first;
  return std::nullopt;
}

Status invalidate_publication_cache(const Endpoint& endpoint, const std::string& publication,
                                    const std::string& helper, const std::vector<TableName>& tables) {
  int version = 0;
  auto done = change(endpoint, "making publication " + helper, [&](pqxx::transaction_base& tx) {
    version = version_of(tx);
    // Of one FOR ALL TABLES nothing is cached by table.
    const auto all =
        tx.exec_params("SELECT FROM pg_publication WHERE pubname = $1 AND puballtables", publication);
    if (!all.empty()) return;
    tx.exec(fmt::format("CREATE PUBLICATION {} FOR {}", quote_identifier(helper),
                        contents_like(tx, publication, present_of(tx, tables))));
    tx.exec("DROP PUBLICATION " + quote_identifier(helper));
  });
  const bool refused =
      !done && done.error().kind != ErrorKind::Transient && done.error().kind != ErrorKind::InDoubt;
  if (refused && publication_cache_fixed_in(version))
    return fail(never_sent(done.error(), endpoint, version));
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
