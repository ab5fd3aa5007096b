#include "controller/kube/api_error.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

namespace penstock::kube {
namespace {

using nlohmann::json;

std::string status(const std::string& reason, const std::string& message = "m") {
  return json{{"kind", "Status"},
              {"apiVersion", "v1"},
              {"status", "Failure"},
              {"reason", reason},
              {"message", message}}
      .dump();
}

TEST(ApiErrorTest, GivesEachAnswerItsKindAndReason) {
  using enum ErrorKind;
  const struct {
    int code;
    std::string body;
    ErrorKind read;
    ErrorKind write;
    std::string reason;
  } cases[] = {
      {400, status("BadRequest"), Internal, Internal, "BadRequest"},
      {401, status("Unauthorized"), NeedsUser, NeedsUser, "Unauthorized"},
      {403, status("Forbidden"), NeedsUser, NeedsUser, "Forbidden"},
      {404, status("NotFound"), NeedsUser, NeedsUser, "NotFound"},
      {404, "404 page not found\n", NeedsUser, NeedsUser, "NotFound"},
      {409, status("Conflict"), Transient, Transient, "Conflict"},
      {409, status("AlreadyExists"), Transient, Transient, "AlreadyExists"},
      {409, "", Transient, Transient, "Conflict"},
      {410, status("Expired"), Transient, Transient, "Expired"},
      {410, status("Gone"), Transient, Transient, "Expired"},
      {415, status("UnsupportedMediaType"), Internal, Internal, "UnsupportedMediaType"},
      {422, status("Invalid"), Internal, Internal, "Invalid"},
      {429, status("TooManyRequests"), Transient, Transient, "TooManyRequests"},
      {500, status("InternalError"), Transient, InDoubt, "InternalError"},
      {502, "<html>", Transient, InDoubt, "InternalError"},
      {503, status("ServiceUnavailable"), Transient, Transient, "ServiceUnavailable"},
      {504, status("Timeout"), Transient, InDoubt, "Timeout"},
      {302, "", NeedsUser, NeedsUser, "UnexpectedRedirect"},
      {418, "", Internal, Internal, "UnexpectedAnswer"},
  };
  for (const auto& c : cases) {
    const auto read = error_of_answer(c.code, c.body, Effect::Read, "get x");
    EXPECT_EQ(read.kind, c.read) << c.code;
    EXPECT_EQ(read.reason, c.reason) << c.code;
    const auto write = error_of_answer(c.code, c.body, Effect::Write, "patch x");
    EXPECT_EQ(write.kind, c.write) << c.code;
    EXPECT_EQ(write.reason, c.reason) << c.code;
  }
}

TEST(ApiErrorTest, SaysWhatWasDoneAndWhatTheServerAnswered) {
  EXPECT_EQ(
      error_of_answer(404, status("NotFound", "pipes \"shop\" not found"), Effect::Read, "get data/shop")
          .message,
      "get data/shop: pipes \"shop\" not found");
  EXPECT_EQ(error_of_answer(404, "404 page not found\n", Effect::Read, "list").message,
            "list: 404 page not found (404)");
  EXPECT_EQ(error_of_answer(502, "<html>\nBad Gateway", Effect::Read, "list").message,
            "list: the API server answered 502");
}

TEST(ApiErrorTest, TakesAnyBody) {
  for (const std::string body :
       {"", "null", "[]", "5", "{\"kind\":7}", "{\"kind\":\"Status\",\"message\":{}}", "\x01\x02\xff",
        "{\"kind\":\"Status\",\"reason\":[1]}"}) {
    const auto error = error_of_answer(409, body, Effect::Read, "get");
    EXPECT_EQ(error.reason, "Conflict");
    EXPECT_EQ(error.message, "get: the API server answered 409") << body;
  }
}

TEST(ApiErrorTest, CutsALongMessageBetweenCharacters) {
  std::string text = "x";
  for (int i = 0; i < 2000; ++i)
    text += "é";
  const auto message = error_of_answer(422, status("Invalid", text), Effect::Read, "get").message;
  EXPECT_LT(message.size(), 1100U);
  EXPECT_TRUE(message.ends_with("é..."));
}

TEST(ApiErrorTest, ReadsTheStatusOfAnErrorEvent) {
  EXPECT_EQ(error_of_status({{"kind", "Status"}, {"code", 410}, {"reason", "Expired"}}, Effect::Read, "watch")
                .reason,
            "Expired");
  EXPECT_EQ(error_of_status({{"reason", "Gone"}}, Effect::Read, "watch").reason, "Expired");
  EXPECT_EQ(error_of_status({{"code", 403}}, Effect::Read, "watch").kind, ErrorKind::NeedsUser);
  EXPECT_EQ(error_of_status({{"code", "x"}}, Effect::Read, "watch").kind, ErrorKind::Transient);
  EXPECT_EQ(error_of_status({{"code", 1e300}}, Effect::Read, "watch").kind, ErrorKind::Transient);
  EXPECT_EQ(error_of_status(json::array(), Effect::Read, "watch").kind, ErrorKind::Transient);
}

}  // namespace
}  // namespace penstock::kube
