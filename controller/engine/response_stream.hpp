#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "controller/engine/chdb_connection.hpp"
#include "controller/engine/http_connection.hpp"
#include "controller/engine/response_head.hpp"
#include "controller/engine/zlib_stream.hpp"

namespace penstock::engine {

/// What every answer says about the server, as ClickHouse does.
struct ServerIdentity {
  std::string version;
  std::string timezone;
  std::string display_name = "penstock";
};

/// One answer, sent while it comes into being. The first megabyte is held back (all of it with `hold_all`),
/// so that a statement that fails within it is answered with the right status; from then on it goes out in
/// chunks as fast as the client takes it. A failure after that ends the body with ClickHouse's exception
/// block and an unfinished chunked body (ClickHouse docs, "HTTP Interface", "HTTP response codes caveats").
class ResponseStream {
 public:
  struct Options {
    std::string query_id;
    std::string format = "TabSeparated";
    Coding coding = Coding::Identity;
    bool hold_all = false;
  };

  ResponseStream(HttpConnection& connection, const RequestHead& head, const ServerIdentity& identity);

  /// Before the first write.
  void set_options(Options options);

  /// Takes a piece of the body. False when the client is gone: stop producing.
  [[nodiscard]] bool write(std::string_view data);
  void finish(const StatementSummary& summary);
  void fail(const ServerError& reason);

  /// False when the connection cannot carry another request: the client is gone, or was told so.
  [[nodiscard]] bool reusable() const { return reusable_; }
  /// Says `Connection: close`, when nothing was sent yet.
  void close_after() { keep_alive_ = false; }

 private:
  [[nodiscard]] ResponseHead begin_head(int status) const;
  [[nodiscard]] std::string summary_json(const StatementSummary& summary) const;
  [[nodiscard]] bool start_streaming();
  [[nodiscard]] bool send_piece(std::string_view data, bool last);
  void send_whole(ResponseHead head, std::string_view body);

  HttpConnection* connection_;
  const ServerIdentity* identity_;
  std::chrono::steady_clock::time_point begun_;
  bool is_head_;
  bool http_1_0_;
  bool keep_alive_;
  Options options_;
  std::string exception_tag_;
  std::string held_;
  std::optional<Deflater> deflater_;
  bool streaming_ = false;
  bool too_large_ = false;  // for `hold_all`
  bool reusable_ = true;
};

/// An answer that is no statement's: /ping and the like.
[[nodiscard]] bool send_plain(HttpConnection& connection, const RequestHead& head, int status,
                              std::string_view body, bool keep_alive);

/// A random UUID (RFC 4122, version 4) in text.
[[nodiscard]] std::string random_uuid();

}  // namespace penstock::engine
