#include "core/shown_text.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/log.hpp"
#include "core/result.hpp"

namespace penstock {
namespace {

TEST(ShownText, WritesOutWhatWouldMoveATerminal) {
  EXPECT_EQ(shown("one\ntwo\r\tthree"), "one\\ntwo\\r\\tthree");
  EXPECT_EQ(shown("\x1b[31mred\x1b]0;title\x07"), "\\x1b[31mred\\x1b]0;title\\x07");
  EXPECT_EQ(shown(std::string("a\0b\x7f", 4)), "a\\x00b\\x7f");
  EXPECT_EQ(shown("\u0085\u009b2J"), "\\u0085\\u009b2J") << "C1, as UTF-8";
  EXPECT_EQ(shown("\x9b"
                  "2J"),
            "?2J")
      << "and as bytes";
  EXPECT_EQ(shown("a\u2028b\u2029c"), "a\\u2028b\\u2029c");
  EXPECT_EQ(shown("\u202egpj.exe\u2066\u200f\u061c"), "\\u202egpj.exe\\u2066\\u200f\\u061c");
}

TEST(ShownText, LeavesEverythingElse) {
  const std::string plain = "plain, \"quoted\", C:\\new\\x1b — é 日本 😀 \u00a0\u200d";
  EXPECT_EQ(shown(plain), plain);
  EXPECT_EQ(shown(shown("a\n\x1b\u202e")), shown("a\n\x1b\u202e"));
}

TEST(Log, WritesOneLineWhateverIsInIt) {
  static std::vector<std::string> lines;
  log::set_sink([](log::Level, std::string_view component, std::string_view message) {
    lines.push_back(std::string(component) + ": " + std::string(message));
  });
  log::info("pipe\n", "table {} is there", "a\nerror: forged \x1b[2K");
  log::write(log::Level::Warn, "engine", "caf\xe9\r\n");
  log::set_sink(nullptr);
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0], "pipe\\n: table a\\nerror: forged \\x1b[2K is there");
  EXPECT_EQ(lines[1], "engine: caf?\\r\\n");
}

TEST(ErrorText, IsFitForATerminal) {
  const Error error{ErrorKind::Transient, "SourceError", "words\x1b[5m of\na server", "Look\x07"};
  EXPECT_EQ(error.text(), "words\\x1b[5m of\\na server. Look\\x07");
}

}  // namespace
}  // namespace penstock
