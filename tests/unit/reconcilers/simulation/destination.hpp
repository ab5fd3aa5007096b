#pragma once

// A ClickHouse database as far as pipes depend on it: tables with their marks, and what is in them.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/unit/reconcilers/simulation/source.hpp"

namespace penstock::reconcile::simulation {

/// Newest row of a key, as ReplacingMergeTree keeps it. version -1: there is none.
struct Row {
  std::int16_t version = -1;
  std::int16_t content = 0;  ///< the LSN of the change that made it
  bool deleted = false;
  bool operator==(const Row&) const = default;
};

/// A row of an append-only table: one change, or a loaded row as the change that made it.
struct LogEntry {
  std::int8_t key = 0;
  std::int16_t change = 0;
  std::int16_t commit = 0;
  bool operator==(const LogEntry&) const = default;
};

struct Mark {
  std::string uid;
  std::int64_t load = 0;
  bool released = false;  ///< given back: the next pipe may have the table
  bool operator==(const Mark&) const = default;
};

enum class Kind : std::int8_t { Replacing, Log, Null };

struct Table {
  std::string name;
  std::optional<Mark> mark;  ///< none: the user made it
  Kind kind = Kind::Replacing;
  std::int8_t shape = 0;  ///< sorting key and columns
  std::array<Row, kKeys> rows{};
  std::vector<LogEntry> log;
  bool operator==(const Table&) const = default;

  [[nodiscard]] bool holds_rows() const;
  /// What FINAL shows; of a log, what its newest entries amount to.
  [[nodiscard]] Rows visible() const;
  void write(int key, const Row& row);
};

struct Exchange {
  std::string target;
  std::int64_t load = 0;
  std::int8_t times = 0;
  bool operator==(const Exchange&) const = default;
};

struct Destination {
  bool up = true;
  std::int8_t broken = 0;  ///< source tables whose rows are refused, as bits
  std::vector<Table> tables;
  std::vector<Exchange> exchanges;  ///< ever done
  bool operator==(const Destination&) const = default;

  [[nodiscard]] const Table* table(const std::string& name) const;
  Table* table(const std::string& name);
  void add(Table table);
  void drop(const std::string& name);
  void rename(const std::string& from, const std::string& to);
  void exchange(const std::string& one, const std::string& other);

 private:
  void sort();
};

[[nodiscard]] std::string staging_name(const std::string& target);
[[nodiscard]] bool is_staging(const std::string& name);

}  // namespace penstock::reconcile::simulation
