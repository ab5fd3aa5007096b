#include "core/base64.hpp"

#include <gtest/gtest.h>

namespace penstock {
namespace {

TEST(Base64, GoesBothWays) {
  std::string text;
  for (int size = 0; size < 300; ++size) {
    EXPECT_EQ(base64_decode(base64_encode(text)), text);
    text += static_cast<char>(size * 7);  // every byte
  }
}

// RFC 4648, section 10; and the two characters that other alphabets replace.
TEST(Base64, IsTheStandardOneWithPadding) {
  const std::pair<std::string, std::string> known[] = {
      {"", ""},
      {"f", "Zg=="},
      {"fo", "Zm8="},
      {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="},
      {"fooba", "Zm9vYmE="},
      {"foobar", "Zm9vYmFy"},
      {"\xfb\xff\xbf", "+/+/"},
  };
  for (const auto& [bytes, text] : known) {
    EXPECT_EQ(base64_encode(bytes), text);
    EXPECT_EQ(base64_decode(text), bytes);
  }
}

TEST(Base64, LineBreaksAreSkippedWhereverTheyAre) {
  EXPECT_EQ(base64_decode("cGVu\nc3Rv\r\nY2s=\n"), "penstock");
  EXPECT_EQ(base64_decode("c\nG\rVuc3RvY2s\n="), "penstock");
  EXPECT_EQ(base64_decode("\n"), "");
}

TEST(Base64, WhatIsNotBase64IsNothing) {
  for (const std::string bad : {"a", "ab", "abc", "abcde", "a===", "====", "=", "ab=c", "ab==ab==", "ab c",
                                "ab\tc", "abc-", "abc_", "äbcd", "cGVuc3RvY2s", "cGVuc3RvY2s=="}) {
    EXPECT_FALSE(base64_decode(bad)) << bad;
  }
  EXPECT_FALSE(base64_decode(std::string_view("ab\0d", 4)));
}

}  // namespace
}  // namespace penstock
