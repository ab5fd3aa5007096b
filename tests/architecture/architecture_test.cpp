// Holds the sources to docs/architecture.md, and the rules themselves to invented sources that break them.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/architecture/layers.hpp"

namespace penstock::architecture {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<SourceFile> layer_sources() {
  return sources_in({"core", "crds", "dataplane", "reconcilers", "controller"});
}

TEST(Architecture, EveryLayerHasSourcesToRead) {
  const auto files = layer_sources();
  for (const auto& folder : layer_folders())
    EXPECT_TRUE(std::ranges::any_of(files, [&](const auto& file) {
      return file.path.starts_with(folder + "/");
    })) << folder;
}

TEST(Architecture, LayersIncludeOnlyWhatIsBelowThem) {
  EXPECT_THAT(upward_includes(layer_sources()), IsEmpty());
}

TEST(Architecture, LibrariesAreUsedOnlyAtHome) {
  EXPECT_THAT(strayed_libraries(layer_sources()), IsEmpty());
}

TEST(Architecture, HeavyLibrariesStayOutOfHeadersThatOtherLayersInclude) {
  EXPECT_THAT(leaked_libraries(layer_sources()), IsEmpty());
}

TEST(Architecture, NoSourceFileIsTooLong) {
  EXPECT_THAT(long_files(sources_in({"core", "crds", "dataplane", "reconcilers", "controller", "tests"})),
              IsEmpty());
}

TEST(ArchitectureRules, AnUpwardIncludeIsFound) {
  EXPECT_THAT(upward_includes({{"core/lsn.cpp", "#include \"crds/pipe.hpp\"\n"}}),
              ElementsAre(HasSubstr("core may include nothing")));
  EXPECT_THAT(
      upward_includes({{"reconcilers/pipe/plan.cpp", "#  include \"dataplane/clickhouse/client.hpp\"\n"}}),
      ElementsAre(HasSubstr("may include core, crds")));
}

TEST(ArchitectureRules, ALayersOwnFilesAndThoseBelowAreAllowed) {
  EXPECT_THAT(upward_includes({{"dataplane/pipeline/load.cpp",
                                "#include \"core/lsn.hpp\"\n"
                                "#include \"dataplane/pipeline/load.hpp\"\n"
                                "#include \"dataplane/postgres/slot.hpp\"\n"},
                               {"controller/main.cpp", "#include \"controller/apiserver/server.hpp\"\n"},
                               {"crds/crd.cpp", "#include \"crd_yaml.inc\"\n"}}),
              IsEmpty());
}

TEST(ArchitectureRules, NeighboursDoNotIncludeEachOther) {
  EXPECT_EQ(
      upward_includes({{"dataplane/postgres/slot.cpp", "#include \"dataplane/clickhouse/client.hpp\"\n"},
                       {"controller/engine/server.cpp", "#include \"controller/apiserver/server.hpp\"\n"}})
          .size(),
      2U);
}

TEST(ArchitectureRules, APathThatIsNotFromTheRootIsFound) {
  EXPECT_THAT(upward_includes({{"core/lsn.cpp", "#include \"lsn.hpp\"\n"}}),
              ElementsAre(HasSubstr("from the root")));
}

TEST(ArchitectureRules, AFileOutsideOfTheLayersIsFound) {
  EXPECT_THAT(upward_includes({{"utils/text.cpp", ""}, {"dataplane/text.cpp", ""}}),
              ElementsAre(HasSubstr("utils/text.cpp is in no layer"),
                          HasSubstr("dataplane/text.cpp is in no layer")));
}

TEST(ArchitectureRules, ALibraryAwayFromHomeIsFound) {
  EXPECT_THAT(strayed_libraries({{"dataplane/pipeline/load.cpp", "#include <libpq-fe.h>\n"}}),
              ElementsAre(HasSubstr("at home in dataplane/postgres")));
  EXPECT_THAT(strayed_libraries({{"core/log.cpp", "#include <boost/algorithm/string.hpp>\n"}}),
              ElementsAre(HasSubstr("without a home")));
}

TEST(ArchitectureRules, StandardAndSystemHeadersAreNoLibraries) {
  EXPECT_THAT(strayed_libraries(
                  {{"core/log.cpp", "#include <vector>\n#include <unistd.h>\n#include <sys/wait.h>\n"}}),
              IsEmpty());
}

TEST(ArchitectureRules, AHeavyHeaderIsFoundThroughAnotherHeader) {
  const SourceFile heavy{"controller/kube/http.hpp", "#include <cpprest/http_client.h>\n"};
  const SourceFile through{"controller/kube/client.hpp", "#include \"controller/kube/http.hpp\"\n"};
  const SourceFile own{"controller/kube/client.cpp", "#include \"controller/kube/client.hpp\"\n"};
  const SourceFile other{"controller/adapters/status.cpp", "#include \"controller/kube/client.hpp\"\n"};
  EXPECT_THAT(leaked_libraries({heavy, through, own}), IsEmpty());
  EXPECT_THAT(leaked_libraries({heavy, through, own, other}),
              ElementsAre(HasSubstr("<cpprest/http_client.h>")));
}

TEST(ArchitectureRules, ALightHeaderMayTravel) {
  const SourceFile header{"crds/crd.hpp", "#include <nlohmann/json_fwd.hpp>\n#include <tl/expected.hpp>\n"};
  EXPECT_THAT(leaked_libraries({header, {"controller/kube/client.cpp", "#include \"crds/crd.hpp\"\n"}}),
              IsEmpty());
}

TEST(ArchitectureRules, AFileOfFourHundredAndOneLinesIsTooLong) {
  EXPECT_THAT(long_files({{"core/a.cpp", std::string(400, '\n')}}), IsEmpty());
  EXPECT_THAT(long_files({{"core/a.cpp", std::string(401, '\n')}}), ElementsAre(HasSubstr("401 lines")));
}

}  // namespace
}  // namespace penstock::architecture
