#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "tests/support/postgres_server.hpp"

namespace penstock::test {

/// A seeded random workload over a few tables of many types: inserts, updates (key changes, key swaps and
/// rows with untouched large values included), deletes, rows that return, many changes of one row in a
/// transaction, rollbacks and savepoints. The same seed and number of steps give the same statements.
class Workload {
 public:
  /// `text_only`: with a column whose type travels as text, which puts the whole stream into text mode.
  Workload(std::uint64_t seed, bool text_only) : random_(seed), text_only_(text_only) {}

  /// Tables public.items, public.pairs (composite key) and public.whole (REPLICA IDENTITY FULL), with rows.
  void create(PostgresSession& session, int rows);
  /// One transaction, committed or rolled back.
  void step(PostgresSession& session);

  [[nodiscard]] static std::vector<std::string> tables() { return {"items", "pairs", "whole"}; }

 private:
  int number(int low, int high) { return std::uniform_int_distribution<int>(low, high)(random_); }
  bool chance(int percent) { return number(1, 100) <= percent; }
  std::string words();
  std::string large_text();
  std::string item_values();
  std::string change_items();
  std::string change_pairs();
  std::string change_whole();

  std::mt19937_64 random_;
  bool text_only_;
  int next_id_ = 1;
};

}  // namespace penstock::test
