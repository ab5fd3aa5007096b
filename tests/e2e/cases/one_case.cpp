#include "tests/e2e/cases/one_case.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <thread>

#include "tests/support/sanitizer.hpp"
#include "tests/support/sql_text.hpp"
#include "tests/support/status_oracle.hpp"

namespace penstock::cases {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;
using test::how_named;
using test::kPatience;

constexpr const char* kNeighbour = "public.t_nb";

/// The value of a field in a flow map: "{source: public.t, …}".
std::string in_map(const std::string& map, const std::string& field) {
  const auto at = map.find(field + ": ");
  if (at == std::string::npos) return "";
  const auto begin = at + field.size() + 2;
  const auto end = map[begin] == '[' ? map.find(']', begin) : map.find_first_of(",}", begin);
  return map.substr(begin, end - begin);
}

test::ReplicatedTable table_of(const std::string& declared) {
  test::ReplicatedTable out;
  out.source = declared.starts_with('{') ? in_map(declared, "source") : declared;
  out.target = in_map(declared, "target");
  if (out.target.empty()) out.target = out.source.substr(out.source.find('.') + 1);
  auto excluded = in_map(declared, "excludedColumns");
  for (auto& c : excluded)
    if (c == '[' || c == ',') c = ' ';
  for (std::size_t at = 0; (at = excluded.find_first_not_of(' ', at)) != std::string::npos;) {
    const auto end = std::min(excluded.find(' ', at), excluded.size());
    out.excluded.insert(excluded.substr(at, end - at));
    at = end;
  }
  return out;
}

bool has_begun(const json& pipe) {
  const auto& status = pipe.contains("status") ? pipe["status"] : json::object();
  const auto tables = status.value("tables", json::array());
  return status.value("state", "") == "Running" &&
         std::all_of(tables.begin(), tables.end(), [](const json& table) {
           const auto state = table.value("state", "");
           return state == "Streaming" || state == "Failed";
         });
}

}  // namespace

OneCase::OneCase(const Servers& servers, const Case& its) : servers_(servers), case_(its) {
  database_ = its.name;
  std::replace(database_.begin(), database_.end(), '-', '_');
}

void OneCase::prepare() {
  // Up to 14 there is no other way to copy one.
  const bool chosen = test::lacking(servers_.postgres, test::kPg15).empty();
  servers_.postgres.exec(fmt::format("CREATE DATABASE {} TEMPLATE template0 ENCODING '{}' {}", database_,
                                     case_.encoding, chosen ? "STRATEGY file_copy" : ""));
  session_ = std::make_unique<test::PostgresSession>(servers_.postgres.session(database_));
  test::print_plainly(*session_);
  if (case_.encoding != "SQL_ASCII") session_->exec("SET client_encoding = 'UTF8'");
  session_->exec(
      "CREATE FUNCTION big(n int) RETURNS text IMMUTABLE LANGUAGE sql AS $$SELECT string_agg(md5(n::text || "
      "' ' || s), '') FROM generate_series(1, 1600) s$$");
  session_->exec("CREATE TABLE t_nb (id int PRIMARY KEY, v text)");
  session_->exec("INSERT INTO t_nb VALUES (1, 'a'), (2, 'b'), (3, NULL)");
  for (const auto& statement : test::statements_of(case_.setup))
    session_->exec(statement);
  manifest_ = std::make_unique<test::PipeManifest>(case_.name, servers_.postgres, database_, servers_.engine,
                                                   case_.tables);
  manifest_->source_more = case_.source_more;
  manifest_->tables.emplace_back(kNeighbour);
  for (const auto& declared : manifest_->tables) {
    auto& table = tables_.emplace_back(table_of(declared));
    test::remember_excluded(*session_, table);
    table.publication = in_map(case_.source_more + "}", "publication");
  }
}

std::string OneCase::apply() {
  manifest_->spec_more = fmt::format("  paused: {}\n  resyncGeneration: {}\n", paused_, generation_);
  return servers_.board.apply(manifest_->both());
}

