#pragma once

// ClickHouse over HTTP(S) (ClickHouse docs, "HTTP Interface").

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/call_limits.hpp"
#include "core/result.hpp"
#include "core/secret.hpp"

namespace penstock::clickhouse {

struct Endpoint {
  std::string url;  ///< http(s)://host:port
  std::string
      database;  ///< sent with every statement unless a Request says otherwise; need not exist for ping()
  std::string user = "default";
  Secret password;
  std::string ca_pem;
  /// A statement that moves no byte for so long is looked for on the server: where it does not run, the
  /// connection is given up.
  std::chrono::milliseconds silence_limit{20'000};
  CallLimits limits{};
  bool operator==(const Endpoint&) const = default;
  [[nodiscard]] std::string text() const;  ///< "http://host:port as user", for messages
};

using Settings = std::map<std::string, std::string>;

/// The next pieces of an insert's data, valid until the next call; none at its end. False: the insert is to
/// be given up.
using DataSource = std::function<bool(std::vector<std::string_view>& pieces)>;

struct Request {
  std::string sql;
  Settings settings = {};    ///< settings and param_* values
  bool use_database = true;  ///< false for CREATE DATABASE and looks at system tables of an absent database
  /// Running it twice is the same as once (CREATE … IF NOT EXISTS). Only then is a statement whose answer was
  /// lost sent again by the client (once), or its loss reported as Transient instead of InDoubt. Never for
  /// EXCHANGE.
  bool repeatable = false;
  std::string purpose = {};  ///< for messages: "load shop.orders"; empty: the beginning of the statement
  /// 0: what Client says below. Of a SELECT all the time it may take, of others the time without a byte
  /// either way.
  std::chrono::seconds limit{0};
  /// It may take long by nature (a table is rewritten): not bound by the endpoint's limits.answer.
  bool lasting = false;
};

/// A row whose values are all text. NULL reads "\\N"; ask with ifNull() where it matters. A value that the
/// server has left out reads "".
class Row : public std::vector<std::string> {
 public:
  using std::vector<std::string>::vector;
  [[nodiscard]] const std::string& at(std::size_t place) const {
    static const std::string kNothing;
    return place < size() ? (*this)[place] : kNothing;
  }
};
/// Of a small result.
using Rows = std::vector<Row>;

/// One keep-alive connection; one thread at a time. Errors are classified by classify():
/// DestinationUnreachable (Transient), DestinationAuthenticationFailed (NeedsUser), … An insert or statement
/// whose answer was lost: InDoubt, reason DestinationAnswerLost. Nothing is retried but what is said here;
/// when and how often is the caller's.
///
/// Limits: those of the endpoint, which may stop every call from another thread; 10 s to connect; a SELECT
/// takes 120 s at most and its result 64 MB; inserts and statements may take as long as they like, but are
/// given up after 300 s (statements: 900 s) without a byte in either direction, and earlier where the server,
/// the only one that ever answered, says that it does not run them.
///
/// Settings: every statement carries those of pinned_settings.hpp, so that the user's settings profile
/// changes nothing of its outcome; a Request's own win over them. One that the server does not know is left
/// out: the statement is sent again then, but for an insert whose data is made while it is sent. One that the
/// server does not let us set is DestinationSettingConstrained or DestinationReadOnly (NeedsUser), with its
/// name. All requests send wait_end_of_query=1, so that the status tells the outcome.
class Client {
 public:
  explicit Client(Endpoint endpoint);
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;
  ~Client();

  [[nodiscard]] const Endpoint& endpoint() const;
  [[nodiscard]] Status execute(const Request& request);
  /// A SELECT without a FORMAT clause. Values come as text: numbers as their digits, strings with their
  /// escapes undone. Repeated once inside when the kept-alive connection turns out to be dead.
  [[nodiscard]] Result<Rows> select(const Request& request);
  /// `sql` is INSERT INTO … FORMAT Native; the body is sent from `pieces` without joining them.
  [[nodiscard]] Status insert(const Request& request, const std::vector<std::string_view>& pieces);
  /// The same with data that is made while it is sent: one insert, however long. The source runs in the
  /// calling thread. When it gives up, the outcome is Cancelled; rows of it may be in. ClickHouse ends an
  /// insert whose data does not come for 30 s (its setting http_receive_timeout).
  [[nodiscard]] Status insert(const Request& request, const DataSource& data);

 private:
  struct Handle;
  std::unique_ptr<Handle> handle_;
};

/// ClickHouse's error code and message as an Error (ClickHouse source, ErrorCodes: names are stable,
/// documented in system.errors). `http` is the status, `code` the exception's (0: none was sent), `message`
/// the body, `doing` what was tried: "insert into orders". Of a body that is no exception of ClickHouse's
/// nothing is repeated. Tells time-curable faults from those of one table
/// and those of the whole pipe.
[[nodiscard]] Error classify(const Endpoint& endpoint, int http, int code, const std::string& message,
                             const std::string& doing);

/// Time cures it, and it may take long, while every other table can be written: too many parts.
[[nodiscard]] bool holds_up_one_table(const Error& error);

/// The server does not take what a statement says: its types, functions, names or syntax. Not who asks, and
/// not the server or the network.
[[nodiscard]] bool refuses_the_text(const Error& error);

/// `name` quoted for ClickHouse SQL with backticks; and 'text' as a string literal.
[[nodiscard]] std::string quote(std::string_view name);
[[nodiscard]] std::string literal(std::string_view text);

}  // namespace penstock::clickhouse
