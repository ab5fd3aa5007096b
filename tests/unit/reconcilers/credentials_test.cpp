#include "reconcilers/pipe/credentials.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock::reconcile {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

/// A Pipe that refers to a Secret for everything that it can.
Pipe pipe() {
  Pipe out;
  out.ns = "shop";
  out.spec.source.password = {"pg", "password"};
  out.spec.source.tls.ca = {"pg", "ca"};
  out.spec.source.tls.client_certificate = {"pg", "cert"};
  out.spec.source.tls.client_key = {"pg", "key"};
  out.spec.destination.password = {"ch", "password"};
  out.spec.destination.ca = {"ch", "ca"};
  return out;
}

/// What comes of it when the key of this Secret holds `value`, and all others hold "fine\n" or "fine".
Result<Credentials> read_with(const std::string& secret, const std::string& value) {
  return read_credentials(pipe(), [&](const std::string&, const SecretKeyRef& ref) -> Result<Secret> {
    if (ref.name + "/" + ref.key == secret) return Secret(value);
    return Secret(ref.name == "ch" && ref.key == "password" ? "fine" : "fine\n");
  });
}

TEST(Credentials, WithANulByteAreRefusedByTheirName) {
  for (const char* secret : {"pg/password", "pg/ca", "pg/cert", "pg/key", "ch/password", "ch/ca"}) {
    const std::string name = secret;
    const auto read = read_with(name, std::string("hush\0hush", 9));
    ASSERT_FALSE(read) << secret;
    EXPECT_EQ(read.error().kind, ErrorKind::NeedsUser);
    EXPECT_EQ(read.error().reason, "SecretValueInvalid");
    EXPECT_THAT(read.error().message,
                HasSubstr("key \"" + name.substr(3) + "\" of Secret shop/" + name.substr(0, 2)));
    EXPECT_THAT(read.error().text(), Not(HasSubstr("hush")));
  }
}

TEST(Credentials, ThatAHeaderCannotCarryAreRefusedByTheirName) {
  for (const char* value : {"hush\n", "hush\r\nX-Other: 1", " hush", "hush\t", "hu\x1bsh", "hu\x7fsh"}) {
    const auto read = read_with("ch/password", value);
    ASSERT_FALSE(read) << value;
    EXPECT_EQ(read.error().reason, "DestinationCredentialsInvalid");
    EXPECT_THAT(read.error().message,
                AllOf(HasSubstr("line break"), HasSubstr("key \"password\" of Secret shop/ch")));
    EXPECT_THAT(read.error().text(), Not(HasSubstr("hu")));
  }
  for (const char* value : {"", "hush", "hush hush", "h\xc3\xbcsh"})
    EXPECT_TRUE(read_with("ch/password", value)) << value;
}

TEST(Credentials, OfPostgresMayHoldWhatPostgresTakes) {
  const auto read = read_with("pg/password", " two\nlines ");
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(read->at("pg/password").reveal(), " two\nlines ");
}

}  // namespace
}  // namespace penstock::reconcile
