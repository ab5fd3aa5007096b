#include "tests/support/divided_workload.hpp"

#include <fmt/format.h>

namespace penstock::test {

const char* DividedWorkload::region() {
  static const char* const kRegions[] = {"north", "south", "east", "west"};
  return kRegions[number(0, 3)];
}

const char* DividedWorkload::relative() {
  static const char* const kRelatives[] = {"family", "child", "grandchild", "sibling"};
  return kRelatives[number(0, 3)];
}

/// Random, so that it does not compress and leaves the heap for TOAST storage.
std::string DividedWorkload::large_text() {
  std::string out;
  const int size = number(2500, 4000);
  for (int at = 0; at < size; ++at)
    out += static_cast<char>('a' + number(0, 25));
  return out;
}

std::string DividedWorkload::new_member(int id) {
  return fmt::format("INSERT INTO {} (id, v, big) VALUES ({}, 'new', '{}');", relative(), id, large_text());
}

void DividedWorkload::create(PostgresSession& session, int rows) {
  session.exec(
      "CREATE TABLE parted (id int, region text, v text, big text, PRIMARY KEY (region, id))"
      " PARTITION BY LIST (region);"
      "ALTER TABLE parted ALTER COLUMN big SET STORAGE EXTERNAL;"
      "CREATE TABLE parted_south PARTITION OF parted FOR VALUES IN ('south') PARTITION BY RANGE (id);"
      "CREATE TABLE parted_south_low PARTITION OF parted_south FOR VALUES FROM (MINVALUE) TO (300);"
      "CREATE TABLE parted_south_high PARTITION OF parted_south FOR VALUES FROM (300) TO (MAXVALUE);"
      "CREATE TABLE parted_rest PARTITION OF parted DEFAULT PARTITION BY HASH (id);"
      "CREATE TABLE parted_rest_0 PARTITION OF parted_rest FOR VALUES WITH (MODULUS 2, REMAINDER 0);"
      "CREATE TABLE parted_rest_1 PARTITION OF parted_rest FOR VALUES WITH (MODULUS 2, REMAINDER 1);"
      "CREATE TABLE parted_north (gone int, big text, v text, region text NOT NULL, id int NOT NULL);"
      "ALTER TABLE parted_north DROP COLUMN gone;"
      "ALTER TABLE parted_north ALTER COLUMN big SET STORAGE EXTERNAL;"
      "ALTER TABLE parted ATTACH PARTITION parted_north FOR VALUES IN ('north');"
      "CREATE TABLE family (id int PRIMARY KEY, v text, big text);"
      "ALTER TABLE family ALTER COLUMN big SET STORAGE EXTERNAL;"
      "CREATE TABLE child (of_child int, PRIMARY KEY (id)) INHERITS (family);"
      "CREATE TABLE grandchild (PRIMARY KEY (id)) INHERITS (child);"
      "CREATE TABLE sibling (PRIMARY KEY (id)) INHERITS (family)");
  session.exec("BEGIN");
  for (; next_id_ <= rows; ++next_id_)
    session.exec(fmt::format("INSERT INTO parted VALUES ({0}, '{1}', 'row {0}', '{2}'); {3}", next_id_,
                             region(), large_text(), new_member(next_id_)));
  session.exec("COMMIT; ANALYZE");
}

std::string DividedWorkload::change_parted() {
  const int id = number(1, next_id_ - 1);
  switch (number(0, 6)) {
    case 0:
      return fmt::format("INSERT INTO parted VALUES ({}, '{}', 'new', '{}')", next_id_++, region(),
                         large_text());
    case 1:
      return fmt::format("DELETE FROM parted WHERE id = {}", id);
    case 2:  // into another partition, the large value unchanged; and changed once more there
      return fmt::format(
          "UPDATE parted SET region = '{0}' WHERE id = {1} AND region <> '{0}' AND NOT EXISTS (SELECT 1 FROM "
          "parted WHERE id = {1} AND region = '{0}'); UPDATE parted SET v = v || '!' WHERE id = {1}",
          region(), id);
    case 3:  // across the ranges and the hashes below
      return fmt::format("UPDATE parted SET id = {} WHERE id = {}", next_id_++, id);
    case 4:  // many partitions at once
      return fmt::format("UPDATE parted SET v = 'of {0}' WHERE id BETWEEN {0} AND {1}", id,
                         id + number(0, 30));
    case 5:  // gone and back elsewhere
      return fmt::format(
          "DELETE FROM parted WHERE id = {0}; INSERT INTO parted VALUES ({0}, '{1}', 'back', '{2}')", id,
          region(), large_text());
    default:
      return fmt::format("UPDATE parted SET big = '{}' WHERE id = {}", large_text(), id);
  }
}

/// An id lives in one of the tables at most: nothing in PostgreSQL sees to it.
std::string DividedWorkload::change_family() {
  const int id = number(1, next_id_ - 1);
  switch (number(0, 5)) {
    case 0:
      return new_member(next_id_++);
    case 1:
      return fmt::format("DELETE FROM family WHERE id = {}", id);
    case 2:
      return fmt::format("DELETE FROM family WHERE id = {}; {}", id, new_member(id));
    case 3:
      return fmt::format("UPDATE family SET id = {} WHERE id = {}", next_id_++, id);
    case 4:
      return fmt::format("UPDATE family SET v = 'of {0}' WHERE id BETWEEN {0} AND {1}", id,
                         id + number(0, 30));
    default:
      return fmt::format("UPDATE child SET of_child = {}, v = 'of a child' WHERE id = {}", number(0, 99), id);
  }
}

void DividedWorkload::step(PostgresSession& session) {
  session.exec("BEGIN");
  for (int left = number(1, 4); left > 0; --left)
    session.exec(chance(60) ? change_parted() : change_family());
  session.exec(chance(10) ? "ROLLBACK" : "COMMIT");
}

}  // namespace penstock::test
