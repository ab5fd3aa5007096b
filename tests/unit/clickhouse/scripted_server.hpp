#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace penstock::test {

/// What the server does with one request, in the order in which requests come.
struct Step {
  std::string answer{};            ///< sent as it is, after the request's body was read; empty: no answer
  bool close_after = false;        ///< closes the connection, after the answer if there is one
  bool hang = false;               ///< reads the request and says nothing until the server is destroyed
  bool close_before_body = false;  ///< closes as soon as the head has been read
  bool answer_at_once = false;     ///< answers as soon as the head has been read, and reads on
};

/// "HTTP/1.1 200 OK" with a Content-Length; `fields` are whole lines, each with its line end.
std::string http_answer(int status, const std::string& body, const std::string& fields = {});

/// An HTTP server on 127.0.0.1 that follows a script: what a broken or dying ClickHouse does, at the exact
/// moment. Requests beyond the script are answered with 200 and no body.
class ScriptedServer {
 public:
  struct Received {
    std::string head;  ///< request line and fields
    std::string body;  ///< as it came: chunks with their sizes
  };

  explicit ScriptedServer(std::vector<Step> script = {});
  ~ScriptedServer();

  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] std::string url() const;
  [[nodiscard]] std::vector<Received> received() const;
  [[nodiscard]] int connections() const { return connections_; }

 private:
  void serve();
  void serve_connection(int socket);
  bool read_request(int socket, std::string& buffer, Received& out, bool with_body) const;
  Step next_step();

  std::vector<Step> script_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<int> connections_{0};
  std::atomic<bool> stopping_{false};
  mutable std::mutex mutex_;
  std::size_t next_ = 0;
  std::vector<Received> received_;
  std::thread thread_;
};

}  // namespace penstock::test
