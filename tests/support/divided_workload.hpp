#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "tests/support/postgres_server.hpp"

namespace penstock::test {

/// A seeded random workload over tables that are made of others: inserts, updates of single rows and of many,
/// deletes, and keys that change within a partition and across partitions of any level. The same seed and
/// number of steps give the same statements.
class DividedWorkload {
 public:
  explicit DividedWorkload(std::uint64_t seed) : random_(seed) {}

  /// Tables public.parted (by list, below that by range and by hash; one leaf was attached, with its columns
  /// in another order) and public.family (a child, a grandchild and another child, by inheritance), with
  /// rows.
  void create(PostgresSession& session, int rows);
  /// One transaction, committed or rolled back.
  void step(PostgresSession& session);

  [[nodiscard]] static std::vector<std::string> tables() { return {"parted", "family"}; }

 private:
  int number(int low, int high) { return std::uniform_int_distribution<int>(low, high)(random_); }
  bool chance(int percent) { return number(1, 100) <= percent; }
  const char* region();
  const char* relative();
  std::string large_text();
  std::string new_member(int id);
  std::string change_parted();
  std::string change_family();

  std::mt19937_64 random_;
  int next_id_ = 1;
};

}  // namespace penstock::test
