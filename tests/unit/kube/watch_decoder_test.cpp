#include "controller/kube/watch_decoder.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

namespace penstock::kube {
namespace {

using runtime::WatchEvent;

std::string line(const std::string& type, const std::string& name, const std::string& version) {
  return R"({"type":")" + type + R"(","object":{"metadata":{"name":")" + name + R"(","namespace":"data",)" +
         R"("resourceVersion":")" + version + "\"}}}\n";
}

/// Every event of the bytes, or the error that ended them.
Result<std::vector<std::string>> decode(WatchDecoder& decoder) {
  std::vector<std::string> events;
  for (;;) {
    PENSTOCK_ASSIGN(const auto event, decoder.next());
    if (!event) return events;
    static constexpr const char* kTypes[] = {"ADDED", "MODIFIED", "DELETED", "BOOKMARK"};
    events.push_back(std::string(kTypes[static_cast<int>(event->type)]) + " " +
                     runtime::key_of(*event->object).name + " " +
                     runtime::resource_version_of(*event->object));
  }
}

Result<std::vector<std::string>> decode_all(const std::string& bytes) {
  WatchDecoder decoder("watch pipes");
  decoder.feed(bytes);
  return decode(decoder);
}

const std::vector<std::string> kThree{"ADDED shop 5", "MODIFIED shop 6", "DELETED shop 7"};
const std::string kThreeLines =
    line("ADDED", "shop", "5") + line("MODIFIED", "shop", "6") + line("DELETED", "shop", "7");

TEST(WatchDecoderTest, ReadsOneEventALine) {
  EXPECT_EQ(decode_all(kThreeLines).value(), kThree);
}

TEST(WatchDecoderTest, ReadsThemFromPiecesOfAnySize) {
  for (std::size_t size = 1; size < 60; ++size) {
    WatchDecoder decoder("watch pipes");
    std::vector<std::string> all;
    for (std::size_t at = 0; at < kThreeLines.size(); at += size) {
      decoder.feed(std::string_view(kThreeLines).substr(at, size));
      const auto events = decode(decoder).value();
      all.insert(all.end(), events.begin(), events.end());
    }
    EXPECT_EQ(all, kThree) << size;
    EXPECT_FALSE(decoder.has_rest());
  }
}

TEST(WatchDecoderTest, PassesOverBlankLinesAndUnknownTypes) {
  EXPECT_EQ(decode_all("\n\r\n  \n" + line("SOMETHING", "x", "1") + line("ADDED", "shop", "5")).value(),
            std::vector<std::string>{"ADDED shop 5"});
}

TEST(WatchDecoderTest, TakesABookmarkForItsVersionAlone) {
  EXPECT_EQ(
      decode_all("{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"99\"}}}\n").value(),
      std::vector<std::string>{"BOOKMARK  99"});
}

TEST(WatchDecoderTest, KnowsAStreamThatBreaksInMidLine) {
  WatchDecoder decoder("watch pipes");
  decoder.feed(line("ADDED", "shop", "5") + "{\"type\":\"ADD");
  EXPECT_EQ(decode(decoder).value().size(), 1U);
  EXPECT_TRUE(decoder.has_rest());
}

TEST(WatchDecoderTest, EndsWithWhatAnErrorEventSays) {
  const auto expired = decode_all(
      R"({"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old"}})"
      "\n");
  ASSERT_FALSE(expired);
  EXPECT_EQ(expired.error().reason, runtime::kExpired);
  EXPECT_EQ(expired.error().kind, ErrorKind::Transient);
  EXPECT_EQ(expired.error().message, "watch pipes: too old");
}

TEST(WatchDecoderTest, RefusesWhatIsNoEvent) {
  for (const std::string bytes :
       {"not json\n", "{\"type\":\"ADDED\"\n", "[]\n", "null\n", "{}\n", "{\"type\":1,\"object\":{}}\n",
        "{\"type\":\"ADDED\"}\n", "{\"type\":\"ADDED\",\"object\":null}\n",
        "{\"type\":\"ADDED\",\"object\":[]}\n",
        "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"x\"}}}\n",
        "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"resourceVersion\":\"1\"}}}\n",
        "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":5,\"resourceVersion\":\"1\"}}}\n",
        "{\"type\":\"ADDED\",\"object\":{\"metadata\":7}}\n", "{\"type\":\"BOOKMARK\",\"object\":{}}\n",
        "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"\xff\",\"resourceVersion\":\"1\"}}}\n"}) {
    const auto events = decode_all(bytes);
    ASSERT_FALSE(events) << bytes;
    EXPECT_EQ(events.error().reason, "WatchCorrupt") << bytes;
    EXPECT_EQ(events.error().kind, ErrorKind::BadData) << bytes;
  }
}

TEST(WatchDecoderTest, RefusesNestingThatWouldExhaustTheStack) {
  const std::string deep(1'000'000, '[');
  EXPECT_FALSE(
      decode_all("{\"type\":\"ADDED\",\"object\":{\"a\":" + deep + std::string(1'000'000, ']') + "}}\n"));
}

TEST(WatchDecoderTest, RefusesALineWithoutEnd) {
  WatchDecoder decoder("watch pipes");
  const std::string piece(std::size_t{1} << 20, 'x');
  for (int i = 0; i < 16; ++i) {
    decoder.feed(piece);
    ASSERT_TRUE(decoder.next()) << i;
  }
  decoder.feed(piece);
  EXPECT_EQ(decoder.next().error().reason, "WatchCorrupt");
}

TEST(WatchDecoderTest, TakesAnyBytesWithoutHarm) {
  std::mt19937 random(20240917);
  for (int round = 0; round < 3000; ++round) {
    std::string bytes = kThreeLines;
    for (int i = 0; i < 4; ++i)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    WatchDecoder decoder("watch pipes");
    decoder.feed(bytes);
    while (true) {
      const auto event = decoder.next();
      if (!event || !*event) break;
      EXPECT_FALSE(runtime::resource_version_of(*(*event)->object).empty());
    }
  }
}

}  // namespace
}  // namespace penstock::kube
