#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tests/support/postgres_server.hpp"

namespace penstock::test {

/// A seeded random workload over a few tables of many types: inserts, updates (key changes, key swaps and
/// rows with untouched large values included), deletes, rows that return, many changes of one row in a
/// transaction, rollbacks and savepoints. Of one session the same seed and number of steps give the same
/// statements.
///
/// Several sessions at once, each with a workload of its own (beside()), come upon the same keys, some of
/// them all the time: an INSERT, or a row that moves, waits for a transaction that goes on to delete the key
/// or to move its row away.
class Workload {
 public:
  /// `text_only`: with a column whose type travels as text, which puts the whole stream into text mode.
  Workload(std::uint64_t seed, bool text_only)
      : random_(seed), text_only_(text_only), next_id_(std::make_shared<std::atomic<int>>(1)) {}
  /// That of another session, over the same tables.
  [[nodiscard]] Workload beside(std::uint64_t seed) const {
    Workload out = *this;
    out.random_.seed(seed);
    return out;
  }

  /// Tables public.items, public.pairs (composite key) and public.whole (REPLICA IDENTITY FULL), with rows.
  void create(PostgresSession& session, int rows);
  /// One transaction, committed or rolled back: also where one of another session got in its way.
  void step(PostgresSession& session);

  [[nodiscard]] static std::vector<std::string> tables() { return {"items", "pairs", "whole"}; }

 private:
  int number(int low, int high) { return std::uniform_int_distribution<int>(low, high)(random_); }
  bool chance(int percent) { return number(1, 100) <= percent; }
  int fresh() { return (*next_id_)++; }
  int known() { return number(1, next_id_->load() - 1); }
  std::string words();
  std::string large_text();
  std::string item_values();
  std::string change_items();
  std::string change_pairs();
  std::string change_whole();
  std::string change_contended(int id);
  void change_any(PostgresSession& session);

  std::mt19937_64 random_;
  bool text_only_;
  std::shared_ptr<std::atomic<int>> next_id_;  // of all sessions
};

}  // namespace penstock::test
