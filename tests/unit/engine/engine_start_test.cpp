#include "controller/engine/engine_log.hpp"

#include <gtest/gtest.h>

#include "controller/engine/chdb_library.hpp"
#include "controller/engine/http_server.hpp"

namespace penstock::engine {
namespace {

TEST(EngineLine, CarriesItsLevel) {
  EXPECT_EQ(decode_line("I stopping"), (EngineLine{false, log::Level::Info, "stopping"}));
  EXPECT_EQ(decode_line("E no"), (EngineLine{false, log::Level::Error, "no"}));
  EXPECT_EQ(decode_line("R http://127.0.0.1:1"), (EngineLine{true, log::Level::Info, "http://127.0.0.1:1"}));
}

TEST(EngineLine, OfTheLibraryIsAWarning) {
  EXPECT_EQ(decode_line("Poco::Exception: x"), (EngineLine{false, log::Level::Warn, "Poco::Exception: x"}));
  EXPECT_EQ(decode_line("X y"), (EngineLine{false, log::Level::Warn, "X y"}));
  EXPECT_EQ(decode_line(""), (EngineLine{false, log::Level::Warn, ""}));
}

TEST(ListenAddress, IsALoopbackHostAndAPort) {
  EXPECT_EQ(ListenAddress::parse("127.0.0.1:8123"), (ListenAddress{"127.0.0.1", 8123}));
  EXPECT_EQ(ListenAddress::parse("localhost:0"), (ListenAddress{"127.0.0.1", 0}));
  EXPECT_EQ(ListenAddress::parse("[::1]:1"), (ListenAddress{"::1", 1}));
  EXPECT_EQ(ListenAddress::parse("[::1]:1")->text(), "[::1]:1");
}

TEST(ListenAddress, RefusesOtherHostsAndBrokenPorts) {
  for (const std::string text :
       {"0.0.0.0:8123", "10.0.0.1:1", "example.com:1", "[::]:1", ":1", "1280.0.0.1:1"}) {
    const auto address = ListenAddress::parse(text);
    ASSERT_FALSE(address.has_value()) << text;
    EXPECT_EQ(address.error().reason, "AddressNotLoopback") << text;
  }
  for (const std::string text :
       {"127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", "127.0.0.1:-1", ""}) {
    const auto address = ListenAddress::parse(text);
    ASSERT_FALSE(address.has_value()) << text;
    EXPECT_EQ(address.error().reason, "AddressInvalid") << text;
  }
}

TEST(Library, IsLookedForWhereItWasSaidAndNowhereElse) {
  EXPECT_EQ(library_candidates("/a", "/b", "/bin"), std::vector<std::string>{"/a"});
  EXPECT_EQ(library_candidates("", "/b", "/bin"), std::vector<std::string>{"/b"});
  EXPECT_EQ(library_candidates("", "", "/x/build/dev").front(),
            "/x/build/dev/../../.deps/libchdb/libchdb.so");
}

TEST(Library, MissingSaysWhereItWasLookedForAndWhatToDo) {
  const auto found = find_library({"/nowhere/libchdb.so", "/none/libchdb.so"});
  ASSERT_FALSE(found.has_value());
  EXPECT_EQ(found.error().text(),
            "the embedded engine's library is not at /nowhere/libchdb.so, /none/libchdb.so. Run `make deps` "
            "in a checkout "
            "of Penstock, or name the library with --lib or PENSTOCK_LIBCHDB");
}

TEST(Library, ThatIsNoneIsAnErrorNotACrash) {
  const auto loaded = load_library("/proc/self/status");
  ASSERT_FALSE(loaded.has_value());
  EXPECT_EQ(loaded.error().reason, "EngineLibraryBroken");
}

}  // namespace
}  // namespace penstock::engine
