#include "core/utf8.hpp"

#include <gtest/gtest.h>

namespace penstock {
namespace {

TEST(ValidUtf8, KeepsWhatIsValidAndMarksTheOtherBytes) {
  EXPECT_EQ(valid_utf8("é 日本 😀"), "é 日本 😀");
  EXPECT_EQ(valid_utf8("caf\xe9 \xff!"), "caf? ?!");
  EXPECT_EQ(valid_utf8("\xed\xa0\x80"), "???") << "a surrogate";
  EXPECT_EQ(valid_utf8("\xc0\x80"), "??") << "overlong";
  EXPECT_EQ(valid_utf8("ends in \xe6\x97"), "ends in ??");
}

}  // namespace
}  // namespace penstock
