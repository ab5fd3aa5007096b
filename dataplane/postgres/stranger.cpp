#include "dataplane/postgres/stranger.hpp"

#include <chrono>
#include <string_view>

#include "core/tcp_question.hpp"

namespace penstock::postgres {
namespace {

constexpr std::chrono::milliseconds kLimit{500};

/// The answer to an SSLRequest: yes, no, or an error, which is a message with a length of at most three
/// bytes, or, from a postmaster that cannot start a process, a text.
bool is_postgres(std::string_view answer) {
  return answer == "S" || answer == "N" || answer.starts_with(std::string_view("E\0", 2)) ||
         answer.starts_with("Ecould not fork");
}

}  // namespace

std::string stranger_at(const std::string& address, int number) {
  const auto port = std::to_string(number);
  const auto answer = ask_over_tcp(address, port, kSslRequest, kLimit);
  if (is_postgres(answer)) return "";
  if (answer.starts_with("HTTP/")) return "speaks HTTP";
  if (answer.starts_with("SSH-")) return "speaks SSH";
  if (answer.starts_with("\x15\x03")) return "speaks TLS from the first byte on";
  if (!answer.empty()) return "does not speak PostgreSQL's protocol";
  // An HTTP server may wait for the end of the request.
  return ask_over_tcp(address, port, kHttpRequest, kLimit).starts_with("HTTP/") ? "speaks HTTP" : "";
}

}  // namespace penstock::postgres
