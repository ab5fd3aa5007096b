#include "core/browser_guard.hpp"

#include <gtest/gtest.h>

namespace penstock {
namespace {

bool passes(const RequestOrigin& request, bool loopback = true) {
  return foreign_page_fault(request, loopback).empty();
}

TEST(BrowserGuard, LetsClientsPassThatAreNoBrowsers) {
  for (const char* host :
       {"localhost", "LOCALHOST:6443", "127.0.0.1:6443", "127.8.8.8", "[::1]:6443", "[::1]", ""})
    EXPECT_TRUE(passes({.host = host})) << host;
}

TEST(BrowserGuard, LetsWhatIsTypedIntoABrowserPass) {
  EXPECT_TRUE(passes({.host = "localhost:9464", .fetch_site = "none"}));
  EXPECT_TRUE(
      passes({.host = "localhost:9464", .origin = "http://localhost:9464", .fetch_site = "same-origin"}));
}

TEST(BrowserGuard, RefusesPagesOfOtherOrigins) {
  for (const char* origin :
       {"http://evil.example", "null", "http://localhost", "http://localhost:9464.evil.example",
        "http://evil.example/localhost:9464", "localhost:9464"})
    EXPECT_FALSE(passes({.host = "localhost:9464", .origin = origin})) << origin;
  for (const char* site : {"cross-site", "same-site", "x"})
    EXPECT_FALSE(passes({.host = "localhost:9464", .fetch_site = site})) << site;
}

TEST(BrowserGuard, RefusesNamesThatAPageHadResolvedToThisMachine) {
  for (const char* host : {"evil.example", "127.0.0.1.evil.example", "localhost.evil.example",
                           "evil.example:9464", "10.0.0.1", "[::2]", "localhost@evil.example"})
    EXPECT_FALSE(passes({.host = host, .origin = "", .fetch_site = "same-origin"})) << host;
}

TEST(BrowserGuard, LetsScrapersUseAnyNameOfAServerThatIsOnTheNetwork) {
  EXPECT_TRUE(passes({.host = "penstock.monitoring.svc:9464"}, false));
  EXPECT_FALSE(passes({.host = "penstock.monitoring.svc:9464", .origin = "http://evil.example"}, false));
}

TEST(BrowserGuard, KnowsTheNameThatTheServerWasGiven) {
  EXPECT_EQ(foreign_page_fault({.host = "my-laptop:9464"}, true, "my-laptop"), "");
  EXPECT_NE(foreign_page_fault({.host = "my-laptop:9464"}, true, "other"), "");
}

}  // namespace
}  // namespace penstock
