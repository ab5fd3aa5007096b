// The tests' own means: a child process.

#include "tests/support/process.hpp"

#include <gtest/gtest.h>

namespace penstock::test {
namespace {

void end_a_child_that_says(const std::string& words) {
  Process child("sh", {.arguments = {"-c", "echo \"$0\" >&2; exec sleep 60", words}});
  ASSERT_TRUE(child.wait_for_output(words, std::chrono::seconds(10)));
}

class SanitizersReport : public testing::TestWithParam<const char*> {};

TEST_P(SanitizersReport, OfAChildThatIsKilledEndsTheTestProgram) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(end_a_child_that_says(GetParam()), "a child of this test program was reported");
}

INSTANTIATE_TEST_SUITE_P(Process, SanitizersReport,
                         testing::Values("==1==ERROR: AddressSanitizer: heap-use-after-free",
                                         "==1==ERROR: LeakSanitizer: detected memory leaks",
                                         "WARNING: ThreadSanitizer: data race (pid=1)",
                                         "core/lsn.cpp:1:2: runtime error: signed integer overflow"));

TEST(Process, ThatLogsAnErrorEndsNothing) {
  end_a_child_that_says("2026-01-01T00:00:00.000 error pipe: a runtime error of the server");
}

}  // namespace
}  // namespace penstock::test
