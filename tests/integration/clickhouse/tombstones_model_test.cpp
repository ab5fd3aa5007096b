// Deleted rows carried over out of random histories, held against a model of what is to be carried.

#include <fmt/format.h>

#include <map>
#include <random>
#include <set>

#include "tests/integration/clickhouse/tombstones_test.hpp"

namespace penstock::clickhouse {
namespace {

struct Row {
  std::string key;  ///< as in VALUES: "NULL, 'x'"
  int version = 0;
  bool deleted = false;
  int number = 0;  ///< tells the row from all others
};

class History {
 public:
  explicit History(unsigned seed) : random_(seed) {}

  std::vector<Row> rows(int count) {
    std::vector<Row> out;
    for (int number = 0; number < count; ++number)
      out.push_back({key(), below(5), below(2) == 1, number});
    return out;
  }
  std::set<std::string> keys(int count) {
    std::set<std::string> out;
    for (int tries = 0; tries < count; ++tries)
      out.insert(key());
    return out;
  }

 private:
  int below(int limit) { return static_cast<int>(random_() % static_cast<unsigned>(limit)); }
  std::string key() {
    static const std::vector<std::string> kNumbers{"NULL", "0", "1", "-7"};
    static const std::vector<std::string> kTexts{"NULL", "''", "'0'", "'x'", "'NULL'"};
    return kNumbers[static_cast<std::size_t>(below(4))] + ", " + kTexts[static_cast<std::size_t>(below(5))];
  }
  std::mt19937 random_;
};

/// By key, the rows that may be carried for it: those deleted last, unless a live one is as new.
std::map<std::string, std::set<int>> model(const std::vector<Row>& rows, const std::set<std::string>& held) {
  std::map<std::string, std::map<int, std::vector<Row>>> by_key;
  for (const auto& row : rows)
    by_key[row.key][row.version].push_back(row);
  std::map<std::string, std::set<int>> out;
  for (const auto& [key, versions] : by_key) {
    const auto& newest = versions.rbegin()->second;
    const bool live = std::any_of(newest.begin(), newest.end(), [](const Row& row) { return !row.deleted; });
    if (live || held.contains(key)) continue;
    for (const auto& row : newest)
      out[key].insert(row.number);
  }
  return out;
}

class TombstonesOfHistory : public TombstonesTest, public testing::WithParamInterface<unsigned> {
 protected:
  void fill(const std::string& table, const std::vector<Row>& rows) {
    std::string values;
    for (const auto& row : rows)
      values += fmt::format("{}({}, {}, {}, {})", values.empty() ? "" : ", ", row.key, row.number,
                            row.version, row.deleted ? 1 : 0);
    if (values.empty()) return;
    // Every row stays, as in parts that were not merged yet.
    engine().query(
        "INSERT INTO " + table + " (a, s, n, _penstock_version, _penstock_deleted) VALUES " + values,
        {{"database", database_}, {"optimize_on_insert", "0"}});
  }
  std::map<std::string, int> carried() {
    std::map<std::string, int> out;
    const auto rows =
        client_.select({"SELECT concat(ifNull(toString(a), 'NULL'), ', ', if(isNull(s), 'NULL', "
                        "concat('\\'', s, '\\''))), n FROM t_resync WHERE _penstock_deleted"});
    if (!rows) throw std::runtime_error(rows.error().text());
    for (const auto& row : *rows)
      EXPECT_TRUE(out.emplace(row[0], std::stoi(row[1])).second) << row[0] << " was carried twice";
    return out;
  }
};

TEST_P(TombstonesOfHistory, AreThoseOfTheModel) {
  const std::vector<TargetColumn> columns = {
      {"a", "Nullable(Int8)", ""}, {"s", "Nullable(String)", ""}, {"n", "Int32", ""}};
  make("t", columns, {"a", "s"});
  make("t_resync", columns,
       GetParam() % 2 == 0 ? std::vector<std::string>{"a", "s"} : std::vector<std::string>{"s", "a"});
  run("SYSTEM STOP MERGES t");
  History history(GetParam());
  const auto rows = history.rows(60);
  const auto held = history.keys(4);
  fill("t", rows);
  std::vector<Row> loaded;
  for (const auto& key : held)
    loaded.push_back({key, 50, false, -1});
  fill("t_resync", loaded);
  const char* live = "SELECT groupArray((a, s, n)) FROM (SELECT * FROM t_resync FINAL ORDER BY a, s)";
  const auto before = value(live);
  carry();
  const auto wanted = model(rows, held);
  const auto found = carried();
  for (const auto& [key, numbers] : wanted)
    EXPECT_TRUE(found.contains(key) && numbers.contains(found.at(key))) << key;
  EXPECT_EQ(found.size(), wanted.size());
  EXPECT_EQ(value(live), before) << "FINAL shows what it showed";
}

INSTANTIATE_TEST_SUITE_P(Random, TombstonesOfHistory, testing::Range(1U, 13U));

}  // namespace
}  // namespace penstock::clickhouse
