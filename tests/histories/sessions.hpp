#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>

#include "tests/support/postgres_server.hpp"

struct pg_conn;

namespace penstock::histories {

/// Sessions that run at once and may block each other. One thread drives them.
class Sessions {
 public:
  Sessions(const test::PostgresServer& server, std::string database);

  /// Sends the statement and waits a moment for its end; if it blocks, the others go on. A session whose last
  /// statement still blocks is waited for first, and its statement cancelled if that does not help. Errors
  /// are part of a history: they are only told of.
  std::string send(int session, const std::string& sql);
  /// The same, sent again to a server that was down meanwhile. Waits for its end.
  void send_surely(int session, const std::string& sql);
  /// Ends all that is open: what blocks is cancelled, what was not committed or prepared to the end is rolled
  /// back. A server that is down is waited for.
  void settle();

 private:
  struct One {
    std::shared_ptr<pg_conn> connection;
    bool busy = false;
    std::string error;
  };

  One& of(int number);
  /// False when it still runs after the limit.
  static bool finish(One& session, std::chrono::milliseconds limit);
  static void cancel(One& session);
  void end_all();

  const test::PostgresServer& server_;
  const std::string database_;
  std::map<int, One> sessions_;
};

}  // namespace penstock::histories
