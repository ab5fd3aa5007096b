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

TEST(Shortened, KeepsWhatFitsAndSaysHowMuchWasLeftOut) {
  EXPECT_EQ(shortened("all of it", 64), "all of it");
  EXPECT_EQ(shortened(std::string(100, 'a'), 64), std::string(24, 'a') + "… and 76 bytes more");
  const auto cut = shortened("a" + std::string(400, 'b') + "é", 64);
  EXPECT_LE(cut.size(), 64u);
  std::string umlauts;
  for (int i = 0; i < 100; ++i)
    umlauts += "ü";
  for (std::size_t limit = 64; limit < 90; ++limit) {
    EXPECT_LE(shortened(umlauts, limit).size(), limit);
    EXPECT_EQ(valid_utf8(shortened(umlauts, limit)), shortened(umlauts, limit)) << "cut within a character";
  }
}

}  // namespace
}  // namespace penstock
