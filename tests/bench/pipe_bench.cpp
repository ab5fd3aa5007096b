// `make bench`: the load beside ClickHouse's own `INSERT … SELECT FROM postgresql(…)`, and the stream beside
// a reader that drops what it reads: same machine, same run, same PostgreSQL, same engine over HTTP. Figures
// are medians; what counts are the ratios.

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "core/memory.hpp"
#include "dataplane/pipeline/load_run.hpp"
#include "dataplane/pipeline/probe.hpp"
#include "dataplane/pipeline/setup.hpp"
#include "dataplane/pipeline/stream_run.hpp"
#include "dataplane/postgres/replication.hpp"
#include "tests/support/engine_server.hpp"
#include "tests/support/postgres_server.hpp"

namespace penstock {
namespace {

using Steady = std::chrono::steady_clock;
using namespace std::chrono_literals;

struct Options {
  int rows = 3'000'000;
  int rounds = 3;
  std::string only;
};

double seconds_since(Steady::time_point start) {
  return std::chrono::duration<double>(Steady::now() - start).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// Two who do the same work, round by round.
class Race {
 public:
  Race(std::string what, std::string peer, int rows, double goal)
      : peer_(std::move(peer)), rows_(rows), goal_(goal) {
    fmt::print("{}, rows/s:\n", what);
  }

  void round(double their_seconds, double our_seconds) {
    theirs_.push_back(rows_ / their_seconds);
    ours_.push_back(rows_ / our_seconds);
    print(fmt::format("round {}", ours_.size()), theirs_.back(), ours_.back());
  }

  void report() const {
    const double theirs = median(theirs_);
    const double ours = median(ours_);
    print("median", theirs, ours);
    fmt::print("  ratio {:.2f} (goal ≥ {:.1f}{})\n", ours / theirs, goal_,
               ours / theirs >= goal_ ? "" : ", MISSED");
  }

 private:
  void print(const std::string& when, double theirs, double ours) const {
    fmt::print("  {:<8} {} {:>9.0f}   Penstock, rows queryable {:>9.0f}\n", when, peer_, theirs, ours);
  }

  std::string peer_;
  int rows_;
  double goal_;
  std::vector<double> theirs_, ours_;
};

[[noreturn]] void give_up(const std::string& what, const Error& error) {
  fmt::print(stderr, "bench: {}: {}\n", what, error.text());
  std::exit(1);
}

class Bench {
 public:
  explicit Bench(const Options& options) : rows_(options.rows), rounds_(options.rounds) {
    fmt::print(
        "{} rows of eight columns (bigint key, int, numeric, timestamptz, text, jsonb, bool, uuid), {} "
        "rounds\n",
        rows_, rounds_);
    server_.exec("CREATE DATABASE bench");
    auto session = server_.session("bench");
    session.exec(fmt::format(
        "CREATE TABLE t (id bigint PRIMARY KEY, a int, n numeric(12,2), ts timestamptz, s text, j jsonb, ok "
        "bool, u uuid);"
        "INSERT INTO t SELECT i, i % 1000, i * 0.37, '2020-01-01'::timestamptz + i * interval '1 second',"
        " md5(i::text) || 'abcdefgh', jsonb_build_object('id', i, 'name', md5(i::text), 'tags', "
        "jsonb_build_array('red', 'green', i % 7),"
        " 'weight', i * 0.5, 'active', i % 2 = 0), i % 3 = 0, md5(i::text)::uuid FROM generate_series(1, {}) "
        "i;",
        rows_));
    session.exec("VACUUM (ANALYZE, FREEZE) t");
    session.exec("CHECKPOINT");
    job_ = make_job();
  }

  void load() {
    Race race("load", "INSERT … SELECT FROM postgresql(…)", rows_, 1.2);
    for (int round = 0; round < rounds_; ++round) {
      const double theirs = load_by_engine();
      race.round(theirs, load_by_penstock());
    }
    race.report();
  }

  void stream() {
    const int changes = std::max(100'000, rows_ / 6);
    const auto report = fresh_target();
    if (auto made = postgres::ensure_publication(job_.source, job_.publication, {{"public", "t"}}); !made)
      give_up("publication", made.error());
    Race race("stream (draining a backlog)", "pgoutput read and dropped", changes, 0.6);
    for (int round = 0; round < rounds_; ++round) {
      make_slot("bench_reader");
      make_slot(job_.slot);
      const Lsn end = make_backlog(changes);
      const double theirs = drop_backlog("bench_reader", end);
      race.round(theirs, stream_backlog(report, end));
      for (const auto& slot : {std::string("bench_reader"), job_.slot})
        if (auto gone = postgres::drop_slot(job_.source, slot); !gone) give_up("slot", gone.error());
    }
    race.report();
  }

  /// Beside what nobody can do without: the statements that make as many tables, one after the other.
  void many_tables() {
    constexpr int kTables = 1'000;
    server_.exec("CREATE DATABASE many");
    server_.exec(fmt::format("DO $$ BEGIN FOR i IN 1..{} LOOP EXECUTE format('CREATE TABLE t%s (id bigint "
                             "PRIMARY KEY, v text, n int)', i); END LOOP; END $$",
                             kTables),
                 "many");
    auto job = job_;
    job.source.database = job.destination.database = "many";
    job.publication = "many";
    job.slot = "many";
    job.tables.clear();
    for (int at = 1; at <= kTables; ++at) {
      pipeline::TableJob table;
      table.source = {"public", fmt::format("t{}", at)};
      table.source_text = "public." + table.source.name;
      table.target = table.source.name;
      job.tables.push_back(table);
    }
    engine_.query("CREATE DATABASE many_alone");
    auto start = Steady::now();
    for (int at = 1; at <= kTables; ++at)
      engine_.query(
          fmt::format("CREATE TABLE many_alone.t{} (id Int64, v Nullable(String), n Nullable(Int32)) "
                      "ENGINE = ReplacingMergeTree ORDER BY id",
                      at));
    const double theirs = seconds_since(start);
    start = Steady::now();
    const auto report = pipeline::set_up(job);
    if (!report) give_up("Setup of many tables", report.error());
    const double ours = seconds_since(start);
    fmt::print(
        "{} tables: made by ClickHouse alone in {:.2f} s, Setup {:.2f} s\n  ratio {:.2f} (goal ≥ 1.0{})\n",
        kTables, theirs, ours, theirs / ours, theirs >= ours ? "" : ", MISSED");
    look_at_many(job, *report);
  }

  static void report_memory() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    fmt::print("peak memory of load and stream in this process: {} MB\n", usage.ru_maxrss / 1024);
  }

 private:
  pipeline::PipeJob make_job() {
    pipeline::PipeJob job;
    job.name = job.uid = "bench";
    job.source.host = server_.host();
    job.source.port = server_.port();
    job.source.database = "bench";
    job.source.user = test::PostgresServer::kSuperuser;
    job.source.password = Secret(test::PostgresServer::kPassword);
    job.source.tls = postgres::Tls::Disable;
    job.destination.url = engine_.url();
    job.destination.database = "bench";
    job.slot = "bench";
    job.publication = "bench";
    pipeline::TableJob table;
    table.source = {"public", "t"};
    table.source_text = "public.t";
    table.target = "t";
    job.tables = {table};
    return job;
  }

  /// A new table, when the merges of the one before are over: dropping it here would leave the file system
  /// busy with a thousand deleted files while the next load makes as many.
  pipeline::SetupReport fresh_target() {
    while (engine_.value("SELECT count() FROM system.merges") != "0")
      std::this_thread::sleep_for(50ms);
    ::sync();
    job_.tables[0].target = fmt::format("t{}", ++targets_);
    auto report = pipeline::set_up(job_);
    if (!report) give_up("setup", report.error());
    return *report;
  }

  double load_by_engine() {
    fresh_target();
    const auto start = Steady::now();
    engine_.query(
        fmt::format("INSERT INTO bench.{} (id, a, n, ts, s, j, ok, u) SELECT id, a, n, ts, s, j, ok, u FROM "
                    "postgresql('{}:{}', 'bench', 't', '{}', '{}')",
                    job_.tables[0].target, server_.host(), server_.port(), test::PostgresServer::kSuperuser,
                    test::PostgresServer::kPassword));
    return seconds_since(start);
  }

  double load_by_penstock() {
    const auto report = fresh_target();
    auto slot = postgres::create_slot(job_.source, job_.slot);
    if (!slot) give_up("slot", slot.error());
    const auto start = Steady::now();
    const Lsn version = slot->consistent_point;
    pipeline::LoadRun load({job_, report.system, version, {}, *std::move(slot), {}});
    while (!load.facts().run.ended)
      std::this_thread::sleep_for(2ms);
    const auto took = seconds_since(start);
    if (const auto facts = load.facts(); facts.run.error) give_up("load", *facts.run.error);
    check(engine_.value("SELECT count() FROM bench." + job_.tables[0].target) == std::to_string(rows_),
          "the load lost rows");
    if (auto dropped = postgres::drop_slot(job_.source, job_.slot); !dropped)
      give_up("slot", dropped.error());
    return took;
  }

  void make_slot(const std::string& name) {
    auto slot = postgres::create_slot(job_.source, name);
    if (!slot) give_up("slot", slot.error());
  }

  /// A backlog in both slots: inserts, updates and deletes in transactions of a hundred, to the last LSN.
  Lsn make_backlog(int changes) {
    auto session = server_.session("bench");
    for (int at = 0; at < changes / 100; ++at) {
      const int from = at * 80 + 1;
      session.exec(
          fmt::format("BEGIN; UPDATE t SET a = a + 1, n = n + 1 WHERE id BETWEEN {0} AND {0} + 59;"
                      "INSERT INTO t SELECT {1} + i, i, i, now(), 'fresh', '{{}}', true, md5(i::text)::uuid "
                      "FROM generate_series(1, 30) i;"
                      "DELETE FROM t WHERE id BETWEEN {0} + 60 AND {0} + 69; COMMIT",
                      from, next_id_));
      next_id_ += 30;
    }
    auto end = postgres::current_wal_lsn(job_.source);
    if (!end) give_up("backlog", end.error());
    session.exec("SELECT pg_logical_emit_message(true, 'bench', 'end')");
    return *end;
  }

  double drop_backlog(const std::string& slot, Lsn end) {
    const auto start = Steady::now();
    auto stream = postgres::ReplicationStream::open(job_.source, {slot, job_.publication, Lsn{}, true});
    if (!stream) give_up("reader", stream.error());
    for (Lsn seen; seen < end;) {
      auto message = stream->next(100ms);
      if (!message) give_up("reader", message.error());
      if (const auto* data = std::get_if<postgres::XLogData>(&*message)) seen = data->start;
      if (const auto* alive = std::get_if<postgres::Keepalive>(&*message)) seen = alive->wal_end;
    }
    return seconds_since(start);
  }

  double stream_backlog(const pipeline::SetupReport& report, Lsn end) {
    const auto start = Steady::now();
    pipeline::StreamRun run({job_, report.system, {}});
    while (run.facts().confirmed < end) {
      if (const auto facts = run.facts(); facts.run.error) give_up("stream", *facts.run.error);
      std::this_thread::sleep_for(2ms);
    }
    return seconds_since(start);
  }

  /// As every pipe does each ten seconds.
  static void look_at_many(pipeline::PipeJob job, const pipeline::SetupReport& report) {
    std::vector<TableName> names;
    for (std::size_t at = 0; at < job.tables.size(); ++at) {
      names.push_back(job.tables[at].source);
      job.tables[at].definition = report.tables[at].definition;
      job.tables[at].partitions = report.tables[at].partitions;
      job.tables[at].load = report.tables[at].load;
    }
    auto start = Steady::now();
    if (auto made = postgres::ensure_publication(job.source, job.publication, names); !made)
      give_up("publication", made.error());
    if (auto made = postgres::create_slot(job.source, job.slot); !made) give_up("slot", made.error());
    fmt::print("  publication and slot {:.2f} s\n", seconds_since(start));
    start = Steady::now();
    if (auto seen = pipeline::probe(job, report.system); !seen) give_up("a look", seen.error());
    const double took = seconds_since(start);
    fmt::print("  a look at both sides {:.2f} s (goal ≤ 2{})\n", took, took <= 2 ? "" : ", MISSED");
  }

  static void check(bool holds, const char* otherwise) {
    if (holds) return;
    fmt::print(stderr, "bench: {}\n", otherwise);
    std::exit(1);
  }

  int rows_;
  int rounds_;
  test::PostgresServer server_;
  test::EngineServer engine_{{.arguments = {"--allow-sources"}}};  // the peer reads from postgresql()
  pipeline::PipeJob job_;
  int next_id_ = 100'000'000;
  int targets_ = 0;
};

}  // namespace
}  // namespace penstock

int main(int argc, char** argv) {
  penstock::give_large_buffers_their_own_pages();
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  CLI::App app("Measures the load and the stream beside their limits and peers, on servers of its own.");
  penstock::Options options;
  app.add_option("--rows", options.rows, "Rows of the table")
      ->capture_default_str()
      ->check(CLI::Range(1'000, 100'000'000));
  app.add_option("--rounds", options.rounds, "Medians are of so many")
      ->capture_default_str()
      ->check(CLI::Range(1, 100));
  app.add_option("--only", options.only, "Leave out the others")
      ->check(CLI::IsMember({"load", "stream", "tables"}));
  CLI11_PARSE(app, argc, argv);
  penstock::Bench bench(options);
  const auto wanted = [&](const char* part) { return options.only.empty() || options.only == part; };
  if (wanted("load")) bench.load();
  if (wanted("stream")) bench.stream();
  if (wanted("tables")) bench.many_tables();
  penstock::Bench::report_memory();
}
