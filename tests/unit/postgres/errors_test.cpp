#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dataplane/postgres/connection.hpp"

namespace penstock::postgres {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

Endpoint endpoint() {
  Endpoint out;
  out.host = "db.internal";
  out.database = "shop";
  out.user = "penstock";
  out.password = Secret("hunter2");
  return out;
}

struct Case {
  const char* state;
  const char* message;
  ErrorKind kind;
  const char* reason;
};

class ErrorOf : public testing::TestWithParam<Case> {};

TEST_P(ErrorOf, KnowsWhatCanBeDone) {
  const auto error = error_of(endpoint(), GetParam().state, GetParam().message, "testing");
  EXPECT_EQ(error.kind, GetParam().kind);
  EXPECT_EQ(error.reason, GetParam().reason);
  EXPECT_THAT(error.message, StartsWith("testing at PostgreSQL db.internal:5432/shop as penstock: "));
}

INSTANTIATE_TEST_SUITE_P(
    BySqlstate, ErrorOf,
    testing::Values(
        Case{"28P01", "password authentication failed", ErrorKind::NeedsUser, "AuthenticationFailed"},
        Case{"28000", "no pg_hba.conf entry", ErrorKind::NeedsUser, "ConnectionNotPermitted"},
        Case{"3D000", "database does not exist", ErrorKind::NeedsUser, "DatabaseNotFound"},
        Case{"53300", "too many clients", ErrorKind::Transient, "TooManyConnections"},
        Case{"53400", "all slots in use", ErrorKind::NeedsUser, "NoFreeSlot"},
        Case{"53100", "disk full", ErrorKind::Transient, "SourceOverloaded"},
        Case{"57P03", "starting up", ErrorKind::Transient, "SourceStarting"},
        Case{"57P01", "terminated by an administrator", ErrorKind::Transient, "SourceUnreachable"},
        Case{"57014", "canceling statement", ErrorKind::Transient, "StatementCancelled"},
        Case{"42501", "permission denied", ErrorKind::NeedsUser, "PermissionDenied"},
        Case{"42P01", "relation does not exist", ErrorKind::NeedsUser, "TableNotFound"},
        Case{"42703", "column does not exist", ErrorKind::NeedsUser, "ColumnNotFound"},
        Case{"42710", "exists already", ErrorKind::InDoubt, "AlreadyExists"},
        Case{"55P03", "lock timeout", ErrorKind::Transient, "LockTimeout"},
        Case{"55006", "slot is active", ErrorKind::Transient, "ObjectInUse"},
        Case{"25006", "read-only transaction", ErrorKind::NeedsUser, "SourceReadOnly"},
        Case{"40001", "could not serialize", ErrorKind::Transient, "TransactionConflict"},
        Case{"22021", "invalid byte sequence", ErrorKind::BadData, "SourceValueError"},
        Case{"XX001", "invalid page", ErrorKind::NeedsUser, "SourceCorrupted"},
        Case{"ZZ999", "from an extension", ErrorKind::Transient, "SourceError"}));

INSTANTIATE_TEST_SUITE_P(
    ByLibpqsWords, ErrorOf,
    testing::Values(
        Case{"", "server closed the connection unexpectedly", ErrorKind::Transient, "SourceUnreachable"},
        Case{"", "SSL SYSCALL error: EOF detected", ErrorKind::Transient, "SourceUnreachable"},
        Case{"", "could not connect: Connection refused", ErrorKind::Transient, "SourceUnreachable"},
        Case{"", "", ErrorKind::Transient, "SourceUnreachable"},
        Case{"", "fe_sendauth: no password supplied", ErrorKind::NeedsUser, "AuthenticationFailed"},
        Case{"", "SSL error: certificate verify failed", ErrorKind::NeedsUser, "TlsFailed"},
        Case{"", "server does not support SSL, but SSL was required", ErrorKind::NeedsUser, "TlsFailed"},
        Case{"", "server certificate for \"a\" does not match host name \"b\"", ErrorKind::NeedsUser,
             "TlsFailed"},
        Case{"", "expected authentication request from server, but received H", ErrorKind::NeedsUser,
             "NotPostgres"}));

TEST(ErrorOf, LeavesOutWhatLibpqAsksBack) {
  const auto error = error_of(endpoint(), "",
                              "Connection refused\n\tIs the server running on that host and accepting TCP/IP "
                              "connections?\n",
                              "connecting");
  EXPECT_EQ(error.text(),
            "connecting to PostgreSQL db.internal:5432/shop as penstock: Connection refused. "
            "Check that PostgreSQL runs and that its port can be reached from here");
}

TEST(ErrorOf, NeverSaysThePassword) {
  const auto error = error_of(endpoint(), "", "the password is hunter2,\nreally: hunter2\n", "testing");
  EXPECT_THAT(error.text(), Not(HasSubstr("hunter2")));
  EXPECT_THAT(error.message, HasSubstr("the password is ***, really: ***"));
}

}  // namespace
}  // namespace penstock::postgres
