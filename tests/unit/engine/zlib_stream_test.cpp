#include "controller/engine/zlib_stream.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace penstock::engine {
namespace {

std::string deflated(Coding coding, const std::string& text, std::size_t step) {
  Deflater deflater(coding);
  std::string out;
  for (std::size_t at = 0; at < text.size(); at += step)
    out += deflater.compress(text.substr(at, step), false);
  return out + deflater.compress({}, true);
}

// Nothing when the data is damaged or cut off.
std::optional<std::string> inflated(std::string_view data, std::size_t step) {
  Inflater inflater;
  std::string out;
  char piece[7];
  while (true) {
    std::size_t produced = 0;
    if (!inflater.inflate(piece, sizeof piece, produced)) return std::nullopt;
    out.append(piece, produced);
    if (produced > 0) continue;
    if (data.empty()) break;
    inflater.feed(data.substr(0, step));
    data.remove_prefix(std::min(step, data.size()));
  }
  return inflater.complete() ? std::optional(out) : std::nullopt;
}

const std::string kText = [] {
  std::string text;
  for (int i = 0; i < 20'000; ++i)
    text += std::to_string(i * i) + "\t";
  return text;
}();

TEST(Zlib, GivesBackWhatItWasGivenWhateverTheCuts) {
  for (const Coding coding : {Coding::Gzip, Coding::Deflate}) {
    EXPECT_EQ(inflated(deflated(coding, kText, 1000), 13), kText);
    EXPECT_EQ(inflated(deflated(coding, kText, kText.size()), 100'000), kText);
    EXPECT_EQ(inflated(deflated(coding, "", 1), 10), "");
  }
}

TEST(Zlib, ReadsGzipMembersInARow) {
  EXPECT_EQ(inflated(deflated(Coding::Gzip, "one ", 10) + deflated(Coding::Gzip, "two", 10), 5), "one two");
}

TEST(Zlib, SeesDamageAndTruncation) {
  std::string data = deflated(Coding::Gzip, kText, 1000);
  EXPECT_EQ(inflated(std::string_view(data).substr(0, data.size() - 9), 100), std::nullopt);
  data[data.size() / 2] = static_cast<char>(data[data.size() / 2] ^ 0x55);
  EXPECT_EQ(inflated(data, 100), std::nullopt);
  EXPECT_EQ(inflated("this is no gzip", 100), std::nullopt);
}

TEST(Coding, IsNegotiated) {
  EXPECT_EQ(negotiate_coding("gzip"), Coding::Gzip);
  EXPECT_EQ(negotiate_coding("br, deflate, gzip;q=0.5"), Coding::Gzip);
  EXPECT_EQ(negotiate_coding("deflate"), Coding::Deflate);
  EXPECT_EQ(negotiate_coding("gzip;q=0, deflate"), Coding::Deflate);
  EXPECT_EQ(negotiate_coding("br, zstd"), Coding::Identity);
  EXPECT_EQ(negotiate_coding(""), Coding::Identity);
}

}  // namespace
}  // namespace penstock::engine
