#include "dataplane/postgres/catalog_session.hpp"

#include <fmt/format.h>

#include <pqxx/connectionpolicy>
#include <pqxx/except>
#include <utility>

#include "dataplane/postgres/libpq.hpp"
#include "dataplane/postgres/liveness.hpp"

namespace penstock::postgres {
namespace {

/// Gives libpqxx a connection that is open already, once: it never makes another.
class Adopt final : public pqxx::connectionpolicy {
 public:
  explicit Adopt(Connection session) : pqxx::connectionpolicy(""), session_(std::move(session)) {}
  handle do_startconnect(handle present) override {
    return present != nullptr ? present : session_.release();
  }
  bool is_ready(handle present) const noexcept override { return present != nullptr; }

 private:
  Connection session_;
};

class AdoptedSession final : public pqxx::connection_base {
 public:
  explicit AdoptedSession(Connection session) : pqxx::connection_base(adopt_), adopt_(std::move(session)) {
    init();
  }
  ~AdoptedSession() noexcept { close(); }
  AdoptedSession(const AdoptedSession&) = delete;
  AdoptedSession& operator=(const AdoptedSession&) = delete;

 private:
  Adopt adopt_;  // the base only keeps a reference before init()
};

template <typename Transaction>
Status try_in_transaction(const Endpoint& endpoint, const std::string& doing, const CatalogQuery& work) {
  PENSTOCK_ASSIGN(auto session, connect(endpoint));
  // Some of libpqxx's exceptions forget the SQLSTATE; in the verbose form it is in the message.
  PQsetErrorVerbosity(session.get(), PQERRORS_VERBOSE);
  pg_conn* const raw = session.get();
  try {
    AdoptedSession adopted(std::move(session));
    PENSTOCK_ASSIGN(const auto guard, StallGuard::over(raw, endpoint));
    Transaction tx(adopted);
    tx.exec("SET LOCAL lock_timeout = '5s'");
    work(tx);
    tx.commit();
    return {};
  } catch (const pqxx::sql_error& error) {
    return fail(error_of_verbose(endpoint, error.what(), doing));
  } catch (const pqxx::broken_connection& error) {
    return fail(error_of_verbose(endpoint, error.what(), doing));
  } catch (const pqxx::in_doubt_error& error) {
    auto out = error_of(endpoint, "", error.what(), doing);
    out.kind = ErrorKind::InDoubt;
    return fail(std::move(out));
  } catch (const std::exception& error) {
    return fail(ErrorKind::Internal, "CatalogUnreadable",
                doing + " at PostgreSQL " + endpoint.text() + ": " + on_one_line(error.what()));
  }
}

template <typename Transaction>
Status in_transaction(const Endpoint& endpoint, const std::string& doing, const CatalogQuery& work) {
  auto done = try_in_transaction<Transaction>(endpoint, doing, work);
  // Its session was closed under it, which reads as an error of the server.
  if (!done && endpoint.limits.stop.stop_requested()) return interrupted(doing);
  return done;
}

}  // namespace

Status look(const Endpoint& endpoint, const std::string& doing, const CatalogQuery& queries) {
  using OneMoment = pqxx::transaction<pqxx::repeatable_read, pqxx::readwrite_policy::read_only>;
  return in_transaction<OneMoment>(endpoint, doing, queries);
}

Status change(const Endpoint& endpoint, const std::string& doing, const CatalogQuery& statements) {
  return in_transaction<pqxx::transaction<>>(endpoint, doing, statements);
}

void read_from_the_start(pqxx::transaction_base& tx) {
  tx.exec("SET LOCAL synchronize_seqscans = off; SET LOCAL max_parallel_workers_per_gather = 0");
}

std::string value_or_nothing(pqxx::transaction_base& tx, const std::string& sql) {
  // Every version lets a failed statement be rolled back alone only below a savepoint.
  auto& outer = dynamic_cast<pqxx::dbtransaction&>(tx);
  try {
    pqxx::subtransaction attempt(outer);
    const auto rows = attempt.exec(sql);
    attempt.commit();
    return rows.empty() ? "" : text_of(rows[0][0]);
  } catch (const pqxx::sql_error&) {
    return "";
  }
}

std::string array_of(const std::vector<std::string>& items) {
  std::string out = "{";
  for (const auto& item : items) {
    out += out.size() > 1 ? ",\"" : "\"";
    for (const char c : item) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    out += '"';
  }
  return out + "}";
}

std::vector<std::string> items_of(const pqxx::field& array) {
  std::vector<std::string> out;
  if (array.is_null()) return out;
  auto parser = array.as_array();
  for (auto step = parser.get_next(); step.first != pqxx::array_parser::done; step = parser.get_next()) {
    if (step.first == pqxx::array_parser::string_value) out.push_back(step.second);
  }
  return out;
}

std::string named_by_prefix(const std::string& column) {
  return fmt::format(
      "$1::text <> '' AND {0}::text <> $2 AND ({0}::text = $1 OR starts_with({0}::text, $1 || '_'))", column);
}

Lsn lsn_of(const pqxx::field& text) {
  return text.is_null() ? Lsn{} : Lsn::parse(text.c_str()).value_or(Lsn{});
}

std::string text_of(const pqxx::field& field) {
  return field.is_null() ? "" : std::string(field.c_str(), field.size());
}

int version_of(pqxx::transaction_base& tx) {
  return tx.conn().server_version();
}

}  // namespace penstock::postgres
