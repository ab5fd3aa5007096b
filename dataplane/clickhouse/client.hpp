#pragma once

// ClickHouse over HTTP(S) (ClickHouse docs, "HTTP Interface").

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "core/secret.hpp"

namespace penstock::clickhouse {

struct Endpoint {
  std::string url;       ///< http(s)://host:port
  std::string database;  ///< sent with every statement unless a Request says otherwise; need not exist for ping()
  std::string user = "default";
  Secret password;
  std::string ca_pem;
  bool operator==(const Endpoint&) const = default;
  [[nodiscard]] std::string text() const;  ///< "http://host:port as user", for messages
};

using Settings = std::map<std::string, std::string>;

struct Request {
  std::string sql;
  Settings settings;      ///< settings and param_* values
  bool use_database = true;  ///< false for CREATE DATABASE and looks at system tables of an absent database
};

/// Rows of a small result, all values as text; NULL is an empty optional-like "\\N" never produced by our queries.
using Rows = std::vector<std::vector<std::string>>;

/// One keep-alive connection; one thread at a time. Errors are classified by classify(): DestinationUnreachable
/// (Transient), DestinationAuthenticationFailed (NeedsUser), … An insert whose answer was lost: InDoubt.
class Client {
 public:
  explicit Client(Endpoint endpoint);
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;
  ~Client();

  [[nodiscard]] const Endpoint& endpoint() const;
  [[nodiscard]] Status execute(const Request& request);
  /// A SELECT; the result is read as JSONCompactEachRow-like text values (numbers as their digits).
  [[nodiscard]] Result<Rows> select(const Request& request);
  /// `sql` is INSERT INTO … FORMAT Native; the body is sent from `pieces` without joining them.
  [[nodiscard]] Status insert(const Request& request, const std::vector<std::string_view>& pieces);
  /// Makes a call that runs in another thread return soon with kind Cancelled. Thread-safe; sticky.
  void cancel();

 private:
  struct Handle;
  std::unique_ptr<Handle> handle_;
};

/// ClickHouse's error code and message as an Error (ClickHouse source, ErrorCodes: names are stable, documented in
/// system.errors). `http` is the status, 0 when no answer came.
[[nodiscard]] Error classify(const Endpoint& endpoint, int http, int code, const std::string& message,
                             const std::string& doing);

/// `name` quoted for ClickHouse SQL with backticks; and 'text' as a string literal.
[[nodiscard]] std::string quote(std::string_view name);
[[nodiscard]] std::string literal(std::string_view text);

}  // namespace penstock::clickhouse
