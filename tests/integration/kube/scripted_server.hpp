#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::test {

/// A request as it was received. Header names are in lower case.
struct SeenRequest {
  std::string method;
  std::string target;
  std::map<std::string, std::string> headers;
  std::string body;
  int connection = 0;  ///< which connection of the server it came over, from 1

  [[nodiscard]] std::string header(const std::string& name) const;
};

/// The connection a request came over, for a script to answer as well or as badly as it likes.
class Wire {
 public:
  virtual ~Wire() = default;
  /// False when the connection is broken.
  virtual bool send(std::string_view bytes) = 0;
  /// Resets the connection when the script returns: whoever reads then sees an error.
  virtual void break_off() = 0;
  /// True when the client has closed its end within `limit`.
  virtual bool closed_within(std::chrono::milliseconds limit) = 0;

  /// A whole answer with a length.
  void answer(int status, std::string_view json, const std::string& headers = {});
  /// The head of an answer in chunks, then each chunk, then the end.
  void begin_chunks();
  bool chunk(std::string_view bytes);
  void end_chunks();
};

/// Certificate and key in PEM.
struct Identity {
  std::string certificate;
  std::string key;
};
/// A fresh certificate for `name` ("127.0.0.1" or a host name), signed by `issuer` or by itself.
Identity make_identity(const std::string& name, const Identity* issuer = nullptr);

/// An HTTP/1.1 server on a free port of 127.0.0.1 whose answers a test writes byte by byte, for the faults
/// that a good server never shows. Each connection has a thread; a connection is kept for the next request
/// unless the script closed it.
class ScriptedServer {
 public:
  using Script = std::function<void(const SeenRequest& request, Wire& wire)>;
  struct Tls {
    Identity identity;
    std::string client_ca;  ///< not empty: clients must show a certificate that this one has signed
  };

  explicit ScriptedServer(Script script, const std::optional<Tls>& tls = std::nullopt, int port = 0);
  ~ScriptedServer();

  [[nodiscard]] std::string url() const;
  [[nodiscard]] std::vector<SeenRequest> requests() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace penstock::test
