// What a history makes in its source, what it declares, and what is put right at its end.

#include <fmt/format.h>

#include "tests/histories/one_history.hpp"

namespace penstock::histories {
namespace {

std::string exclusion(const test::ReplicatedTable& table) {
  if (table.excluded.empty()) return "";
  return fmt::format(", excludedColumns: ['{}']", fmt::join(table.excluded, "', '"));
}

std::string reaction(const std::string& declared) {
  return declared.find("onDifference: Resync") == std::string::npos ? "" : ", onDifference: Resync";
}

std::string order(const std::vector<std::string>& key) {
  return key.empty() ? "" : fmt::format(", orderBy: ['{}']", fmt::join(key, "', '"));
}

std::string source_in(const std::string& declared) {
  if (!declared.starts_with('{')) return declared;
  const auto begin = declared.find(": ") + 2;
  return declared.substr(begin, declared.find_first_of(",}", begin) - begin);
}

/// Twins in children, which nothing in PostgreSQL keeps out.
std::string without_twins(const std::string& table) {
  return fmt::format(
      "DO $$ DECLARE same text; BEGIN SELECT string_agg(format('a.%I = b.%I', attname, attname), ' AND ') "
      "INTO same FROM "
      "pg_constraint JOIN pg_attribute ON attrelid = conrelid AND attnum = ANY(conkey) WHERE conrelid = "
      "'{0}'::regclass "
      "AND contype = 'p'; EXECUTE 'DELETE FROM {0} a USING {0} b WHERE a.tableoid > b.tableoid AND ' || "
      "same; END $$",
      table);
}

/// Moments that a key which was widened onto them cannot hold in the target.
std::string without_odd_keys(const std::string& table) {
  return fmt::format(
      "DO $$ DECLARE odd text; BEGIN SELECT string_agg(format('%I NOT BETWEEN ''1970-01-02'' AND "
      "''2100-01-01''', "
      "attname), ' OR ') INTO odd FROM pg_constraint JOIN pg_attribute ON attrelid = conrelid AND attnum = "
      "ANY(conkey) "
      "WHERE conrelid = '{0}'::regclass AND contype = 'p' AND atttypid IN ('timestamptz'::regtype, "
      "'timestamp'::regtype, 'date'::regtype); IF odd IS NOT NULL THEN EXECUTE 'DELETE FROM {0} WHERE ' || "
      "odd; END "
      "IF; END $$",
      table);
}

}  // namespace

void OneHistory::prepare() {
  servers_.postgres.exec("DROP DATABASE IF EXISTS " + name_ + " WITH (FORCE)");
  servers_.postgres.exec("CREATE DATABASE " + name_ + " TEMPLATE template0 STRATEGY file_copy");
  session_ = std::make_unique<test::PostgresSession>(servers_.postgres.session(name_));
  test::print_plainly(*session_);
  session_->exec(
      "CREATE FUNCTION big(n int) RETURNS text IMMUTABLE LANGUAGE sql AS $$SELECT string_agg(md5(n::text || "
      "' ' || s), "
      "'') FROM generate_series(1, 200) s$$");
  session_->exec("CREATE TABLE t_nb (id int PRIMARY KEY, v text)");
  sessions_ = std::make_unique<Sessions>(servers_.postgres, name_);
  manifest_ = std::make_unique<test::PipeManifest>(name_, servers_.postgres, name_, servers_.engine,
                                                   std::vector<std::string>{});
  for (const auto& line : history_.lines) {
    if (line.kind == Line::Kind::Source) manifest_->source_more = line.text;
    if (line.kind == Line::Kind::Setup) (void)sessions_->send(1, line.text);
    if (line.kind != Line::Kind::Table) continue;
    test::ReplicatedTable table{source_in(line.text), source_in(line.text).substr(7)};
    if (line.text.find("excludedColumns") != std::string::npos) table.excluded = {"card"};
    tables_.push_back({line.text, true, {}, 0, std::move(table)});
  }
  sessions_->settle();
  for (auto& each : tables_) {
    test::remember_excluded(*session_, each.table);
    if (each.text.find("orderBy") != std::string::npos) each.order_by = primary_key(each.table.source);
  }
}

std::string OneHistory::apply() {
  manifest_->tables = {neighbour_.source};
  for (const auto& each : tables_)
    if (each.in)
      manifest_->tables.push_back(fmt::format("{{source: {}{}{}{}, resyncGeneration: {}}}", each.table.source,
                                              exclusion(each.table), order(each.order_by),
                                              reaction(each.text), each.generation));
  manifest_->spec_more = fmt::format("  paused: {}\n  resyncGeneration: {}\n", paused_, generation_);
  return servers_.board.apply(manifest_->both());
}

/// Whether the table is there with a primary key that all of its partitions or children have as well.
bool OneHistory::has_one_key(const std::string& table) {
  std::string key;
  on_session([&](test::PostgresSession& session) {
    key =
        session.value(fmt::format("WITH RECURSIVE tree(oid) AS (SELECT to_regclass('{}')::oid UNION SELECT "
                                  "inhrelid FROM tree JOIN pg_inherits ON "
                                  "inhparent = tree.oid), keys AS (SELECT (SELECT string_agg(attname::text, "
                                  "',' ORDER BY array_position("
                                  "conkey, attnum)) FROM pg_constraint JOIN pg_attribute ON attrelid = "
                                  "conrelid AND attnum = ANY(conkey) WHERE "
                                  "conrelid = tree.oid AND contype = 'p' AND NOT condeferrable) AS key FROM "
                                  "tree) SELECT CASE WHEN count(*) = "
                                  "count(key) AND min(key) = max(key) THEN 'yes' ELSE 'no' END FROM keys",
                                  table));
  });
  return key == "yes";
}

std::vector<std::string> OneHistory::primary_key(const std::string& table) {
  std::vector<std::string> out;
  on_session([&](test::PostgresSession& session) {
    out.clear();
    for (const auto& row : session.query(
             fmt::format("SELECT attname FROM pg_constraint JOIN pg_attribute ON attrelid = conrelid AND "
                         "attnum = ANY(conkey) WHERE conrelid = to_regclass('{}') AND contype = 'p' ORDER BY "
                         "array_position(conkey, attnum)",
                         table)))
      out.push_back(row[0]);
  });
  return out;
}

/// As a person would who reads what the status asks for. A table that is gone, or has no key by now, is taken
/// out of the manifest.
void OneHistory::put_right() {
  sessions_->settle();
  for (auto& each : tables_) {
    each.in = each.in && has_one_key(each.table.source);
    if (!each.in) continue;
    put_right(each.table);
    if (!each.order_by.empty()) each.order_by = primary_key(each.table.source);
  }
  secrets_ = false;
  if (manifest_->source_more.empty()) return;
  std::string tables = "t_nb";
  for (const auto& each : tables_)
    if (each.in) tables += ", " + each.table.source;
  sessions_->send_surely(1, "DROP PUBLICATION IF EXISTS theirs");
  sessions_->send_surely(
      1,
      fmt::format("CREATE PUBLICATION theirs FOR TABLE {} WITH (publish_via_partition_root = true)", tables));
  sessions_->settle();
}

void OneHistory::put_right(test::ReplicatedTable& table) {
  test::Rows family, excluded;
  on_session([&](test::PostgresSession& session) {
    family =
        session.query(fmt::format("WITH RECURSIVE tree(oid) AS (SELECT '{}'::regclass::oid UNION SELECT "
                                  "inhrelid FROM tree JOIN pg_inherits ON "
                                  "inhparent = tree.oid) SELECT oid::regclass::text FROM tree",
                                  table.source));
    excluded = session.query(fmt::format(
        "SELECT attname FROM pg_attribute WHERE attrelid = '{0}'::regclass AND NOT attisdropped AND "
        "(attname = 'card' OR attnum IN (0{1}{2})) AND NOT EXISTS (SELECT FROM pg_index WHERE indrelid = "
        "attrelid AND indisprimary AND attnum = ANY (indkey))",
        table.source, table.excluded_nums.empty() ? "" : ", ", fmt::join(table.excluded_nums, ", ")));
  });
  for (const auto& row : family) {
    sessions_->send_surely(1, fmt::format("ALTER TABLE {} REPLICA IDENTITY DEFAULT", row[0]));
    sessions_->send_surely(1, fmt::format("ALTER TABLE {} SET LOGGED", row[0]));
  }
  sessions_->send_surely(1, without_twins(table.source));
  sessions_->send_surely(1, without_odd_keys(table.source));
  sessions_->settle();
  // The manifest names the excluded columns as they are named by now.
  if (!table.excluded.empty()) {
    table.excluded.clear();
    for (const auto& row : excluded)
      table.excluded.insert(row[0]);
  }
  table.excluded_nums.clear();
}

}  // namespace penstock::histories
