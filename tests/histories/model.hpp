#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "tests/histories/history.hpp"

namespace penstock::histories {

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : random_(seed) {}
  /// Both ends included.
  int number(int low, int high) {
    return low + static_cast<int>(random_() % static_cast<std::uint64_t>(high - low + 1));
  }
  bool chance(int percent) { return number(1, 100) <= percent; }
  template <typename T>
  T& one_of(std::vector<T>& all) {
    return all[static_cast<std::size_t>(number(0, static_cast<int>(all.size()) - 1))];
  }
  template <typename T>
  const T& one_of(const std::vector<T>& all) {
    return all[static_cast<std::size_t>(number(0, static_cast<int>(all.size()) - 1))];
  }

 private:
  std::mt19937_64 random_;
};

struct Column {
  std::string name;
  std::string type;
};

/// A table as the one who makes the history believes it to be. Statements that fail leave it wrong: then more
/// of them fail, and that is all.
struct Table {
  std::string name;    ///< as it is now, with its schema
  std::string source;  ///< as the manifest has it
  std::vector<Column> columns;
  std::vector<std::string> key;
  std::vector<std::string> parts;  ///< partitions by range of the first key column, or children
  bool partitioned = false;
  bool inherited = false;
  bool replicated = true;  ///< in the manifest
  int next_part = 0;

  [[nodiscard]] const Column* column(const std::string& wanted) const {
    for (const auto& each : columns)
      if (each.name == wanted) return &each;
    return nullptr;
  }
  [[nodiscard]] bool in_key(const std::string& wanted) const {
    for (const auto& each : key)
      if (each == wanted) return true;
    return false;
  }
};

struct World {
  std::vector<Table> tables;
  std::string publication;  ///< the user's; empty: Penstock's own
  int names = 0;            ///< for names that nobody has yet

  std::string fresh(const std::string& prefix) { return prefix + std::to_string(++names); }
};

/// A value of the type, in SQL. `key`: from a few, so that the same come again.
std::string literal(Dice& dice, const std::string& type, bool key);
/// A type for a column, or for a key.
std::string any_type(Dice& dice);
std::string any_key_type(Dice& dice);

/// Tables with rows: setup lines and those of the manifest.
void make_schema(Dice& dice, World& world, std::vector<Line>& out);
/// One statement that changes rows.
std::string change_rows(Dice& dice, World& world);
/// Statements that change what tables are, what they are called, or what is published; by one session.
std::vector<std::string> change_columns(Dice& dice, World& world, Table& table);
std::vector<std::string> change_table(Dice& dice, World& world, Table& table);
std::vector<std::string> change_parts(Dice& dice, World& world, Table& table);
std::vector<std::string> change_publication(Dice& dice, World& world, Table& table);

}  // namespace penstock::histories
