// Rows on their way through the client into a real engine.

#include "core/row_version.hpp"
#include "tests/integration/clickhouse/engine_test.hpp"

namespace penstock::clickhouse {
namespace {

using testing::HasSubstr;

class Rows : public EngineTest {
 protected:
  /// Keys and their versions into a replacing table made by create_target().
  void make_orders() {
    const auto made = create_target(
        client_, definition("orders", {{"id", "Int64", ""}, {"note", "Nullable(String)", ""}}, {"id"}));
    ASSERT_TRUE(made) << made.error().text();
  }
  static Block orders_block() {
    return Block({{"id", ColumnType::parse("Int64")},
                  {"note", ColumnType::parse("Nullable(String)")},
                  {kVersionColumn, ColumnType::uint128()},
                  {kDeletedColumn, ColumnType::parse("UInt8")}});
  }
  static void add_order(Block& block, std::int64_t id, const char* note, const RowVersion& version,
                        bool deleted) {
    block.column(0).append_fixed(id);
    if (note == nullptr) {
      block.column(1).append_null();
    } else {
      block.column(1).append_string(note);
    }
    block.column(2).append_fixed(version.words());
    block.column(3).append_fixed(static_cast<std::uint8_t>(deleted));
  }
  static Block numbers(int count) {
    Block block({{"x", ColumnType::parse("Int32")}});
    for (std::int32_t at = 0; at < count; ++at)
      block.column(0).append_fixed(at);
    return block;
  }
};

TEST_F(Rows, ArriveAsTheyWereSent) {
  make_orders();
  auto block = orders_block();
  add_order(block, 1, "a\tb\n'", {{}, {10}}, false);
  add_order(block, -2, nullptr, {{}, {11}}, false);
  const auto done = insert("orders", block);
  ASSERT_TRUE(done) << done.error().text();
  const auto rows = client_.select({"SELECT id, note, _penstock_version FROM orders ORDER BY id"});
  ASSERT_TRUE(rows) << rows.error().text();
  EXPECT_EQ(*rows, (clickhouse::Rows{{"-2", "\\N", "11"}, {"1", "a\tb\n'", "10"}}));
}

TEST_F(Rows, AreOrderedByTheCommitAndThenByTheChange) {
  make_orders();
  constexpr std::uint64_t kHigh = std::uint64_t{1} << 63;
  auto block = orders_block();
  add_order(block, 1, "commits first", {{100}, {kHigh}}, true);
  add_order(block, 1, "commits last", {{101}, {5}}, false);
  add_order(block, 2, "first of a transaction", {{kHigh}, {5}}, false);
  add_order(block, 2, "last of it", {{kHigh}, {6}}, false);
  ASSERT_TRUE(insert("orders", block));
  const auto rows = client_.select({"SELECT note, _penstock_version FROM orders FINAL ORDER BY id"});
  ASSERT_TRUE(rows) << rows.error().text();
  EXPECT_EQ(*rows, (clickhouse::Rows{{"commits last", RowVersion{{101}, {5}}.text()},
                                     {"last of it", RowVersion{{kHigh}, {6}}.text()}}));
}

TEST_F(Rows, GetTheirTimeOfArrivalFromTheServer) {
  make_orders();
  auto block = orders_block();
  add_order(block, 1, "x", {{}, {10}}, false);
  ASSERT_TRUE(insert("orders", block));
  EXPECT_EQ(value("SELECT abs(dateDiff('second', _penstock_synced_at, now())) < 60 FROM orders"), "1");
}

TEST_F(Rows, AreTheSourcesStateWithFinal) {
  make_orders();
  auto block = orders_block();
  add_order(block, 1, "old", {{}, {10}}, false);
  add_order(block, 2, "gone", {{}, {10}}, false);
  add_order(block, 3, "back", {{}, {10}}, false);
  ASSERT_TRUE(insert("orders", block));
  block.clear();
  add_order(block, 1, "new", {{}, {20}}, false);
  add_order(block, 2, nullptr, {{}, {20}}, true);
  add_order(block, 3, nullptr, {{}, {20}}, true);
  add_order(block, 3, "again", {{}, {21}}, false);
  ASSERT_TRUE(insert("orders", block));
  block.clear();
  add_order(block, 1, "late", {{}, {15}}, false);
  ASSERT_TRUE(insert("orders", block));
  const char* state = "1\tnew\n3\tagain";
  EXPECT_EQ(value("SELECT id, note FROM orders FINAL ORDER BY id"), state);
  run("OPTIMIZE TABLE orders FINAL");
  EXPECT_EQ(value("SELECT id, note FROM orders FINAL ORDER BY id"), state);
}

TEST_F(Rows, OfFiftyMegabytesLandInOnePart) {
  run("CREATE TABLE big (id Int64, s String) ENGINE = MergeTree ORDER BY id");
  Block block({{"id", ColumnType::parse("Int64")}, {"s", ColumnType::parse("String")}});
  const std::string text(500, 'x');
  for (std::int64_t id = 0; id < 105'000; ++id) {
    block.column(0).append_fixed(id);
    block.column(1).append_string(text);
  }
  ASSERT_GT(block.bytes(), 50U << 20);
  const auto done = insert("big", block);
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_EQ(value("SELECT count(), sum(id), sum(length(s)) FROM big"), "105000\t5512447500\t52500000");
  EXPECT_EQ(value("SELECT count() FROM system.parts WHERE database = currentDatabase() AND table = 'big'"),
            "1");
}

TEST_F(Rows, OfARetriedInsertAreNotDoubledInAnAppendOnlyTable) {
  auto log = definition("log", {{"x", "Int32", ""}}, {});
  log.engine = Engine::MergeTree;
  ASSERT_TRUE(create_target(client_, log));
  const auto block = numbers(3);
  ASSERT_TRUE(insert("log", block, {{"insert_deduplication_token", "uid/log/1-2"}}));
  ASSERT_TRUE(insert("log", block, {{"insert_deduplication_token", "uid/log/1-2"}}));
  EXPECT_EQ(value("SELECT count() FROM log"), "3");
  ASSERT_TRUE(insert("log", block, {{"insert_deduplication_token", "uid/log/3-4"}}));
  EXPECT_EQ(value("SELECT count() FROM log"), "6");
}

TEST_F(Rows, OfALoadThatStartsAgainAreNotTakenForRetries) {
  auto log = definition("log", {{"x", "Int32", ""}}, {});
  log.engine = Engine::MergeTree;
  ASSERT_TRUE(create_target(client_, log));
  const auto block = numbers(3);
  ASSERT_TRUE(insert("log", block, {{"insert_deduplication_token", "uid/log/1-2"}}));
  ASSERT_TRUE(truncate_target(client_, database_, "log"));
  EXPECT_EQ(value("SELECT count() FROM log"), "0");
  ASSERT_TRUE(insert("log", block, {{"insert_deduplication_token", "uid/log/1-2"}}));
  EXPECT_EQ(value("SELECT count() FROM log"), "3");
}

TEST_F(Rows, MayTouchMoreThanAHundredPartitionsAtOnce) {
  auto log = definition("log", {{"x", "Int32", ""}}, {});
  log.engine = Engine::MergeTree;
  log.partition_by = "x % 150";
  ASSERT_TRUE(create_target(client_, log));
  const auto done = insert("log", numbers(300));
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_EQ(value("SELECT count(), uniqExact(_partition_id) FROM log"), "300\t150");
}

TEST_F(Rows, AreCastWhereTheWireTypeIsAnother) {
  run("CREATE TABLE t (id Int8, lc LowCardinality(Nullable(String)), ip IPv4, e Enum8('up' = 1, 'down' = 2), "
      "big Int256) ENGINE = MergeTree ORDER BY id");
  Block block({{"id", ColumnType::parse("Int8")},
               {"lc", ColumnType::parse("LowCardinality(Nullable(String))")},
               {"ip", ColumnType::parse("IPv4")},
               {"e", ColumnType::parse("Enum8('up' = 1, 'down' = 2)")},
               {"big", ColumnType::parse("Int256")}});
  block.column(0).append_fixed(std::int8_t{1});
  block.column(1).append_null();
  const char* texts[] = {"10.0.0.1", "down", "-170141183460469231731687303715884105729"};
  for (std::size_t at = 0; at < 3; ++at)
    block.column(at + 2).append_string(texts[at]);
  block.column(0).append_fixed(std::int8_t{2});
  block.column(1).append_string("x");
  for (std::size_t at = 0; at < 3; ++at)
    block.column(at + 2).append_string(texts[at]);
  const auto done = insert("t", block);
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_EQ(value("SELECT * FROM t ORDER BY id"),
            "1\t\\N\t10.0.0.1\tdown\t-170141183460469231731687303715884105729\n"
            "2\tx\t10.0.0.1\tdown\t-170141183460469231731687303715884105729");
}

TEST_F(Rows, ThatTheTargetCannotHoldAreRefusedNotChanged) {
  run("CREATE TABLE t (id Int8, e Enum8('up' = 1)) ENGINE = MergeTree ORDER BY id");
  Block block({{"id", ColumnType::parse("Int8")}, {"e", ColumnType::parse("Enum8('up' = 1)")}});
  block.column(0).append_fixed(std::int8_t{1});
  block.column(1).append_string("sideways");
  const auto done = insert("t", block);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().kind, ErrorKind::BadData) << done.error().text();
  EXPECT_EQ(value("SELECT count() FROM t"), "0");
}

TEST_F(Rows, WithNullForAColumnThatHoldsNoneAreRefusedNotZeroed) {
  run("CREATE TABLE t (id Int64, n Int64) ENGINE = MergeTree ORDER BY id");
  Block block({{"id", ColumnType::parse("Int64")}, {"n", ColumnType::parse("Nullable(Int64)")}});
  block.column(0).append_fixed(std::int64_t{1});
  block.column(1).append_null();
  const auto done = insert("t", block);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().kind, ErrorKind::BadData) << done.error().text();
  EXPECT_EQ(done.error().reason, "TargetNotNullable") << done.error().text();
  EXPECT_EQ(value("SELECT count() FROM t"), "0");
}

