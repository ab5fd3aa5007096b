#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dataplane/clickhouse/client.hpp"
#include "dataplane/clickhouse/server_text.hpp"

namespace penstock::clickhouse {
namespace {

using testing::HasSubstr;
using testing::Not;

Error classified(int http, int code, const std::string& message = "text") {
  return classify({"http://ch:8123", "shop", "loader", Secret("pw"), ""}, http, code, message,
                  "insert into orders");
}

struct Case {
  int http;
  int code;
  ErrorKind kind;
  const char* reason;
};

class ClassifyCase : public testing::TestWithParam<Case> {};

TEST_P(ClassifyCase, HasItsKindAndReason) {
  const auto& expected = GetParam();
  const auto error = classified(expected.http, expected.code);
  EXPECT_EQ(error.kind, expected.kind);
  EXPECT_EQ(error.reason, expected.reason);
  EXPECT_FALSE(error.message.empty());
}

TEST(Classify, ATableThatAViewWritesToIsNotTheTarget) {
  const auto error = classified(
      404, 60,
      "Code: 60. DB::Exception: Target table 'shop.sums' of view 'shop.v' doesn't exists. (UNKNOWN_TABLE)");
  EXPECT_EQ(error.reason, "TargetViewFailed");
}

INSTANTIATE_TEST_SUITE_P(
    ClickHouse, ClassifyCase,
    testing::Values(Case{403, 516, ErrorKind::NeedsUser, "DestinationAuthenticationFailed"},
                    Case{500, 192, ErrorKind::NeedsUser, "DestinationAuthenticationFailed"},
                    Case{500, 193, ErrorKind::NeedsUser, "DestinationAuthenticationFailed"},
                    Case{500, 194, ErrorKind::NeedsUser, "DestinationAuthenticationFailed"},
                    Case{500, 497, ErrorKind::NeedsUser, "DestinationAccessDenied"},
                    Case{500, 164, ErrorKind::NeedsUser, "DestinationReadOnly"},
                    Case{500, 452, ErrorKind::NeedsUser, "DestinationSettingConstrained"},
                    Case{500, 472, ErrorKind::NeedsUser, "DestinationSettingConstrained"},
                    Case{404, 81, ErrorKind::NeedsUser, "DestinationDatabaseMissing"},
                    Case{404, 60, ErrorKind::BadData, "TargetMissing"},
                    Case{500, 16, ErrorKind::BadData, "TargetColumnMissing"},
                    Case{500, 47, ErrorKind::BadData, "TargetColumnMissing"},
                    Case{500, 53, ErrorKind::BadData, "TargetColumnType"},
                    Case{500, 70, ErrorKind::BadData, "TargetColumnType"},
                    Case{400, 6, ErrorKind::BadData, "TargetValueRejected"},
                    Case{400, 27, ErrorKind::BadData, "TargetValueRejected"},
                    Case{400, 38, ErrorKind::BadData, "TargetValueRejected"},
                    Case{400, 41, ErrorKind::BadData, "TargetValueRejected"},
                    Case{400, 69, ErrorKind::BadData, "TargetValueRejected"},
                    Case{400, 117, ErrorKind::BadData, "TargetValueRejected"},
                    Case{500, 407, ErrorKind::BadData, "TargetValueRejected"},
                    Case{500, 349, ErrorKind::BadData, "TargetNotNullable"},
                    Case{500, 395, ErrorKind::BadData, "TargetViewFailed"},
                    Case{500, 469, ErrorKind::BadData, "TargetViewFailed"},
                    Case{400, 62, ErrorKind::Internal, "DestinationStatementInvalid"},
                    Case{404, 115, ErrorKind::Internal, "DestinationSettingUnknown"},
                    Case{500, 57, ErrorKind::NeedsUser, "TargetExists"},
                    Case{500, 50, ErrorKind::NeedsUser, "TargetTypeInvalid"},
                    Case{500, 44, ErrorKind::NeedsUser, "TargetKeyInvalid"},
                    Case{500, 252, ErrorKind::Transient, "DestinationTooManyParts"},
                    Case{500, 202, ErrorKind::Transient, "DestinationBusy"},
                    Case{500, 241, ErrorKind::Transient, "DestinationOutOfMemory"},
                    Case{500, 159, ErrorKind::Transient, "DestinationUnavailable"},
                    Case{500, 209, ErrorKind::Transient, "TargetUnavailable"},
                    Case{500, 210, ErrorKind::Transient, "TargetUnavailable"},
                    Case{500, 242, ErrorKind::Transient, "TargetUnavailable"},
                    Case{500, 243, ErrorKind::Transient, "DestinationDiskFull"},
                    Case{500, 999, ErrorKind::Transient, "TargetUnavailable"},
                    Case{500, 319, ErrorKind::InDoubt, "DestinationAnswerLost"},
                    Case{500, 565, ErrorKind::BadData, "TargetTooManyPartitions"},
                    Case{500, 4711, ErrorKind::BadData, "DestinationRejected"},
                    Case{401, 0, ErrorKind::NeedsUser, "DestinationAuthenticationFailed"},
                    Case{404, 0, ErrorKind::NeedsUser, "DestinationNotClickHouse"},
                    Case{302, 0, ErrorKind::NeedsUser, "DestinationNotClickHouse"},
                    Case{429, 0, ErrorKind::Transient, "DestinationBusy"},
                    Case{503, 0, ErrorKind::Transient, "DestinationBusy"},
                    Case{502, 0, ErrorKind::Transient, "DestinationUnavailable"}),
    [](const auto& one) {
      return "Http" + std::to_string(one.param.http) + "Code" + std::to_string(one.param.code);
    });

TEST(Classify, SaysWhatWasDoneWhereAndWhatTheServerSaid) {
  const auto error = classified(404, 60,
                                "Code: 60. DB::Exception: Table shop.orders does not exist. (UNKNOWN_TABLE) "
                                "(version 23.3.1.1 (official build))\n");
  EXPECT_EQ(error.message,
            "cannot insert into orders at http://ch:8123 as loader: Table shop.orders does not exist "
            "(UNKNOWN_TABLE)");
  EXPECT_FALSE(error.cure.empty());
}

// One insert into too many partitions once had the code of too many parts, but waiting does not cure it.
TEST(Classify, TellsTooManyPartitionsFromTooManyParts) {
  const auto error =
      classified(500, 252, "Code: 252. DB::Exception: Too many partitions for single INSERT block");
  EXPECT_EQ(error.reason, "TargetTooManyPartitions");
}

TEST(Classify, KnowsAFullDiskByItsWordsWhateverWasDoneWithTheFile) {
  const auto error =
      classified(500, 75,
                 "Code: 75. DB::ErrnoException: Cannot write to file /data/x.bin: , errno: 28, "
                 "strerror: No space left on device. (CANNOT_WRITE_TO_FILE_DESCRIPTOR)");
  EXPECT_EQ(error.kind, ErrorKind::Transient);
  EXPECT_EQ(error.reason, "DestinationDiskFull");
  // A value may say so, too.
  EXPECT_EQ(classified(500, 6, "Cannot parse 'No space left on device'").reason, "TargetValueRejected");
}

TEST(Classify, HidesThePassword) {
  EXPECT_THAT(classified(500, 62, "near 'pw'").text(), Not(HasSubstr("pw")));
}

TEST(ExceptionText, CutsStackTracesAndNestedCodes) {
  EXPECT_EQ(exception_text("Code: 115. DB::Exception: Code: 115. DB::Exception: Unknown setting 'x'. "
                           "(UNKNOWN_SETTING) (version 26.7.2.1). (UNKNOWN_SETTING)"),
            "Unknown setting 'x' (UNKNOWN_SETTING)");
  EXPECT_EQ(exception_text("Code: 1. DB::Exception: It broke, Stack trace:\n\n0. foo\n"), "It broke");
}

TEST(ExceptionText, IsOneShortLineOfValidUtf8) {
  EXPECT_EQ(exception_text("a\n\tb \xff\xc3 \xe2\x82\xac \xed\xa0\x80"), "a b ?? \xe2\x82\xac ???");
  const auto text = exception_text(std::string(599, 'x') + "€€");
  EXPECT_EQ(text, std::string(599, 'x') + "…");
}

TEST(ExceptionCode, IsReadFromTheBodyWhenNoHeaderTellsIt) {
  EXPECT_EQ(exception_code(60, 404, "whatever"), 60);
  EXPECT_EQ(exception_code(0, 500, "Code: 241. DB::Exception: Memory"), 241);
  EXPECT_EQ(exception_code(0, 500, "Code: 241 is what I say"), 0);
  EXPECT_EQ(exception_code(0, 500, ""), 0);
}

// A row may look like an exception; only the frame, which no escaped value can imitate, counts with a status
// of 200.
TEST(ExceptionCode, IsNotReadFromARow) {
  EXPECT_EQ(exception_code(0, 200, "Code: 241. DB::Exception: Memory\n"), 0);
  EXPECT_EQ(exception_code(0, 200, "1\n\r\n__exception__\r\ntag\r\nCode: 241. DB::Exception: M"), 241);
  EXPECT_EQ(exception_code(0, 200, "1\n\r\n__exception__\r\ntag\r\n"), 1002);
}

}  // namespace
}  // namespace penstock::clickhouse