std::string OneCase::run() {
  auto wrong = run_to_its_end();
  held_.reset();
  if (manifest_) servers_.board.remove(manifest_->name);  // its walsender reads the WAL of all the others
  return wrong;
}

std::string OneCase::run_to_its_end() {
  try {
    for (const auto step : {&OneCase::start, &OneCase::run_steps})
      if (auto wrong = (this->*step)(); !wrong.empty()) return wrong;
    if (auto wrong = wait_for_verdict(false, 30s); !wrong.empty()) return wrong;
    return case_.resync ? resync() : "";
  } catch (const std::exception& error) {
    return std::string("error: ") + error.what();
  }
}

/// Until the pipe runs, or says why it does not.
std::string OneCase::start() {
  if (case_.before_start) {
    held_ = std::make_unique<test::PostgresSession>(servers_.postgres.session(database_));
    held_->exec("BEGIN");
    held_->exec("SELECT pg_current_xact_id()");
  }
  if (auto refused = apply(); !refused.empty()) return "the manifest is refused: " + refused;
  const auto& first = tables_.front();
  const auto begun = [&](const json& pipe) {
    return has_begun(pipe) || !how_named(pipe, first.source).empty();
  };
  // Setup has made the targets, and the slot waits for the transaction that is open.
  const auto made = fmt::format("EXISTS TABLE `{}`.`{}`", database_, first.target);
  if (case_.before_start)
    return test::eventually([&] { return servers_.engine.value(made) == "1"; }, 30s * kPatience)
               ? ""
               : "no target";
  if (servers_.board.wait(case_.name, begun, 60s * kPatience)) return "";
  return "does not run: " + test::status_in_words(servers_.board.pipe(case_.name));
}

std::string OneCase::run_steps() {
  for (const auto& step : case_.steps)
    if (auto wrong = run_step(step); !wrong.empty()) return wrong;
  held_.reset();
  return case_.neighbour ? write_to_neighbour() : "";
}

std::string OneCase::run_step(const Step& step) {
  switch (step.kind) {
    case Step::Kind::Sql:
      run_statements(*session_, step.text);
      return "";
    case Step::Kind::Hold:
      if (!held_) held_ = std::make_unique<test::PostgresSession>(servers_.postgres.session(database_));
      run_statements(*held_, step.text);
      return "";
    case Step::Kind::Release:
      held_.reset();
      return "";
    case Step::Kind::Target: {
      auto text = step.text;
      for (const auto& table : tables_)
        if (const auto at = text.find("TABLE " + table.target + " "); at != std::string::npos)
          text.insert(at + 6, fmt::format("`{}`.", database_));
      servers_.engine.query(text);
      return "";
    }
    case Step::Kind::Pause:
    case Step::Kind::Resume: {
      paused_ = step.kind == Step::Kind::Pause;
      if (auto refused = apply(); !refused.empty()) return refused;
      const auto is_paused = [](const json& pipe) {
        return pipe.value("/status/state"_json_pointer, "") == "Paused";
      };
      if (!paused_ || servers_.board.wait(case_.name, is_paused, 30s * kPatience)) return "";
      return "is not paused within 30 s: " + test::status_in_words(servers_.board.pipe(case_.name));
    }
    case Step::Kind::Look:
      std::this_thread::sleep_for(13s * kPatience);
      for (auto& table : tables_)
        test::remember_excluded(*session_, table);
      return "";
    case Step::Kind::Settle:
    case Step::Kind::NeighbourFlows: {
      if (auto wrong = write_to_neighbour(); !wrong.empty()) return wrong;
      const auto& neighbour = tables_.back();
      if (test::eventually(
              [&] {
                return test::table_difference(*session_, servers_.engine, database_, neighbour).empty();
              },
              20s * kPatience))
        return "";
      return "the neighbour stands still for 20 s: " + test::status_in_words(servers_.board.pipe(case_.name));
    }
  }
  return "no such step";
}

