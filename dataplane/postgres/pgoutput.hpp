#pragma once

// Logical replication messages of pgoutput, protocol version 1 (PostgreSQL docs, "Logical Replication Message
// Formats"). Pure: bytes in, views into them out; any bytes are safe.

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/lsn.hpp"
#include "core/result.hpp"

namespace penstock::postgres::pgoutput {

struct Begin {
  Lsn final_lsn;
  std::int64_t commit_time = 0;
  std::uint32_t xid = 0;
};  ///< µs since 2000-01-01
struct Commit {
  Lsn commit_lsn;
  Lsn end_lsn;
  std::int64_t commit_time = 0;
};
struct Origin {
  Lsn lsn;
  std::string_view name;
};
struct Message {
  bool transactional = false;
  Lsn lsn;
  std::string_view prefix, content;
};
struct TypeName {
  std::uint32_t oid = 0;
  std::string_view schema, name;
};

struct RelationColumn {
  bool key = false;
  std::string_view name;
  std::uint32_t type = 0;
  std::int32_t typmod = -1;
};
struct Relation {
  std::uint32_t id = 0;
  std::string_view schema, name;
  char replica_identity = 'd';
  std::vector<RelationColumn> columns;
};

struct Field {
  enum class Kind : char { Null = 'n', Unchanged = 'u', Text = 't', Binary = 'b' };
  Kind kind = Kind::Null;
  std::string_view bytes;
};
using Tuple = std::vector<Field>;

struct Insert {
  std::uint32_t relation = 0;
};  ///< new tuple: Parser::new_tuple
enum class OldTuple : char { None = 0, Key = 'K', Full = 'O' };
struct Update {
  std::uint32_t relation = 0;
  OldTuple old = OldTuple::None;
};
struct Delete {
  std::uint32_t relation = 0;
  OldTuple old = OldTuple::Key;
};
struct Truncate {
  bool cascade = false, restart_identity = false;
  std::vector<std::uint32_t> relations;
};

using Change =
    std::variant<Begin, Commit, Origin, Relation, TypeName, Insert, Update, Delete, Truncate, Message>;

/// Parses one message at a time; its tuples' storage is reused, so views and tuples last until the next
/// parse().
class Parser {
 public:
  [[nodiscard]] Result<Change> parse(std::string_view message);  ///< reason MalformedPgoutput
  [[nodiscard]] const Tuple& old_tuple() const { return old_; }
  [[nodiscard]] const Tuple& new_tuple() const { return new_; }

 private:
  Tuple old_, new_;
};

}  // namespace penstock::postgres::pgoutput
