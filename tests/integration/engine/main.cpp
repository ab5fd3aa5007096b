// GoogleTest's main, but for one thing: `--as-parent DIR` is a process that supervises an engine until it is
// killed.

#include <gmock/gmock.h>

#include <string>

namespace penstock::test {
int run_as_parent(const std::string& directory);
}

int main(int argc, char** argv) {
  if (argc == 3 && std::string(argv[1]) == "--as-parent") return penstock::test::run_as_parent(argv[2]);
  testing::InitGoogleMock(&argc, argv);
  return RUN_ALL_TESTS();
}
