#include "tests/support/workload.hpp"

#include <fmt/format.h>

namespace penstock::test {
namespace {
/// So many keys, from 1 up, every session changes all the time.
constexpr int kContended = 5;
}  // namespace

std::string Workload::words() {
  static const char* const kWords[] = {"lantern",     "Größe", "o''clock", "tab\there",
                                       "back\\slash", "",      "日本",     "null"};
  return kWords[number(0, 7)];
}

/// Random, so that it does not compress and leaves the heap for TOAST storage.
std::string Workload::large_text() {
  std::string out;
  const int size = number(2500, 6000);
  for (int at = 0; at < size; ++at)
    out += static_cast<char>('!' + number(0, 93));
  for (auto& c : out)
    if (c == '\'') c = '"';
  return out;
}

std::string Workload::item_values() {
  const auto maybe = [&](const std::string& value) { return chance(10) ? std::string("NULL") : value; };
  return fmt::format(
      "{}, '{}', {}, {}, {}, '{}'::timestamptz, {}, {}, {}, {}, '{}', {}, {}, '{}', {}, {}{}",
      maybe(std::to_string(number(-2000000000, 2000000000))), words(), maybe("'" + large_text() + "'"),
      fmt::format("{}.{:02}", number(-99999999, 99999999), number(0, 99)),
      maybe(fmt::format("{}.{:06}", number(-1000000, 1000000), number(0, 999999))),
      fmt::format("20{:02}-{:02}-{:02} {:02}:{:02}:{:02}.{:06}+00", number(0, 60), number(1, 12),
                  number(1, 28), number(0, 23), number(0, 59), number(0, 59), number(0, 999999)),
      maybe(fmt::format("'19{:02}-{:02}-{:02}'::date", number(0, 99), number(1, 12), number(1, 28))),
      maybe(fmt::format("'{{\"k\": {}, \"w\": \"{}\"}}'::jsonb", number(0, 1000), "w")),
      maybe(chance(50) ? "true" : "false"), maybe(fmt::format("'\\x{:08x}'::bytea", number(0, 2000000000))),
      chance(50) ? "calm" : "wild",
      chance(20) ? "NULL" : fmt::format("ARRAY[{}, NULL, {}]::int[]", number(0, 9), number(-9, 0)),
      chance(20) ? "'{}'::text[]" : fmt::format("ARRAY['{}', '{}']::text[]", words(), words()),
      fmt::format("{:08x}-0000-4000-8000-{:012x}", number(0, 2000000000), number(0, 2000000000)),
      maybe(fmt::format("{}.25::float8", number(-1000000, 1000000))), number(-32768, 32767),
      text_only_ ? fmt::format(", '10.0.{}.{}'::inet", number(0, 255), number(0, 255)) : "");
}

void Workload::create(PostgresSession& session, int rows) {
  session.exec(fmt::format(
      "CREATE TYPE mood AS ENUM ('calm', 'wild');"
      "CREATE TABLE items (id bigint PRIMARY KEY, a int, b text NOT NULL, big text, n numeric(12,2), u "
      "numeric,"
      " ts timestamptz, d date, j jsonb, ok bool, raw bytea, m mood, ia int[], ta text[], uid uuid, f float8,"
      " s smallint{});"
      "ALTER TABLE items ALTER COLUMN big SET STORAGE EXTERNAL;"
      "CREATE TABLE pairs (k1 int, k2 text, v text, n int, PRIMARY KEY (k1, k2));"
      "CREATE TABLE whole (id int PRIMARY KEY, v text, big text);"
      "ALTER TABLE whole ALTER COLUMN big SET STORAGE EXTERNAL;"
      "ALTER TABLE whole REPLICA IDENTITY FULL;",
      text_only_ ? ", addr inet" : ""));
  session.exec("BEGIN");
  for (int id = fresh(); id <= rows; id = fresh()) {
    session.exec(fmt::format("INSERT INTO items VALUES ({}, {})", id, item_values()));
    session.exec(fmt::format("INSERT INTO pairs VALUES ({0}, 'k{0}', '{1}', {0})", id, words()));
    session.exec(fmt::format("INSERT INTO whole VALUES ({}, '{}', '{}')", id, words(), large_text()));
  }
  session.exec("COMMIT; ANALYZE");
}

std::string Workload::change_items() {
  const int id = known();
  switch (number(0, 9)) {
    case 0:
    case 1: {
      return fmt::format("INSERT INTO items VALUES ({}, {})", fresh(), item_values());
    }
    case 2:
      return fmt::format("INSERT INTO items VALUES ({}, {}) ON CONFLICT (id) DO UPDATE SET a = items.a # 1",
                         id, item_values());
    case 3:
      return fmt::format("DELETE FROM items WHERE id = {}", id);
    case 4:  // the key moves, the large value does not change
      return fmt::format("UPDATE items SET id = {} WHERE id = {}", fresh(), id);
    case 5:
      return fmt::format("UPDATE items SET big = '{}' WHERE id = {}", large_text(), id);
    case 6:
      return fmt::format(
          "UPDATE items SET n = n + 1, ts = ts + interval '1 microsecond' WHERE id BETWEEN {} AND {} AND n < "
          "9999999999",
          id, id + number(0, 30));
    case 7:  // one row, many times in one transaction
      return fmt::format(
          "UPDATE items SET a = 1, b = 'x' WHERE id = {0}; UPDATE items SET a = 2 WHERE id = {0};"
          "UPDATE items SET b = '{1}', u = NULL WHERE id = {0}",
          id, words());
    case 8:  // gone and back within the transaction, with an update that leaves the new large value alone
      return fmt::format(
          "DELETE FROM items WHERE id = {0}; INSERT INTO items VALUES ({0}, {1}); UPDATE items SET a = 7 "
          "WHERE id = {0}",
          id, item_values());
    default:
      return fmt::format("UPDATE items SET a = {}, ok = NOT ok, m = 'wild', ia = NULL WHERE id = {}",
                         number(0, 99), id);
  }
}

std::string Workload::change_pairs() {
  const int id = known();
  switch (number(0, 3)) {
    case 0:
      return fmt::format("UPDATE pairs SET v = '{}', n = n + 1 WHERE k1 = {}", words(), id);
    case 1:  // two rows exchange their keys
      return fmt::format(
          "UPDATE pairs SET k1 = -1 WHERE k1 = {0} AND k2 = 'k{0}'; UPDATE pairs SET k1 = {0}, k2 = 'k{0}' "
          "WHERE k1 = {1}"
          " AND k2 = 'k{1}' AND NOT EXISTS (SELECT 1 FROM pairs WHERE k1 = {0} AND k2 = 'k{0}');"
          "UPDATE pairs SET k1 = {1}, k2 = 'k{1}' WHERE k1 = -1 AND NOT EXISTS (SELECT 1 FROM pairs WHERE k1 "
          "= {1} AND k2 = 'k{1}');"
          "DELETE FROM pairs WHERE k1 = -1",
          id, id + 1);
    case 2:
      return fmt::format("DELETE FROM pairs WHERE k1 = {}", id);
    default:
      return fmt::format("INSERT INTO pairs VALUES ({0}, 'k{0}', '{1}', 0) ON CONFLICT DO NOTHING", id,
                         words());
  }
}

std::string Workload::change_whole() {
  const int id = known();
  switch (number(0, 3)) {
    case 0:
      return fmt::format("UPDATE whole SET v = '{}' WHERE id = {}", words(), id);
    case 1:
      return fmt::format(
          "UPDATE whole SET id = -id WHERE id = {0} AND NOT EXISTS (SELECT 1 FROM whole WHERE id = -{0})",
          id);
    case 2:
      return fmt::format("DELETE FROM whole WHERE id = {}", id);
    default:
      return fmt::format(
          "INSERT INTO whole VALUES ({}, '{}', '{}') ON CONFLICT (id) DO UPDATE SET big = excluded.big", id,
          words(), large_text());
  }
}

/// A statement about one of a few keys. The INSERT does not look first: where the key is there it fails,
/// unless the transaction that it waits for takes it away.
std::string Workload::change_contended(int id) {
  const int other = number(1, kContended);
  switch (number(0, 6)) {
    case 0:
      return fmt::format("INSERT INTO items VALUES ({}, {})", id, item_values());
    case 1:
      return fmt::format("UPDATE items SET a = {} WHERE id = {}", number(0, 99), id);
    case 2:
      return fmt::format("UPDATE items SET id = {} WHERE id = {}", other, id);
    case 3:
      return fmt::format("DELETE FROM items WHERE id = {}", id);
    case 4:
      return fmt::format("INSERT INTO whole VALUES ({}, 'contended', 'x')", id);
    case 5:
      return fmt::format("UPDATE whole SET id = {} WHERE id = {}", other, id);
    default:
      return fmt::format("DELETE FROM whole WHERE id = {}", id);
  }
}

void Workload::change_any(PostgresSession& session) {
  const bool undone = chance(10);
  if (undone) session.exec("SAVEPOINT s");
  const int kind = number(1, 10);
  session.exec(kind <= 6 ? change_items() : kind <= 8 ? change_pairs() : change_whole());
  if (undone) session.exec("ROLLBACK TO SAVEPOINT s");
}

void Workload::step(PostgresSession& session) {
  constexpr const char* kKeyIsThere = "23505";
  constexpr const char* kDeadlock = "40P01";
  session.exec("SET deadlock_timeout = '10ms'; BEGIN");
  try {
    if (chance(40)) {
      const int id = number(1, kContended);
      for (int left = number(1, 4); left > 0; --left)
        session.exec(change_contended(id));
    } else {
      for (int left = chance(5) ? number(20, 60) : number(1, 4); left > 0; --left)
        change_any(session);
    }
  } catch (const SqlError& error) {
    if (error.state != kKeyIsThere && error.state != kDeadlock) throw;
    session.exec("ROLLBACK");
    return;
  }
  session.exec(chance(10) ? "ROLLBACK" : "COMMIT");
}

}  // namespace penstock::test
