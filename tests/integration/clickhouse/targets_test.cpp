// Target tables on a real engine: made, looked at, checked, emptied, dropped.

#include "tests/integration/clickhouse/engine_test.hpp"

namespace penstock::clickhouse {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class Targets : public EngineTest {
 protected:
  TargetTable there(const std::string& table) {
    auto found = read_target(client_, table);
    if (!found) throw std::runtime_error(found.error().text());
    if (!*found) throw std::runtime_error("no table " + table);
    return **found;
  }
  /// The reason why it was refused; "" when it was made.
  std::string refusal(const TargetDefinition& wanted) {
    const auto made = create_target(client_, wanted);
    return made ? "" : made.error().reason + ": " + made.error().text();
  }
  TargetDefinition orders() {
    return definition(
        "orders", {{"id", "Int64", ""}, {"at", "DateTime64(6, 'UTC')", ""}, {"note", "Nullable(String)", ""}},
        {"id"});
  }
};

TEST_F(Targets, AreReadBackAsTheyWereMadeAndFit) {
  auto wanted = orders();
  wanted.partition_by = "toYYYYMM(at)";
  ASSERT_EQ(refusal(wanted), "");
  const auto table = there("orders");
  EXPECT_EQ(table.engine, "ReplacingMergeTree");
  EXPECT_EQ(table.partition_key, "(toYYYYMM(at))");
  EXPECT_EQ(table.mark, (Mark{"uid-1", 2}));
  EXPECT_EQ(table.uuid.size(), 36U);
  EXPECT_NE(table.uuid, "00000000-0000-0000-0000-000000000000");
  EXPECT_EQ(table.columns.size(), 6U);
  EXPECT_EQ(table.columns[1].type, "DateTime64(6, 'UTC')");
  EXPECT_EQ(table.columns[5].default_kind, "DEFAULT");
  EXPECT_THAT(check_target(wanted, table), IsEmpty());
}

TEST_F(Targets, OfEveryEngineFitWhatWasWanted) {
  for (const auto engine : {Engine::ReplacingMergeTree, Engine::MergeTree, Engine::Null}) {
    auto wanted = orders();
    wanted.table = "t" + std::to_string(static_cast<int>(engine));
    wanted.engine = engine;
    wanted.partition_by = "toYear(at)";
    ASSERT_EQ(refusal(wanted), "");
    EXPECT_THAT(check_target(wanted, there(wanted.table)), IsEmpty());
    EXPECT_EQ(there(wanted.table).mark, wanted.mark);
  }
}

TEST_F(Targets, AreMadeOnceHoweverOftenAsked) {
  ASSERT_EQ(refusal(orders()), "");
  const auto uuid = there("orders").uuid;
  auto other = orders();
  other.columns.push_back({"more", "String", ""});
  ASSERT_EQ(refusal(other), "");
  EXPECT_EQ(there("orders").uuid, uuid);
  EXPECT_THAT(check_target(other, there("orders")).at(0).reason, "TargetColumnMissing");
}

TEST_F(Targets, AreMadeTogetherWithTheirDatabase) {
  run("DROP DATABASE " + quote(database_) + " SYNC");
  const auto before = read_destination(client_);
  ASSERT_TRUE(before) << before.error().text();
  EXPECT_FALSE(before->database_exists);
  ASSERT_EQ(refusal(orders()), "");
  const auto after = read_destination(client_);
  ASSERT_TRUE(after);
  EXPECT_TRUE(after->database_exists);
  EXPECT_EQ(after->database_engine, "Atomic");
  EXPECT_GE(after->major, 23);
  EXPECT_TRUE(after->time64);
  EXPECT_FALSE(after->timezone.empty());
  EXPECT_THAT(check_destination(*after, endpoint()), IsEmpty());
}

TEST_F(Targets, KeepHostileNames) {
  auto wanted =
      definition("a`b.c \"ü\" \\'\n", {{"x`y", "Int8", ""}, {"n.a\\", "Int8", ""}, {"'; --", "Int8", ""}},
                 {"x`y", "n.a\\", "'; --"});
  ASSERT_EQ(refusal(wanted), "");
  const auto table = there(wanted.table);
  EXPECT_THAT(check_target(wanted, table), IsEmpty()) << table.sorting_key;
  EXPECT_EQ(table.columns[1].name, "n.a\\");
  ASSERT_TRUE(truncate_target(client_, database_, wanted.table));
  ASSERT_TRUE(drop_target(client_, database_, wanted.table));
  EXPECT_FALSE(*read_target(client_, wanted.table));
}

TEST_F(Targets, TakeTypesHoweverTheyAreSpelled) {
  auto wanted = definition("t",
                           {{"id", "BIGINT", ""},
                            {"d", "decimal(10,2)", ""},
                            {"s", "TEXT", ""},
                            {"e", "Enum('a','b')", ""},
                            {"t", "Nullable(Time64( 6 ))", ""},
                            {"j", "JSON", ""},
                            {"ip", "Nullable(IPv6)", ""},
                            {"tu", "Tuple(a Int8,b  String)", ""},
                            {"z", "Array(Nullable(DateTime64(6,'UTC')))", ""}},
                           {"id"});
  ASSERT_EQ(refusal(wanted), "");
  const auto exact = with_server_types(client_, wanted);
  ASSERT_TRUE(exact) << exact.error().text();
  EXPECT_EQ(exact->columns[1].type, "Decimal(10, 2)");
  EXPECT_EQ(exact->columns[3].type, "Enum8('a' = 1, 'b' = 2)");
  EXPECT_THAT(check_target(*exact, there("t")), IsEmpty());
}

TEST_F(Targets, WithATypeThatIsNoneNameTheColumn) {
  for (const char* type : {"Strng", "String) ENGINE = Log --", "Nullable(Array(String))", "",
                           "Decimal(99, 2)", "Map(String, UInt8)"}) {
    auto wanted = orders();
    wanted.columns[2].type = type;
    const auto made = create_target(client_, wanted);
    ASSERT_FALSE(made) << type;
    EXPECT_EQ(made.error().kind, ErrorKind::NeedsUser);
    EXPECT_EQ(made.error().reason, "TargetTypeInvalid") << made.error().text();
    EXPECT_THAT(made.error().message, HasSubstr("the type of column note"));
  }
}

TEST_F(Targets, WithABadPartitionExpressionNameTheField) {
  for (const char* expression :
       {"toYYYYMM(at", "nonsense(at)", "absent", "rand()", "toYYYYMM(note)", ") SETTINGS"}) {
    auto wanted = orders();
    wanted.partition_by = expression;
    const auto made = create_target(client_, wanted);
    ASSERT_FALSE(made) << expression;
    EXPECT_EQ(made.error().kind, ErrorKind::NeedsUser);
    EXPECT_EQ(made.error().reason, "PartitionByInvalid") << made.error().text();
    EXPECT_THAT(made.error().cure, HasSubstr("partitionBy"));
  }
}

TEST_F(Targets, MayHaveNullableKeys) {
  auto wanted = orders();
  wanted.order_by = {"id", "note"};
  wanted.partition_by = "length(note)";
  EXPECT_EQ(refusal(wanted), "");
}

TEST_F(Targets, WithoutAKeyThatReplacesAreRefused) {
  auto wanted = orders();
  wanted.order_by.clear();
  EXPECT_THAT(refusal(wanted), HasSubstr("TargetSortingKey"));
  EXPECT_FALSE(*read_target(client_, "orders"));
}

TEST_F(Targets, OfTheUserAreCheckedAsTheServerShowsThem) {
  run("CREATE TABLE orders (id Int64, at DateTime64(6), note LowCardinality(Nullable(String)), mine String "
      "DEFAULT 'x', "
      "day Date MATERIALIZED toDate(at), _penstock_version UInt128, _penstock_deleted UInt8, "
      "_penstock_synced_at DateTime64(3) DEFAULT now64(3)) "
      "ENGINE = ReplacingMergeTree(_penstock_version, _penstock_deleted) ORDER BY (id) PARTITION BY "
      "toYYYYMM(at) "
      "TTL toDateTime(at) + INTERVAL 1 YEAR");
  EXPECT_THAT(check_target(orders(), there("orders")), IsEmpty());
  EXPECT_FALSE(there("orders").mark);
}

TEST_F(Targets, ThatAreViewsAreNamedSo) {
  run("CREATE VIEW orders AS SELECT 1 AS id");
  EXPECT_EQ(check_target(orders(), there("orders")).at(0).reason, "TargetIsView");
}

TEST_F(Targets, ThatAreAbsentAreNoFault) {
  EXPECT_FALSE(*read_target(client_, "orders"));
  EXPECT_TRUE(drop_target(client_, database_, "orders"));
  EXPECT_TRUE(drop_target(client_, "no such database", "orders"));
  EXPECT_TRUE(truncate_target(client_, database_, "orders"));
}

TEST_F(Targets, AreDroppedHoweverLargeAndLeaveNothing) {
  ASSERT_EQ(refusal(orders()), "");
  ASSERT_TRUE(drop_target(client_, database_, "orders"));
  EXPECT_FALSE(*read_target(client_, "orders"));
  EXPECT_EQ(value("SELECT count() FROM system.dropped_tables WHERE database = currentDatabase()"), "0");
}

TEST_F(Targets, OfEngineNullAreEmptiedWithoutComplaint) {
  auto wanted = orders();
  wanted.engine = Engine::Null;
  ASSERT_EQ(refusal(wanted), "");
  EXPECT_TRUE(truncate_target(client_, database_, "orders"));
}

TEST_F(Targets, CanBeExchanged) {
  auto wanted = orders();
  ASSERT_EQ(refusal(wanted), "");
  wanted.table = "orders_resync";
  wanted.mark.generation = 3;
  ASSERT_EQ(refusal(wanted), "");
  const auto old = there("orders").uuid;
  const auto done = client_.execute({"EXCHANGE TABLES orders AND orders_resync"});
  ASSERT_TRUE(done) << done.error().text();
  EXPECT_EQ(there("orders").mark->generation, 3);
  EXPECT_EQ(there("orders_resync").uuid, old);
}

TEST_F(Targets, TellWhatWasAddedToThem) {
  auto wanted = definition("orders", {{"id", "Int64", ""}, {"n", "Int32", ""}}, {"id"});
  wanted.engine = Engine::MergeTree;
  ASSERT_TRUE(create_target(client_, wanted));
  const auto additions = [&] {
    const auto present = read_target(client_, "orders");
    const auto found = read_additions(client_, wanted, **present);
    return found ? *found : std::vector<std::string>{found.error().text()};
  };
  EXPECT_THAT(additions(), testing::IsEmpty());
  run("ALTER TABLE orders ADD COLUMN `a note` String DEFAULT 'x', ADD INDEX by_n n TYPE minmax, "
      "ADD PROJECTION `sums of n` (SELECT sum(n)), MODIFY TTL toDateTime(_penstock_synced_at) + INTERVAL 1 "
      "YEAR");
  EXPECT_THAT(additions(),
              testing::UnorderedElementsAre("column a note", "index by_n", "projection `sums of n`", "TTL"));
}

}  // namespace
}  // namespace penstock::clickhouse