TEST_F(Rows, GoIntoColumnsThatHoldMoreThanIsWanted) {
  run("CREATE TABLE t (id Nullable(Int64), s LowCardinality(String)) ENGINE = MergeTree ORDER BY tuple()");
  Block block({{"id", ColumnType::parse("Int64")}, {"s", ColumnType::parse("String")}});
  block.column(0).append_fixed(std::int64_t{7});
  block.column(1).append_string("x");
  ASSERT_TRUE(insert("t", block));
  EXPECT_EQ(value("SELECT * FROM t"), "7\tx");
}

TEST_F(Rows, OfATableWhoseViewFailsAreRefusedAsBadData) {
  run("CREATE TABLE t (x Int32) ENGINE = MergeTree ORDER BY x");
  run("CREATE MATERIALIZED VIEW v ENGINE = MergeTree ORDER BY x AS SELECT throwIf(x = 1, 'not this one') AS "
      "x FROM t");
  const auto done = insert("t", numbers(2));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().reason, "TargetViewFailed");
  EXPECT_THAT(done.error().message, HasSubstr("not this one"));
}

TEST_F(Rows, OfAThousandColumnsFindTheirPlace) {
  std::vector<TargetColumn> columns;
  std::vector<Block::Field> fields;
  for (int at = 0; at < 1000; ++at) {
    columns.push_back({"a column with quite a long name, number " + std::to_string(at), "Int32", ""});
    fields.push_back({columns.back().name, ColumnType::parse("Int32")});
  }
  auto wide = definition("wide", columns, {});
  wide.engine = Engine::MergeTree;
  const auto made = create_target(client_, wide);
  ASSERT_TRUE(made) << made.error().text();
  Block block(fields);
  for (std::int32_t at = 0; at < 1000; ++at)
    block.column(static_cast<std::size_t>(at)).append_fixed(at);
  const auto done = insert("wide", block);
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_EQ(value("SELECT `a column with quite a long name, number 999` FROM wide"), "999");
}

}  // namespace
}  // namespace penstock::clickhouse
