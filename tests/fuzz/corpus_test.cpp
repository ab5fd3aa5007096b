// Every input below tests/fuzz/corpus, through the target that it is for: what was found once stays mended,
// whatever the compiler.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "tests/fuzz/fuzz.hpp"

namespace penstock::fuzz {
namespace {

const std::filesystem::path kCorpus = std::filesystem::path(PENSTOCK_SOURCE_DIR) / "tests/fuzz/corpus";

// Of its exact size on the heap, so that a sanitizer sees a read beyond the end.
std::vector<char> bytes_of(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::vector<char> bytes(std::istreambuf_iterator<char>(in), {});
  bytes.shrink_to_fit();
  return bytes;
}

TEST(FuzzCorpus, EveryTargetHoldsForItsInputs) {
  for (const auto& [name, target] : targets()) {
    int inputs = 0;
    for (const auto& file : std::filesystem::directory_iterator(kCorpus / name)) {
      const auto bytes = bytes_of(file.path());
      std::fprintf(stderr, "%s\n", file.path().c_str());  // the last one named is the one that ended it
      target(std::string_view(bytes.data(), bytes.size()));
      ++inputs;
    }
    EXPECT_GT(inputs, 0) << name;
  }
}

TEST(FuzzCorpus, EveryFolderHasATarget) {
  for (const auto& folder : std::filesystem::directory_iterator(kCorpus))
    EXPECT_TRUE(targets().contains(folder.path().filename().string())) << folder.path();
}

}  // namespace
}  // namespace penstock::fuzz
