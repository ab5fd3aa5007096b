#include "controller/engine/response_head.hpp"

#include <gmock/gmock.h>

namespace penstock::engine {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

TEST(ResponseHead, IsAStatusLineAndFields) {
  ResponseHead head(200, false, true);
  head.add("X-A", "b c");
  EXPECT_THAT(head.text(), StartsWith("HTTP/1.1 200 OK\r\nDate: "));
  EXPECT_THAT(head.text(), HasSubstr("\r\nConnection: Keep-Alive\r\nKeep-Alive: timeout=30\r\n"));
  EXPECT_THAT(head.text(), EndsWith("\r\nX-A: b c\r\n\r\n"));
  EXPECT_THAT(ResponseHead(403, true, false).text(), StartsWith("HTTP/1.0 403 Forbidden\r\n"));
}

TEST(ResponseHead, HasNoFieldThatAnotherFieldsValueBegan) {
  for (int c = 0; c < 256; ++c) {
    if ((c >= 0x20 && c != 0x7F)) continue;
    ResponseHead head(200, false, false);
    const std::string value = std::string("x") + static_cast<char>(c) + "Access-Control-Allow-Origin: *";
    head.add("X-A", value);
    EXPECT_TRUE(has_control_character(value)) << c;
    EXPECT_THAT(head.text(), EndsWith("\r\nX-A: x?Access-Control-Allow-Origin: *\r\n\r\n")) << c;
  }
  EXPECT_FALSE(has_control_character("\xC3\xA9 x~"));
}

}  // namespace
}  // namespace penstock::engine
