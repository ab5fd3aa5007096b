#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "tests/support/server_needs.hpp"

namespace penstock::cases {

/// What happens while the pipe runs, one after the other.
struct Step {
  enum class Kind {
    Sql,   ///< statements in a session of the superuser, each committed by itself unless BEGIN says otherwise
    Hold,  ///< the same in a session that stays as it is until Release: an open transaction, its locks
    Release,        ///< ends that session
    Target,         ///< a statement in ClickHouse, in the pipe's database
    Pause,          ///< waits for Paused
    Resume,         ///< does not wait
    Settle,         ///< waits until the neighbour has what was written so far
    Look,           ///< waits until the catalog has been looked at
    NeighbourFlows  ///< a new row of the neighbour is in its target within 20 s
  };
  Kind kind = Kind::Sql;
  std::string text{};
};

inline Step sql(std::string text) {
  return {Step::Kind::Sql, std::move(text)};
}
inline Step hold(std::string text) {
  return {Step::Kind::Hold, std::move(text)};
}
inline Step release() {
  return {Step::Kind::Release};
}
inline Step in_target(std::string text) {
  return {Step::Kind::Target, std::move(text)};
}
inline Step pause() {
  return {Step::Kind::Pause};
}
inline Step resume() {
  return {Step::Kind::Resume};
}
inline Step settle() {
  return {Step::Kind::Settle};
}
inline Step look() {
  return {Step::Kind::Look};
}
inline Step neighbour_flows() {
  return {Step::Kind::NeighbourFlows};
}

enum class Outcome {
  Either,  ///< each table is equal, or named
  Equal,   ///< equal, and not named
  Named    ///< each is named
};

/// A small input, in a database of its own, that once went wrong somewhere. Beside its tables a pipe has the
/// neighbour public.t_nb (id int, v text), which is to go on, equal and not named.
struct Case {
  std::string name;
  std::string setup{};        ///< statements before the Pipe; big(n) gives 50 kB of text
  std::vector<Step> steps{};  ///< once it runs
  Outcome outcome = Outcome::Either;
  std::vector<std::string> tables{"public.t"};  ///< of spec.tables: names, or flow maps with a source
  std::string source_more{};                    ///< of spec.source.postgres, as PipeManifest has it
  bool neighbour = true;                        ///< false: it may be struck as well, and is only compared
  std::string mend{};                           ///< what is done in the source before the resync, if anything
  bool resync = true;                           ///< false: nothing is there to be resynced
  std::string secret{};                         ///< a text that no target may hold, not for a moment
  std::string encoding = "UTF8";                ///< of the database
  bool each_table = false;                      ///< a test of its own for each of the tables, "public.NAME"
  bool before_start = false;                    ///< the steps are taken at once, not when the pipe runs
  int since = 0;                                ///< needs this version of PostgreSQL or a newer one
};

/// The cases of one kind, each in the file of its name.
std::vector<Case> identity_cases();
std::vector<Case> key_cases();
std::vector<Case> name_cases();
std::vector<Case> catalog_cases();
std::vector<Case> large_value_cases();
std::vector<Case> publication_cases();
std::vector<Case> target_cases();
std::vector<Case> passing_cases();
std::vector<Case> partition_cases();
std::vector<Case> other_cases();

}  // namespace penstock::cases
