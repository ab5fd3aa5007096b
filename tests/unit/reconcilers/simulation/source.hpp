#pragma once

// A PostgreSQL server as far as pipes depend on it: committed changes in their order, slots, publications.

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace penstock::reconcile::simulation {

inline constexpr int kKeys = 3;
inline constexpr int kTables = 4;
inline constexpr std::array<const char*, kTables> kTableNames = {"public.a", "public.b", "public.c",
                                                                 "public.d"};

/// How many changes were committed before; a change's LSN is the position behind it, from 1 up.
using Position = std::int32_t;
/// By key: the LSN of the change that made the row what it is; 0: there is no such row.
using Rows = std::array<Position, kKeys>;

struct Change {
  std::int8_t table = 0;
  std::int8_t key = 0;
  bool deleted = false;
  bool operator==(const Change&) const = default;
};

/// From a position on, the tables of a publication as bits; kNoPublication: it is not there.
inline constexpr std::int8_t kNoPublication = -1;
struct Membership {
  Position from = 0;
  std::int8_t tables = kNoPublication;
  bool operator==(const Membership&) const = default;
};

/// With all that it ever was: the stream sees it as it was at each change.
struct Publication {
  std::string name;
  std::vector<Membership> history;
  bool operator==(const Publication&) const = default;

  [[nodiscard]] std::int8_t tables() const { return history.back().tables; }
  [[nodiscard]] bool exists() const { return tables() != kNoPublication; }
  [[nodiscard]] std::int8_t tables_at(Position lsn) const;
  void become(Position from, std::int8_t tables);
};

struct Slot {
  std::string name;
  Position start = 0;
  Position confirmed = 0;
  bool lost = false;
  bool read = false;  ///< by a stream that is connected
  bool operator==(const Slot&) const = default;
};

struct Source {
  bool up = true;
  std::string system = "42";
  std::int8_t missing = 0;  ///< tables that are not there, as bits
  std::vector<Change> wal;
  std::vector<Publication> publications;
  std::vector<Slot> slots;
  bool operator==(const Source&) const = default;

  [[nodiscard]] Position end() const { return static_cast<Position>(wal.size()); }
  [[nodiscard]] Rows rows(int table, Position at) const;
  [[nodiscard]] Rows rows(int table) const { return rows(table, end()); }
  [[nodiscard]] const Slot* slot(const std::string& name) const;
  /// Null: it is not there now.
  [[nodiscard]] const Publication* publication(const std::string& name) const;
  [[nodiscard]] std::int8_t published_at(const std::string& publication, Position lsn) const;
  Slot* slot(const std::string& name);
  Publication* publication(const std::string& name);
};

/// -1: not one of ours.
[[nodiscard]] int table_index(const std::string& source);

}  // namespace penstock::reconcile::simulation
