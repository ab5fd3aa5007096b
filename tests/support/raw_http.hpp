#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>

namespace penstock::test {

/// What came back.
struct HttpReply {
  int status = 0;                                ///< 0: no answer
  std::map<std::string, std::string> headers{};  ///< by lower-case name
  std::string body{};                            ///< chunks put together
  bool complete = false;                         ///< the body ended as it said it would

  [[nodiscard]] std::string header(const std::string& lower_case_name) const;
};

/// One TCP connection to 127.0.0.1 on which a test says exactly what it wants, byte by byte.
class RawConnection {
 public:
  explicit RawConnection(int port);
  ~RawConnection();
  RawConnection(const RawConnection&) = delete;
  RawConnection& operator=(const RawConnection&) = delete;

  [[nodiscard]] bool connected() const { return socket_ >= 0; }
  /// False when the peer is gone, or takes nothing for ten seconds.
  bool send(std::string_view bytes);
  /// At most `size` bytes; empty when the peer has ended, or says nothing for `limit`.
  std::string receive(std::size_t size, std::chrono::milliseconds limit = std::chrono::seconds(60));
  /// The next answer; `to_head` for an answer to HEAD, which has no body.
  HttpReply reply(bool to_head = false);
  /// Closes at once, with a reset when data is unread.
  void close();

 private:
  bool fill();
  std::string take_line();
  bool take(std::size_t size, std::string& into);

  int socket_ = -1;
  std::string buffer_;
};

/// One exchange on a connection of its own. A body is sent with its length.
HttpReply http(int port, const std::string& method, const std::string& target, const std::string& body = {},
               const std::map<std::string, std::string>& headers = {});

/// %XX for a URL's query.
std::string url_encode(std::string_view text);

}  // namespace penstock::test