void OneCase::run_statements(test::PostgresSession& session, const std::string& text) {
  for (const auto& statement : test::statements_of(text)) {
    try {
      session.exec(statement);
    } catch (const std::exception& error) {
      if (case_.outcome != Outcome::Named) throw;  // there, that the application is refused is the case
    }
  }
}

std::string OneCase::write_to_neighbour() {
  session_->exec(fmt::format("INSERT INTO t_nb VALUES ({}, 'beside')", ++neighbour_rows_));
  return "";
}

OneCase::Verdict OneCase::look_at(const test::ReplicatedTable& table, const json& pipe, bool is_neighbour,
                                  bool after_resync) {
  const auto named = how_named(pipe, table.source);
  const auto difference = test::table_difference(*session_, servers_.engine, database_, table);
  const auto words =
      fmt::format("{}: {}{}", table.source, difference.empty() ? "equal" : "DIFFERS " + difference,
                  named.empty() ? ", not named" : ", named by " + named.substr(0, 500));
  bool right = difference.empty() || !named.empty();
  if (is_neighbour && case_.neighbour) right = difference.empty() && named.empty();
  if (!is_neighbour && case_.outcome == Outcome::Named) right = !named.empty();
  if (case_.outcome == Outcome::Equal || after_resync) right = difference.empty() && named.empty();
  // A pipe that Setup has refused streams nothing yet.
  const bool never_ran = pipe.value("/status/state"_json_pointer, "") == "Setup";
  if (is_neighbour && never_ran && !after_resync) right = !how_named(pipe, tables_.front().source).empty();
  return {right ? "" : words, words};
}

OneCase::Verdict OneCase::look(bool after_resync) {
  const auto pipe = servers_.board.pipe(case_.name);
  Verdict out;
  for (const auto& table : tables_) {
    const auto one = look_at(table, pipe, &table == &tables_.back(), after_resync);
    if (!one.wrong.empty()) out.wrong += one.wrong + "\n";
    out.summary += one.summary + "\n";
  }
  if (after_resync && !test::runs_well(pipe)) out.wrong += test::status_in_words(pipe);
  if (case_.secret.empty()) return out;
  if (const auto where = test::where_held(servers_.engine, database_, case_.secret); !where.empty())
    out.wrong += "the secret is held in " + where + "\n";
  return out;
}

/// It has to hold twice, two seconds apart: what is named for a moment only, or equal until the stream comes
/// to what was changed, is neither.
std::string OneCase::wait_for_verdict(bool after_resync, std::chrono::seconds limit) {
  // A case of many tables, each of which is set apart or exchanged, beside all the others.
  const std::chrono::seconds more(tables_.size() > 5 ? tables_.size() : 0);
  const auto deadline = std::chrono::steady_clock::now() + (limit + more) * kPatience;
  for (int right = 0; right < 2;) {
    if (right == 1) std::this_thread::sleep_for(2s);
    const auto now_known = [](const json&) { return true; };
    if (!servers_.board.wait(case_.name, now_known, 30s)) return "the API does not answer";
    const auto verdict = look(after_resync);
    right = verdict.wrong.empty() ? right + 1 : 0;
    if (right == 0 && std::chrono::steady_clock::now() > deadline)
      return fmt::format("{}within {} s:\n{}\n{}\n", after_resync ? "after a resync, not equal " : "not so ",
                         limit.count(), verdict.wrong,
                         test::status_in_words(servers_.board.pipe(case_.name)));
    if (right == 0) std::this_thread::sleep_for(700ms);
  }
  return "";
}

std::string OneCase::resync() {
  run_statements(*session_, case_.mend);
  generation_ = 1;
  if (auto refused = apply(); !refused.empty()) return refused;
  write_to_neighbour();
  return wait_for_verdict(true, 60s);
}

}  // namespace penstock::cases
