#include "tests/histories/sessions.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <poll.h>

#include <array>
#include <stdexcept>
#include <thread>
#include <utility>

namespace penstock::histories {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto kMoment = 60ms;     ///< a statement that takes longer is taken to be blocked
constexpr auto kPatience = 700ms;  ///< for one that blocks
constexpr auto kDown = 60s;        ///< that a server may be, which is killed and started

}  // namespace

Sessions::Sessions(const test::PostgresServer& server, std::string database)
    : server_(server), database_(std::move(database)) {}

Sessions::One& Sessions::of(int number) {
  auto& out = sessions_[number];
  if (out.connection && PQstatus(out.connection.get()) == CONNECTION_OK) return out;
  const auto conninfo = fmt::format("host={} port={} user={} dbname='{}'", server_.socket_directory(),
                                    server_.port(), test::PostgresServer::kSuperuser, database_);
  out = {
      std::shared_ptr<pg_conn>(PQconnectdb(conninfo.c_str()), [](pg_conn* it) { PQfinish(it); }), false, {}};
  PQsetNoticeProcessor(
      out.connection.get(), [](void*, const char*) {}, nullptr);
  return out;
}

bool Sessions::finish(One& session, std::chrono::milliseconds limit) {
  const auto deadline = Clock::now() + limit;
  while (session.busy) {
    if (PQconsumeInput(session.connection.get()) == 0) break;
    if (PQisBusy(session.connection.get()) == 0) {
      const std::unique_ptr<PGresult, decltype(&PQclear)> result(PQgetResult(session.connection.get()),
                                                                 &PQclear);
      if (!result) break;
      if (PQresultStatus(result.get()) == PGRES_FATAL_ERROR)
        session.error = PQresultErrorMessage(result.get());
      continue;
    }
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
    if (left <= 0ms) return false;
    pollfd wait{PQsocket(session.connection.get()), POLLIN, 0};
    (void)::poll(&wait, 1, static_cast<int>(left.count()));
  }
  session.busy = false;
  return true;
}

void Sessions::cancel(One& session) {
  std::array<char, 256> error{};
  const std::unique_ptr<PGcancel, decltype(&PQfreeCancel)> cancel(PQgetCancel(session.connection.get()),
                                                                  &PQfreeCancel);
  (void)PQcancel(cancel.get(), error.data(), error.size());
  if (!finish(session, 5s)) session = {};  // closed: the server ends it
}

std::string Sessions::send(int number, const std::string& sql) {
  auto& session = of(number);
  if (!finish(session, kPatience)) cancel(session);
  auto& ready = of(number);
  ready.error.clear();
  ready.busy = PQsendQuery(ready.connection.get(), sql.c_str()) == 1;
  if (!finish(ready, kMoment)) return "blocks";
  return ready.error;
}

void Sessions::send_surely(int number, const std::string& sql) {
  const auto deadline = Clock::now() + kDown;
  while (true) {
    (void)send(number, sql);
    auto& session = sessions_[number];
    if (!finish(session, kPatience)) cancel(session);
    if (session.connection && PQstatus(session.connection.get()) == CONNECTION_OK) return;
    if (Clock::now() > deadline) throw std::runtime_error("the server stays down: " + session.error);
    std::this_thread::sleep_for(300ms);
  }
}

void Sessions::settle() {
  const auto deadline = Clock::now() + kDown;
  while (true) {
    try {
      return end_all();
    } catch (const std::exception&) {
      if (Clock::now() > deadline) throw;
      std::this_thread::sleep_for(300ms);
    }
  }
}

void Sessions::end_all() {
  for (auto& [number, session] : sessions_)
    if (!finish(session, kPatience)) cancel(session);
  for (const auto& [number, session] : sessions_)
    if (session.connection && PQtransactionStatus(session.connection.get()) != PQTRANS_IDLE)
      (void)send(number, "ROLLBACK");
  const auto database = "'" + database_ + "'";
  for (const auto& row :
       server_.query("SELECT gid FROM pg_prepared_xacts WHERE database = " + database, database_))
    server_.exec("ROLLBACK PREPARED '" + row[0] + "'", database_);
  for (auto& [number, session] : sessions_)
    if (!finish(session, kPatience)) cancel(session);
}

}  // namespace penstock::histories
