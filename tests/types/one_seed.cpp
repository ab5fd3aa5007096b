#include "tests/types/one_seed.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "dataplane/pipeline/setup.hpp"
#include "dataplane/postgres/catalog.hpp"
#include "tests/support/row_oracle.hpp"

namespace penstock::types {

using namespace std::chrono_literals;

namespace {

constexpr int kRows = 40;
constexpr int kLast = 5000;  // the id of the row that comes last
constexpr std::size_t kBadTables = 3;
constexpr const char* kNeighbour = "neighbour";  // its column travels as text, and so does the whole stream
constexpr auto kPatience = 60s;

}  // namespace

template <typename Result>
void OneSeed::require(const Result& result, const std::string& doing) {
  if (!result) throw std::runtime_error(doing + ": " + result.error().text());
}

OneSeed::OneSeed(const Servers& servers, std::uint64_t seed)
    : servers_(servers),
      random_(seed),
      name_(fmt::format("seed_{}", seed)),
      session_(servers.postgres.session(servers.database)),
      reader_(servers.postgres.session(servers.database)) {
  test::print_plainly(session_);
  test::print_plainly(reader_);
  // As every session of ours has it: names of types are printed by it.
  reader_.exec("SET search_path = pg_catalog; SET lc_monetary = 'C'");
}

OneSeed::~OneSeed() {
  stream_.reset();
  try {
    const auto& source = stream_job_.source;
    (void)test::eventually([&] { return postgres::drop_slot(source, stream_job_.slot).has_value(); });
    (void)postgres::drop_publication(source, stream_job_.publication);
    exec("DROP SCHEMA IF EXISTS " + name_ + " CASCADE");
    for (const auto* job : {&load_job_, &stream_job_})
      servers_.engine.query("DROP DATABASE IF EXISTS " + job->destination.database + " SYNC");
  } catch (const std::exception&) {  // a server is down: what is left is gone with it
  }
}

void OneSeed::exec(const std::string& sql) {
  try {
    session_.exec(sql);
  } catch (const std::exception& error) {
    throw std::runtime_error(fmt::format("{} in: {}", error.what(), sql.substr(0, 3000)));
  }
}

Outcome OneSeed::run() {
  try {
    table_ = random_table(random_, servers_.types, session_, servers_.version);
    make_tables();
    make_jobs();
    stream_rows();
    add_column();
    stream_bad_values();
    load();
    compare();
  } catch (const std::exception& error) {
    std::string columns;
    for (const auto& column : table_.columns)
      columns += "\n    " + column.text();
    say(error.what() + columns);
  }
  return outcome_;
}

void OneSeed::make_tables() {
  std::string columns, key = "id";
  for (const auto& column : table_.columns) {
    columns +=
        fmt::format(", {} {}{}", column.name, column.type.declaration, column.nullable ? "" : " NOT NULL");
    if (column.key) key += ", " + column.name;
    if (column.bad.empty() || bad_.size() == kBadTables) continue;
    bad_.push_back({"bad_" + column.name, column, random_.of(column.bad)});
  }
  exec(
      fmt::format("CREATE SCHEMA {0}; CREATE TABLE {0}.t (id int{1}, PRIMARY KEY ({2}));"
                  "CREATE TABLE {0}.{3} (id int PRIMARY KEY, v inet)",
                  name_, columns, key, kNeighbour));
  if (table_.full_identity) exec(fmt::format("ALTER TABLE {}.t REPLICA IDENTITY FULL", name_));
  for (const auto& bad : bad_)
    exec(fmt::format("CREATE TABLE {}.{} (id int, {} {}{}, PRIMARY KEY (id{}))", name_, bad.name,
                     bad.column.name, bad.column.type.declaration, bad.column.nullable ? "" : " NOT NULL",
                     bad.column.key ? ", " + bad.column.name : ""));
}

pipeline::PipeJob OneSeed::job_for(const std::string& ending, bool with_neighbour) const {
  pipeline::PipeJob job;
  job.name = "types/" + name_;
  job.uid = name_ + ending;
  job.source.host = servers_.postgres.host();
  job.source.port = servers_.postgres.port();
  job.source.database = servers_.database;
  job.source.user = test::PostgresServer::kSuperuser;
  job.source.password = Secret(test::PostgresServer::kPassword);
  job.source.tls = postgres::Tls::Disable;
  job.destination.url = servers_.engine.url();
  job.destination.database = name_ + ending;
  job.slot = job.publication = "types_" + name_;
  job.flush_interval = 20ms;
  job.max_inserts_per_second = 1000;
  job.workers_per_table = 1;
  const auto add = [&](const std::string& table, std::vector<pipeline::ColumnOverride> overrides) {
    pipeline::TableJob one;
    one.source = {name_, table};
    one.source_text = name_ + "." + table;
    one.target = table;
    one.overrides = std::move(overrides);
    job.tables.push_back(one);
  };
  const auto override_of = [](const RandomColumn& column) {
    return pipeline::ColumnOverride{column.name, column.wanted, column.null_if_unrepresentable};
  };
  std::vector<pipeline::ColumnOverride> overrides;
  for (const auto& column : table_.columns)
    if (!column.wanted.empty() || column.null_if_unrepresentable) overrides.push_back(override_of(column));
  add("t", overrides);
  for (const auto& bad : bad_)
    add(bad.name, {override_of(bad.column)});
  if (with_neighbour) add(kNeighbour, {});
  return job;
}

void OneSeed::make_jobs() {
  load_job_ = job_for("_load", false);
  load_job_.streams = false;
  stream_job_ = job_for("_stream", table_.form == Form::Text);
  for (const auto* job : {&load_job_, &stream_job_}) {
    servers_.engine.query("CREATE DATABASE " + job->destination.database);
    const auto report = pipeline::set_up(*job);
    require(report, "setting up");
    system_ = report->system;
    check_target_types(job->destination.database);
  }
  std::vector<TableName> names;
  for (const auto& table : stream_job_.tables)
    names.push_back(table.source);
  require(postgres::ensure_publication(stream_job_.source, stream_job_.publication, names), "publishing");
  require(postgres::create_slot(stream_job_.source, stream_job_.slot), "making the slot");
  clickhouse::Client client(stream_job_.destination);
  const auto bound = pipeline::bind_tables(stream_job_, client);
  require(bound, "binding");
  outcome_.binary = std::all_of(bound->tables.begin(), bound->tables.end(),
                                [](const auto& one) { return one.binding.binary_stream(); });
  if (table_.form == Form::Text && outcome_.binary)
    say("the neighbour does not put the stream into text form");
}

void OneSeed::check_target_types(const std::string& database) {
  const auto plain = [](std::string type) {
    std::erase(type, ' ');
    return type;
  };
  for (auto& column : table_.columns) {
    const auto type = servers_.engine.value(fmt::format(
        "SELECT type FROM system.columns WHERE database = '{}' AND table = 't' AND name = '{}' FORMAT TSVRaw",
        database, column.name));
    if (plain(type) != plain(column.target))
      say(fmt::format("{}: made as {}, and it is documented as {}", column.text(), type, column.target));
  }
}

std::string OneSeed::insert_sql(int id) {
  std::string out = fmt::format("({}", id);
  for (const auto& column : table_.columns)
    out += ", " + random_.of(column.good).sql;
  return out + ")";
}

/// Some columns to other values: what is left alone, and large, the stream leaves out.
std::string OneSeed::change_sql(int id) {
  if (random_.chance(10)) return fmt::format("DELETE FROM {}.t WHERE id = {};", name_, id);
  std::string list = random_.chance(20) ? fmt::format("id = {}", id + 1000) : "";
  for (const auto& column : table_.columns)
    if (random_.chance(50))
      list += fmt::format("{}{} = {}", list.empty() ? "" : ", ", column.name, random_.of(column.good).sql);
  if (list.empty()) return "";
  return fmt::format("UPDATE {}.t SET {} WHERE id = {};", name_, list, id);
}

void OneSeed::write_rows() {
  std::string rows;
  for (int id = 1; id <= kRows; ++id)
    rows += (rows.empty() ? "" : ", ") + insert_sql(id);
  exec(fmt::format("INSERT INTO {}.t VALUES {}", name_, rows));
  std::string changes;
  for (int id = 1; id <= kRows; ++id)
    if (random_.chance(50)) changes += change_sql(id);
  exec(changes);
}

void OneSeed::catch_up() {
  const auto end = postgres::current_wal_lsn(stream_job_.source);
  require(end, "reading the end of the WAL");
  exec("SELECT pg_logical_emit_message(true, 'types', 'end')");
  const auto done = [&] { return stream_->facts().confirmed >= *end || stream_->facts().run.ended; };
  const bool in_time = test::eventually(done, kPatience);
  const auto facts = stream_->facts();
  if (facts.run.error) throw std::runtime_error("the stream ended: " + facts.run.error->text());
  for (const auto& table : facts.tables)
    if (table.error) throw std::runtime_error("the stream refused what fits: " + table.error->text());
  if (!in_time)
    throw std::runtime_error("the stream hangs" +
                             (facts.run.retrying ? ": " + facts.run.retrying->text() : std::string()));
}

void OneSeed::stream_rows() {
  const pipeline::TablePatience none{0ms, std::uint64_t{1} << 30};
  stream_ =
      std::make_unique<pipeline::StreamRun>(pipeline::StreamRequest{stream_job_, system_, {}, {}, none, {}});
  write_rows();
  catch_up();
}

/// Rows of before hold its default without having been written.
void OneSeed::add_column() {
  if (random_.chance(40)) return;
  auto column = random_column(random_, servers_.types, session_, servers_.version);
  if (column.good.front().sql == "NULL") return;
  column.name = added_ = "added";
  exec(fmt::format("ALTER TABLE {}.t ADD added {}{} DEFAULT {}", name_, column.type.declaration,
                   column.nullable ? "" : " NOT NULL", column.good.front().sql));
  table_.columns.push_back(std::move(column));
  ++outcome_.added;
}

/// As a new row, or a row that was fine.
void OneSeed::write_bad_value(const BadTable& table) {
  const auto name = name_ + "." + table.name;
  const auto& column = table.column;
  if (column.key || random_.chance(50)) {
    exec(fmt::format("INSERT INTO {} VALUES (7, {})", name, table.sample.sql));
    return;
  }
  exec(fmt::format("INSERT INTO {} VALUES (7, {})", name, random_.of(column.good).sql));
  exec(fmt::format("UPDATE {} SET {} = {}", name, column.name, table.sample.sql));
}

void OneSeed::stream_bad_values() {
  for (auto& bad : bad_) {
    write_bad_value(bad);
    std::optional<Error> error;
    const auto source = name_ + "." + bad.name;
    (void)test::eventually(
        [&] {
          for (const auto& table : stream_->facts().tables)
            if (table.source == source) error = table.error;
          return error || stream_->facts().run.ended;
        },
        10s);
    bad.streamed = error ? error->text() : "nothing";
  }
  // The others go on, and take the added column in.
  exec(fmt::format("INSERT INTO {}.t VALUES {}", name_, insert_sql(kLast)));
  const auto arrived = [&] {
    return servers_.engine.value(fmt::format("SELECT count() FROM {}.t WHERE id = {}",
                                             stream_job_.destination.database, kLast)) != "0";
  };
  if (!test::eventually(arrived, kPatience)) say("table t does not go on beside those that are set apart");
  if (added_.empty()) return;
  const auto comment =
      servers_.engine.value(fmt::format("SELECT comment FROM system.columns WHERE database = '{}' AND table "
                                        "= 't' AND name = '{}' FORMAT TSVRaw",
                                        stream_job_.destination.database, added_));
  // A domain's constraint has every row written anew, which the stream does not show, and a probe tells.
  const auto rewritten = session_.value(fmt::format(
      "SELECT NOT atthasmissing FROM pg_attribute WHERE attrelid = '{}.t'::regclass AND attname = '{}'",
      name_, added_));
  added_differs_ = comment == clickhouse::kFollowedWithoutDefault || rewritten == "t";
  outcome_.added_differ += added_differs_ ? 1 : 0;
}

void OneSeed::load() {
  std::vector<std::string> names;
  for (const auto& column : table_.columns)
    names.push_back(column.name);
  rows_ = source_rows(reader_, name_ + ".t", names);
  pipeline::LoadRun run({load_job_, system_, {}, {}, std::nullopt, {}});
  const bool in_time = test::eventually([&] { return run.facts().run.ended; }, kPatience);
  const auto facts = run.facts();
  if (!in_time) throw std::runtime_error("the load hangs");
  if (facts.run.error) throw std::runtime_error("the load ended: " + facts.run.error->text());
  for (const auto& table : facts.tables) {
    if (table.source == name_ + ".t" && table.error)
      throw std::runtime_error("the load refused what fits: " + table.error->text());
    for (const auto& bad : bad_)
      if (table.source == name_ + "." + bad.name) compare_refusal(bad, table);
  }
  compare_clamps(facts);
}

void OneSeed::compare_refusal(const BadTable& bad, const pipeline::TableLoad& load) {
  const auto loaded = load.error ? load.error->text() : "nothing";
  const auto wanted = fmt::format("table {}.{}, column {}, key ({})=(", name_, bad.name, bad.column.name,
                                  bad.column.key ? "id, " + bad.column.name : "id");
  ++outcome_.refused;
  if (load.error && load.error->reason == "UnrepresentableValue" &&
      loaded.find(wanted) != std::string::npos && loaded == bad.streamed)
    return;
  say(fmt::format("{}: {} does not fit\n    the load says {}\n    the stream says {}", bad.column.text(),
                  bad.sample.sql, loaded, bad.streamed));
}

/// The load counts each value that it moved; the stream brought it at least once.
void OneSeed::compare_clamps(const pipeline::LoadFacts& loaded) {
  const auto count_of = [&](const auto& tables, const std::string& column) {
    for (const auto& table : tables)
      for (const auto& [name, count] : table.clamped)
        if (table.source == name_ + ".t" && name == column) return count;
    return std::uint64_t{0};
  };
  const auto streamed = stream_->facts();
  for (std::size_t at = 0; at < table_.columns.size(); ++at) {
    const auto& column = table_.columns[at];
    if (column.name == added_) continue;
    std::uint64_t moved = 0;
    for (const auto& [id, row] : rows_)
      moved += expected(column.rule(), row[at]).moved ? 1 : 0;
    const auto load = count_of(loaded.tables, column.name), stream = count_of(streamed.tables, column.name);
    if (load != moved || stream < moved)
      say(fmt::format("{}: {} values were moved; the load says {}, the stream {}", column.text(), moved, load,
                      stream));
  }
}

void OneSeed::compare() {
  std::vector<TargetColumn> columns;
  for (const auto& column : table_.columns)
    columns.push_back({column.name, column.target});
  const auto loaded = target_rows(servers_.engine, load_job_.destination.database, columns);
  const auto streamed = target_rows(servers_.engine, stream_job_.destination.database, columns);
  const auto same_ids = [&](const auto& target) {
    return std::equal(rows_.begin(), rows_.end(), target.begin(), target.end(),
                      [](const auto& left, const auto& right) { return left.first == right.first; });
  };
  if (!same_ids(loaded) || !same_ids(streamed))
    throw std::runtime_error(fmt::format("{} rows in the source, {} loaded, {} streamed, or others",
                                         rows_.size(), loaded.size(), streamed.size()));
  for (std::size_t at = 0; at < columns.size(); ++at)
    compare_column(at, loaded, streamed);
}

/// The first value of a column that is wrong stands for all.
void OneSeed::compare_column(std::size_t at, const TargetRows& loaded, const TargetRows& streamed) {
  const auto& column = table_.columns[at];
  for (const auto& [id, row] : rows_) {
    ++outcome_.values;
    if (column.name == added_ && added_differs_ && id != kLast) continue;
    const auto& printed = row[at];
    const auto fault = value_fault(column.rule(), printed, loaded.at(id)[at], streamed.at(id)[at]);
    if (fault.empty()) continue;
    say(fmt::format("{}: {}: {}", column.text(), printed ? "'" + printed->substr(0, 300) + "'" : "NULL",
                    fault));
    return;
  }
}

}  // namespace penstock::types
