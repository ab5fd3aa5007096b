// `penstock plan -f`: what it says is what then happens, and nothing is changed by asking.

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "tests/support/process.hpp"
#include "tests/support/scene.hpp"
#include "tests/support/temp_dir.hpp"

namespace penstock {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

class Plan : public testing::Test {
 protected:
  Plan() {
    scene.create_table("orders", 1200);
    scene.create_table("lines", 300);
    scene.declare({"public.orders"});
  }

  test::Finished plan_of(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"plan", "--kubeconfig", scene.dev.kubeconfig()});
    return test::run(test::penstock_program(), {.arguments = std::move(arguments)});
  }
  test::Finished plan(const std::string& manifest) {
    return test::run(
        test::penstock_program(),
        {.arguments = {"plan", "-f", "-", "--kubeconfig", scene.dev.kubeconfig()}, .input = manifest});
  }
  test::Finished plan() { return plan(scene.manifest.pipe()); }

  void run_the_pipe() {
    scene.apply();
    ASSERT_TRUE(scene.reaches("Running"));
    ASSERT_TRUE(scene.table_reaches("orders", "Streaming"));
  }

  test::Scene scene{test::shared_world()};
};

TEST_F(Plan, OfANewPipeSaysWhatIsLoadedAndMakesNothing) {
  scene.dev.apply(scene.manifest.secret());
  const auto done = plan();
  EXPECT_TRUE(done.ok()) << done.err;
  EXPECT_THAT(done.out, HasSubstr("would be created:"));
  EXPECT_THAT(done.out, HasSubstr("public.orders -> orders: about 1,200 rows"));
  EXPECT_THAT(done.out, HasSubstr("Provisioning -> Setup -> Snapshot -> Running"));
  EXPECT_FALSE(scene.dev.kubectl({"get", "pipe", scene.pipe}).ok());
  EXPECT_EQ(scene.target_tables(), "");
}

TEST_F(Plan, SaysWhichPartOfATableAPublicationHas) {
  scene.exec("CREATE PUBLICATION theirs FOR TABLE orders (id, n) WHERE (id > 1000)");
  scene.manifest.source_more = ", publication: theirs";
  scene.dev.apply(scene.manifest.secret());
  const auto done = plan();
  EXPECT_TRUE(done.ok()) << done.err << done.out;
  EXPECT_THAT(done.out, HasSubstr("only        public.orders: columns id, n; rows WHERE (id > 1000)\n"));
  ASSERT_NO_FATAL_FAILURE(run_the_pipe());
  EXPECT_EQ(scene.field(".status.tables[0].published"), "columns id, n; rows WHERE (id > 1000)");
  EXPECT_EQ(scene.target_count("orders"), 200);
}

TEST_F(Plan, OfAChangeIsWhatThenHappens) {
  ASSERT_NO_FATAL_FAILURE(run_the_pipe());
  scene.declare({"public.lines"});
  const auto done = plan();
  EXPECT_TRUE(done.ok()) << done.err;
  EXPECT_THAT(done.out, HasSubstr("load        public.lines -> lines: about 300 rows\n"));
  EXPECT_THAT(done.out, HasSubstr("remove      public.orders -> orders: the target stays"));
  EXPECT_THAT(done.out, HasSubstr("Running -> Modifying -> Snapshot -> Running"));
  EXPECT_EQ(scene.target_tables(), "orders");
  const auto watch = scene.dev.watch(scene.pipe);
  scene.apply();
  ASSERT_TRUE(scene.table_reaches("lines", "Streaming"));
  EXPECT_TRUE(watch.saw({"Running", "Modifying", "Snapshot", "Running"}, 20s));
}

TEST_F(Plan, OfAResyncNamesEveryExchange) {
  ASSERT_NO_FATAL_FAILURE(run_the_pipe());
  scene.manifest.spec_more += "  resyncGeneration: 3\n";
  const auto done = plan();
  EXPECT_TRUE(done.ok()) << done.err;
  EXPECT_THAT(done.out, HasSubstr("resync      to generation 3"));
  EXPECT_THAT(done.out, HasSubstr("into orders_resync, then exchanged with orders"));
  EXPECT_THAT(done.out, HasSubstr("Setup -> Snapshot -> Resync -> Running"));
  EXPECT_EQ(scene.field(".status.observedResyncGeneration"), "0");
  EXPECT_EQ(scene.target_tables(), "orders");
}

