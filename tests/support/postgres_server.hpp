#pragma once

#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

struct pg_conn;

namespace penstock::test {

class PostgresServer;

/// How a private PostgreSQL cluster differs from the healthy one: wal_level logical, ten slots and senders,
/// TCP on 127.0.0.1 with scram passwords, a Unix socket without, fsync off.
struct PostgresOptions {
  std::map<std::string, std::string>
      settings{};                  ///< of postgresql.conf, as written there: {"wal_level", "replica"}
  std::vector<std::string> hba{};  ///< lines put before the usual ones of pg_hba.conf
  int system = 0;  ///< those of one number are one PostgreSQL system, as after a restored backup
  /// A hot standby of this one, which is stopped for a moment to be copied, with `standby_slot` made there.
  PostgresServer* primary = nullptr;
  bool tls = false;  ///< ssl on, with certificates made for localhost and 127.0.0.1
};

/// All values as text; NULL is "\\N".
using Rows = std::vector<std::vector<std::string>>;

/// A statement failed: the server's words, and its SQLSTATE.
struct SqlError : std::runtime_error {
  SqlError(const std::string& words, std::string sqlstate)
      : std::runtime_error(words), state(std::move(sqlstate)) {}
  std::string state;
};

/// A session of the superuser, for a transaction that a test holds open. Throws SqlError when a statement
/// fails.
class PostgresSession {
 public:
  explicit PostgresSession(const std::string& conninfo);
  void exec(const std::string& sql);
  Rows query(const std::string& sql);
  /// The one value of a one-row, one-column result.
  std::string value(const std::string& sql);

 private:
  std::shared_ptr<pg_conn> connection_;
};

/// A private cluster in a directory of its own, started by the constructor and gone with the object; its
/// binaries are those of PENSTOCK_PG_BIN or Debian's PostgreSQL 15. The kernel kills it when the test program
/// dies, and the directory is swept by the next one. Throws std::runtime_error (with the server's log) when
/// it does not start.
class PostgresServer {
 public:
  static constexpr const char* kSuperuser = "postgres";
  static constexpr const char* kPassword = "correct horse";

  explicit PostgresServer(PostgresOptions options = {});
  ~PostgresServer();
  PostgresServer(PostgresServer&&) = delete;
  PostgresServer& operator=(PostgresServer&&) = delete;

  [[nodiscard]] const char* host() const { return "127.0.0.1"; }
  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] std::string socket_directory() const;
  [[nodiscard]] std::string data_directory() const;
  [[nodiscard]] pid_t pid() const;
  /// 150004, as server_version_num says.
  [[nodiscard]] int version();
  /// What the server has written to its log since it was last started.
  [[nodiscard]] std::string log() const;

  void start();
  void stop();              ///< fast: sessions are ended, a checkpoint is written
  void stop_immediately();  ///< as if it crashed, but told to
  void kill9();             ///< the postmaster and every backend
  void restart();           ///< stop(), start(): same port, same data
  /// From now on its certificate (PostgresOptions::tls) is one that has expired.
  void let_certificate_expire();
  /// Another PostgreSQL system answers at its address from now on, and has none of its databases.
  void become(int system);

  /// A new, empty database with a name of its own.
  std::string create_database();
  [[nodiscard]] PostgresSession session(const std::string& database = "postgres") const;
  void exec(const std::string& sql, const std::string& database = "postgres") const;
  [[nodiscard]] Rows query(const std::string& sql, const std::string& database = "postgres") const;
  [[nodiscard]] std::string value(const std::string& sql, const std::string& database = "postgres") const;

  /// PEM texts, with tls: the authority that signed the server's certificate, one that did not, and a client
  /// certificate for the role "certified".
  [[nodiscard]] std::string ca_pem() const;
  [[nodiscard]] std::string other_ca_pem() const;
  [[nodiscard]] std::string client_certificate_pem() const;
  [[nodiscard]] std::string client_key_pem() const;

 private:
  void lay_out();
  void make_certificates();
  void try_start();

  PostgresOptions options_;
  TempDir directory_;
  int lock_ = -1;
  int port_ = 0;
  std::optional<Process> process_;
};

/// Where the PostgreSQL programs are: PENSTOCK_PG_BIN, else Debian's.
std::string postgres_bin();

}  // namespace penstock::test
