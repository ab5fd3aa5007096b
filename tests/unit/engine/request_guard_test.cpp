#include "controller/engine/request_guard.hpp"

#include <gtest/gtest.h>

namespace penstock::engine {
namespace {

int status_of(const HeaderFields& headers) {
  const auto refusal = refuse_web_page(headers, 8123);
  return refusal ? refusal->status : 200;
}

TEST(Host, MustNameTheLoopback) {
  for (const std::string_view host :
       {"", "localhost", "localhost:8123", "127.0.0.1", "127.8.9.1:1", "[::1]:8123", "[::1]"}) {
    EXPECT_TRUE(is_loopback_host(host)) << host;
  }
  for (const std::string_view host :
       {"evil.example", "127.0.0.1.evil.example:8123", "localhost.evil.example", "10.0.0.1",
        "[::1]evil.example", "[::1].evil:1", "localhost:80@evil.example", "localhost, evil.example",
        "evil.example, localhost", "[::1", "127.0.0.1:x"}) {
    EXPECT_FALSE(is_loopback_host(host)) << host;
  }
}

TEST(WebPage, OfAnotherOriginIsRefused) {
  for (const std::string origin :
       {"https://evil.example", "http://evil.example:8123", "null", "", "http://", "http://localhost",
        "http://localhost:3000", "http://127.0.0.1:81230", "https://localhost:8123",
        "http://localhost:8123.evil.example", "http://localhost:8123/", "http://evil@localhost:8123",
        "file://", "chrome-extension://x", "http://localhost:8123, http://evil.example",
        "http://evil.example, http://localhost:8123", "http://10.0.0.1:8123"}) {
    EXPECT_EQ(status_of({{"host", "localhost:8123"}, {"origin", origin}}), 403) << origin;
  }
}

TEST(WebPage, OfThisServerIsNot) {
  for (const std::string origin : {"http://localhost:8123", "http://127.0.0.1:8123", "http://[::1]:8123"})
    EXPECT_EQ(status_of({{"host", "localhost:8123"}, {"origin", origin}}), 200) << origin;
}

TEST(WebPage, IsKnownByWhatBrowsersSayOfARequestsSite) {
  for (const std::string site : {"cross-site", "same-site", "", "anything", "none, cross-site"})
    EXPECT_EQ(status_of({{"sec-fetch-site", site}}), 403) << site;
  for (const std::string site : {"none", "same-origin"})
    EXPECT_EQ(status_of({{"sec-fetch-site", site}}), 200) << site;
  EXPECT_EQ(status_of({{"sec-fetch-site", "same-origin"}, {"origin", "http://evil.example"}}), 403);
}

TEST(WebPage, ThatReboundItsNameToTheLoopbackIsMisdirected) {
  EXPECT_EQ(status_of({{"host", "evil.example:8123"}, {"sec-fetch-site", "same-origin"}}), 421);
}

TEST(WebPage, IsNotWhatAProgramsRequestLooksLike) {
  EXPECT_EQ(status_of({}), 200);
  EXPECT_EQ(status_of({{"host", "127.0.0.1:8123"}}), 200);
}

}  // namespace
}  // namespace penstock::engine