TEST_F(Plan, SaysWhatWaitsForAResync) {
  ASSERT_NO_FATAL_FAILURE(run_the_pipe());
  scene.declare({"{source: public.orders, excludedColumns: [n]}"});
  const auto done = plan();
  EXPECT_TRUE(done.ok()) << done.err;
  EXPECT_THAT(done.out, HasSubstr("public.orders: excludedColumns"));
  EXPECT_THAT(done.out, Not(HasSubstr("load anew")));
}

TEST_F(Plan, NamesTheTableThatIsRefusedAndGoesOnWithTheOthers) {
  ASSERT_NO_FATAL_FAILURE(run_the_pipe());
  scene.declare({"public.orders", "public.lines", "public.nonsense"});
  const auto done = plan();
  EXPECT_EQ(done.status.code, 1);
  EXPECT_THAT(done.out, HasSubstr("refused     public.nonsense: "));
  EXPECT_THAT(done.out, HasSubstr("TableNotFound"));
  EXPECT_THAT(done.out, HasSubstr("load        public.lines"));
}

TEST_F(Plan, OfAManifestThatIsRefusedNamesTheField) {
  scene.manifest.spec_more += "  nonsense: true\n";
  const auto done = plan();
  EXPECT_EQ(done.status.code, 1);
  EXPECT_THAT(done.err, HasSubstr("spec.nonsense"));
}

TEST_F(Plan, OfNonsenseSaysWhatIsWrong) {
  EXPECT_THAT(plan("kind: Secret\n").err, HasSubstr("-f -: the manifest's kind is not Pipe"));
  EXPECT_THAT(plan("").err, HasSubstr("-f -: it holds no manifest"));
  EXPECT_THAT(plan("a: b\nc: [1\n").err, HasSubstr("-f -: line "));
  const auto absent =
      test::run(test::penstock_program(), {.arguments = {"plan", "-f", "/nowhere/pipe.yaml"}});
  EXPECT_EQ(absent.status.code, 1);
  EXPECT_THAT(absent.err, HasSubstr("-f /nowhere/pipe.yaml: No such file or directory"));
}

TEST_F(Plan, OfADirectoryReadsItsManifestsAndNothingElse) {
  scene.dev.apply(scene.manifest.secret());
  const test::TempDir directory;
  std::filesystem::create_directory(directory / "below.yaml");
  EXPECT_THAT(plan_of({"-f", directory.path().string()}).err, HasSubstr("holds no *.yaml, *.yml or *.json"));
  std::ofstream(directory / "a.yaml") << scene.manifest.secret() << "---\n" << scene.manifest.pipe();
  std::ofstream(directory / "b.json")
      << R"({"apiVersion": "penstock.dev/v1alpha1", "kind": "Pipe", "metadata": {"name": "b"}, "spec": {"x": 1}})";
  std::ofstream(directory / "notes.txt") << "not: [a manifest";
  const auto done = plan_of({"-f", directory.path().string()});
  EXPECT_EQ(done.status.code, 1);
  EXPECT_THAT(done.out, HasSubstr("would be created:"));
  EXPECT_THAT(done.err, HasSubstr("a.yaml, document 1: passed over, its kind is Secret, not Pipe\n"));
  EXPECT_THAT(done.err, HasSubstr("b.json: "));
  EXPECT_THAT(done.err, HasSubstr("spec.x"));
}

TEST_F(Plan, OfSeveralFilesSaysWhichIsBroken) {
  scene.dev.apply(scene.manifest.secret());
  const test::TempDir directory;
  std::ofstream(directory / "good.yaml") << scene.manifest.pipe();
  std::ofstream(directory / "broken.yaml") << "kind: Pipe\n  spec: 1\n";
  EXPECT_TRUE(plan_of({"-f", directory / "good.yaml", "-f", directory / "good.yaml"}).ok());
  const auto done = plan_of({"-f", directory / "good.yaml", "-f", directory / "broken.yaml"});
  EXPECT_EQ(done.status.code, 1);
  EXPECT_THAT(done.err, HasSubstr("broken.yaml: line 2, column "));
}

}  // namespace
}  // namespace penstock
