// Tables whose definition changed between Setup and their load.

#include <gmock/gmock.h>

#include <thread>

#include "dataplane/pipeline/fit_target.hpp"
#include "tests/integration/pipeline/loading.hpp"
#include "tests/support/process.hpp"

namespace penstock::pipeline {
namespace {

using testing::HasSubstr;

class LoadFits : public Loading {
 protected:
  void expect_loaded(const std::string& table = "t") {
    const auto facts = end();
    EXPECT_FALSE(facts.run.error) << facts.run.error->text();
    const auto its = facts_of(facts, table);
    EXPECT_FALSE(its.error) << its.error->text();
    EXPECT_TRUE(its.finished);
    EXPECT_EQ(differences(table), "");
  }
  /// The load of t ends with an error of its own that says this, and that of nb does not.
  void expect_named(const std::string& reason, const std::string& what) {
    const auto facts = end();
    EXPECT_FALSE(facts.run.error) << facts.run.error->text();
    const auto error = facts_of(facts, "t").error;
    ASSERT_TRUE(error);
    EXPECT_EQ(error->reason, reason);
    EXPECT_THAT(error->message, HasSubstr(what));
    EXPECT_TRUE(facts_of(facts, "nb").finished);
    EXPECT_EQ(differences("nb"), "");
  }
};

TEST_F(LoadFits, AColumnAddedSinceSetupArrivesAndADroppedOneIsLeftOut) {
  exec("CREATE TABLE t (id int PRIMARY KEY, v int, gone int); INSERT INTO t VALUES (1, 1, 1)");
  ASSERT_NO_FATAL_FAILURE(prepare({"t"}, [&] {
    exec("ALTER TABLE t ADD late text, ADD late_default int NOT NULL DEFAULT 7, DROP gone");
    exec("INSERT INTO t VALUES (2, NULL, 'x', 8); UPDATE t SET late = 'y' WHERE id = 1");
  }));
  begin();
  expect_loaded();
  EXPECT_EQ(target("arraySort(groupArray((id, v, late, late_default)))"), "[(1,1,'y',7),(2,NULL,'x',8)]");
}

// A look at the catalog brings targets after their sources, too.
TEST_F(LoadFits, AColumnThatAnotherAddsToTheTargetMeanwhileIsNotLeftOut) {
  exec("CREATE TABLE t (id int PRIMARY KEY, v int)");
  ASSERT_NO_FATAL_FAILURE(prepare({"t"}));
  clickhouse::Client client(job_.destination);
  for (int at = 0; at < 40; ++at) {
    exec("ALTER TABLE t ADD c" + std::to_string(at) + " int");
    const std::jthread other([&, at] {
      std::this_thread::sleep_for(std::chrono::microseconds(700) * at);
      test::shared_engine().query("ALTER TABLE `" + database_ + "`.t ADD COLUMN IF NOT EXISTS c" +
                                  std::to_string(at) + " Nullable(Int32)");
    });
    const auto bound = bind_fitting(job_, client);
    ASSERT_TRUE(bound) << bound.error().text();
    ASSERT_EQ(bound->tables.size(), 1U);
    ASSERT_EQ(bound->tables[0].binding.columns.size(), static_cast<std::size_t>(3 + at)) << "of t";
  }
}

TEST_F(LoadFits, AColumnAddedSinceTheSlotReadsItsDefault) {
  exec("CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t VALUES (1, 1)");
  ASSERT_NO_FATAL_FAILURE(prepare({"t"}));
  exec("ALTER TABLE t ADD late int DEFAULT 7");
  begin();
  expect_loaded();
  EXPECT_EQ(target("groupArray((id, v, late))"), "[(1,1,7)]");
}

TEST_F(LoadFits, ANotNullDroppedSinceSetupMakesNoValueOfNull) {
  exec(
      "CREATE TYPE mood AS ENUM ('sad', 'ok');"
      "CREATE TABLE t (id int PRIMARY KEY, v int NOT NULL, s text NOT NULL, at timestamptz NOT NULL,"
      " m mood NOT NULL, n numeric(10,2) NOT NULL, a int[] NOT NULL);"
      "INSERT INTO t VALUES (1, 1, 's', '2026-01-01', 'sad', 1.5, '{1}')");
  ASSERT_NO_FATAL_FAILURE(prepare({"t"}, [&] {
    exec(
        "ALTER TABLE t ALTER v DROP NOT NULL, ALTER s DROP NOT NULL, ALTER at DROP NOT NULL, ALTER m DROP "
        "NOT "
        "NULL, ALTER n DROP NOT NULL, ALTER a DROP NOT NULL; INSERT INTO t VALUES (2)");
  }));
  begin();
  const auto facts = end();
  ASSERT_FALSE(facts.run.error) << facts.run.error->text();
  ASSERT_TRUE(facts_of(facts, "t").finished);
  EXPECT_EQ(target("arraySort(groupArray((id, v, s, toDate(at), m, n, a)))"),
            "[(1,1,'s','2026-01-01','sad',1.5,[1]),(2,NULL,NULL,NULL,NULL,NULL,[])]");
}

TEST_F(LoadFits, ANullForAColumnWhoseTypeTheManifestSaysFailsItsTable) {
  create_table("nb");
  exec("CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t VALUES (1, 1), (2, NULL)");
  override_ = {"v", "Int32", false};
  ASSERT_NO_FATAL_FAILURE(prepare({"t", "nb"}));
  begin();
  expect_named("NullNotAllowed", "table public.t, column v, key (id)=(2): NULL does not fit");
  EXPECT_EQ(target("countIf(id = 2)"), "0");
}

TEST_F(LoadFits, ANullInTheSortingKeyFailsItsTable) {
  create_table("nb");
  exec(
      "CREATE TABLE t (id int PRIMARY KEY, v int NOT NULL); ALTER TABLE t REPLICA IDENTITY FULL;"
      "INSERT INTO t VALUES (1, 1)");
  order_by_ = {"id", "v"};
  ASSERT_NO_FATAL_FAILURE(prepare(
      {"t", "nb"}, [&] { exec("ALTER TABLE t ALTER v DROP NOT NULL; INSERT INTO t VALUES (2, NULL)"); }));
  begin();
  expect_named("NullNotAllowed", "table public.t, column v, key (id, v)=(2, NULL): NULL does not fit");
}

TEST_F(LoadFits, ATypeAlteredSinceSetupWantsANewTarget) {
  create_table("nb");
  exec("CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t VALUES (1, 1)");
  ASSERT_NO_FATAL_FAILURE(prepare({"t", "nb"}, [&] { exec("ALTER TABLE t ALTER v TYPE text"); }));
  begin();
  expect_named("TableChanged", "has the column v as Nullable(Int32); Nullable(String) is wanted");
}

TEST_F(LoadFits, AKeyAlteredSinceSetupWantsANewTarget) {
  create_table("nb");
  exec("CREATE TABLE t (id int PRIMARY KEY, v int NOT NULL); INSERT INTO t VALUES (1, 1)");
  ASSERT_NO_FATAL_FAILURE(
      prepare({"t", "nb"}, [&] { exec("ALTER TABLE t DROP CONSTRAINT t_pkey, ADD PRIMARY KEY (id, v)"); }));
  begin();
  expect_named("KeyNotUnique", "no unique, not deferrable key within (id)");
}

}  // namespace
}  // namespace penstock::pipeline
