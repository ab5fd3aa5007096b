#include "tests/support/postgres_server.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace penstock::test {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr const char* kPrefix = "penstock-pg";

// PostgreSQL refuses to run as root: an unprivileged account then.
std::optional<std::string> server_account() {
  if (::getuid() != 0) return std::nullopt;
  return ::getpwnam("postgres") != nullptr ? "postgres" : "nobody";
}

void must(const std::string& program, std::vector<std::string> arguments) {
  const auto finished =
      run(program, {.arguments = std::move(arguments), .user = server_account()}, seconds(120));
  if (!finished.ok()) throw std::runtime_error(program + " failed: " + finished.out + finished.err);
}

// For the server's account too, whatever the umask.
void write_text(const fs::path& path, const std::string& text) {
  std::ofstream(path) << text << '\n';
  fs::permissions(path, static_cast<fs::perms>(0644));
}

std::string read_text(const fs::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) throw std::runtime_error("cannot read " + path.string());
  return text.str();
}

// Held by whoever lives in a directory; the kernel lets go of it when the test program dies.
int lock_file(const fs::path& path, bool wait) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return -1;
  if (::flock(file, wait ? LOCK_EX : LOCK_EX | LOCK_NB) == 0) return file;
  ::close(file);
  return -1;
}

// Directories of test programs that were killed. Young ones may be somebody's who has not taken the lock yet.
void sweep_leftovers() {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(fs::temp_directory_path(), ignored)) {
    if (entry.path().filename().string().rfind(std::string(kPrefix) + "-test-", 0) != 0) continue;
    const auto age = fs::file_time_type::clock::now() - entry.last_write_time(ignored);
    if (ignored || age < seconds(60)) continue;
    const int lock = lock_file(entry.path() / "lock", false);
    if (lock < 0) continue;
    fs::remove_all(entry.path(), ignored);
    ::close(lock);
  }
}

// initdb takes a second and more, a copy of what it made a tenth: made once for each version, account and
// boot.
fs::path template_cluster(int system) {
  const auto bin = postgres_bin();
  const auto key = fmt::format("{}-template-{}-{:x}{}", kPrefix, ::getuid(), std::hash<std::string>{}(bin),
                               system == 0 ? "" : fmt::format("-{}", system));
  const fs::path base = fs::temp_directory_path() / key;
  const int lock = lock_file(base.string() + ".lock", true);
  if (lock < 0) throw std::runtime_error("cannot lock " + base.string());
  fs::path data = base / "data";
  const fs::path complete = base / "complete";
  if (!fs::exists(complete)) {
    fs::remove_all(base);
    fs::create_directory(base);
    fs::permissions(base, fs::perms::all);
    const fs::path password = base / "password";
    write_text(password, PostgresServer::kPassword);
    must(bin + "/initdb", {"-D", data, "-U", PostgresServer::kSuperuser, "-N", "-E", "UTF8", "--locale=C",
                           "--auth=scram-sha-256", "--pwfile=" + password.string()});
    std::ofstream(complete) << bin << '\n';
  }
  ::close(lock);
  return data;
}

std::vector<pid_t> children_of(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{0}/task/{0}/children", pid));
  std::vector<pid_t> children;
  for (pid_t child = 0; file >> child;)
    children.push_back(child);
  return children;
}

std::string quoted_setting(const std::string& value) {
  std::string out = "'";
  for (const char c : value)
    out += c == '\'' ? "''" : std::string(1, c);
  return out + "'";
}

}  // namespace

std::string postgres_bin() {
  const char* chosen = ::getenv("PENSTOCK_PG_BIN");
  return chosen != nullptr && *chosen != '\0' ? chosen : "/usr/lib/postgresql/15/bin";
}

PostgresSession::PostgresSession(const std::string& conninfo)
    : connection_(PQconnectdb(conninfo.c_str()), [](pg_conn* connection) { PQfinish(connection); }) {
  if (PQstatus(connection_.get()) != CONNECTION_OK)
    throw std::runtime_error(PQerrorMessage(connection_.get()));
  PQsetNoticeProcessor(
      connection_.get(), [](void*, const char*) {}, nullptr);
}

void PostgresSession::exec(const std::string& sql) {
  query(sql);
}

Rows PostgresSession::query(const std::string& sql) {
  const std::unique_ptr<PGresult, decltype(&PQclear)> result(PQexec(connection_.get(), sql.c_str()),
                                                             &PQclear);
  const auto status = PQresultStatus(result.get());
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_EMPTY_QUERY) {
    const char* state = PQresultErrorField(result.get(), PG_DIAG_SQLSTATE);
    throw SqlError(fmt::format("{}: {}", sql, PQerrorMessage(connection_.get())), state ? state : "");
  }
  Rows rows(static_cast<std::size_t>(PQntuples(result.get())));
  for (int row = 0; row < PQntuples(result.get()); ++row) {
    for (int column = 0; column < PQnfields(result.get()); ++column) {
      const bool null = PQgetisnull(result.get(), row, column) == 1;
      rows[static_cast<std::size_t>(row)].emplace_back(null ? "\\N" : PQgetvalue(result.get(), row, column));
    }
  }
  return rows;
}

std::string PostgresSession::value(const std::string& sql) {
  const auto rows = query(sql);
  if (rows.size() != 1 || rows[0].size() != 1) throw std::runtime_error(sql + ": not one value");
  return rows[0][0];
}

PostgresServer::PostgresServer(PostgresOptions options)
    : options_(std::move(options)), directory_(std::string(kPrefix) + "-test"), port_(free_port()) {
  sweep_leftovers();
  lock_ = lock_file(directory_.path() / "lock", true);
  lay_out();
  start();
}

PostgresServer::~PostgresServer() {
  if (process_) stop_immediately();
  if (lock_ >= 0) ::close(lock_);
}

std::string PostgresServer::socket_directory() const {
  return directory_.path().string();
}

std::string PostgresServer::data_directory() const {
  return directory_ / "data";
}

pid_t PostgresServer::pid() const {
  return process_ ? process_->pid() : -1;
}

int PostgresServer::version() {
  return std::stoi(value("SHOW server_version_num"));
}

std::string PostgresServer::log() const {
  return process_ ? process_->err() : "";
}

void PostgresServer::lay_out() {
  auto* primary = options_.primary;
  if (primary != nullptr) {
    primary->exec("SELECT pg_create_physical_replication_slot('standby_slot')");
    primary->stop();
    must("cp", {"-a", primary->data_directory(), data_directory()});
    primary->start();
    std::ofstream(data_directory() + "/standby.signal").flush();
  } else {
    must("cp", {"-a", template_cluster(options_.system), data_directory()});
  }
  std::map<std::string, std::string> settings{
      {"port", std::to_string(port_)},
      {"listen_addresses", "127.0.0.1"},
      {"unix_socket_directories", socket_directory()},
      {"fsync", "off"},
      {"wal_level", "logical"},
      {"max_replication_slots", "10"},
      {"max_wal_senders", "10"},
      {"max_connections", "100"},
      {"password_encryption", "scram-sha-256"},
      {"logging_collector", "off"},
      {"timezone", "UTC"},
  };
  if (options_.tls) {
    make_certificates();
    settings.insert({{"ssl", "on"},
                     {"ssl_cert_file", directory_ / "server.crt"},
                     {"ssl_key_file", directory_ / "server.key"},
                     {"ssl_ca_file", directory_ / "ca.crt"}});
  }
  if (primary != nullptr)
    settings.insert(
        {{"primary_slot_name", "standby_slot"},
         {"hot_standby_feedback", "on"},
         {"primary_conninfo", fmt::format("host={} port={} user={} dbname=postgres",
                                          primary->socket_directory(), primary->port(), kSuperuser)}});
  for (const auto& [name, value] : options_.settings)
    settings[name] = value;
  std::ofstream conf(data_directory() + "/postgresql.conf", std::ios::app);
  for (const auto& [name, value] : settings)
    conf << name << " = " << quoted_setting(value) << '\n';
  std::ofstream hba(data_directory() + "/pg_hba.conf");
  for (const auto& line : options_.hba)
    hba << line << '\n';
  hba << "local all all trust\nlocal replication all trust\n"
         "host all all 127.0.0.1/32 scram-sha-256\nhost replication all 127.0.0.1/32 scram-sha-256\n";
  if (!conf || !hba) throw std::runtime_error("cannot configure " + data_directory());
}

void PostgresServer::let_certificate_expire() {
  must("openssl", {"x509", "-req", "-in", directory_ / "server.csr", "-CA", directory_ / "ca.crt", "-CAkey",
                   directory_ / "ca.key", "-CAcreateserial", "-days", "-1", "-extfile",
                   directory_ / "server.ext", "-out", directory_ / "server.crt"});
  restart();
}

void PostgresServer::make_certificates() {
  const auto authority = [&](const std::string& name) {
    must("openssl", {"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                     "-days", "30", "-subj", "/CN=" + name, "-keyout", directory_ / (name + ".key"), "-out",
                     directory_ / (name + ".crt")});
  };
  const auto certificate = [&](const std::string& name, const std::string& subject,
                               const std::string& extension) {
    must("openssl",
         {"req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=" + subject,
          "-keyout", directory_ / (name + ".key"), "-out", directory_ / (name + ".csr")});
    write_text(directory_ / (name + ".ext"), extension);
    must("openssl", {"x509", "-req", "-in", directory_ / (name + ".csr"), "-CA", directory_ / "ca.crt",
                     "-CAkey", directory_ / "ca.key", "-CAcreateserial", "-days", "30", "-extfile",
                     directory_ / (name + ".ext"), "-out", directory_ / (name + ".crt")});
  };
  authority("ca");
  authority("other-ca");
  certificate("server", "localhost", "subjectAltName=DNS:localhost,IP:127.0.0.1");
  certificate("client", "certified", "extendedKeyUsage=clientAuth");
}

void PostgresServer::start() {
  // After a kill -9 the shared memory may be held for a moment by a backend that is still ending.
  for (int attempt = 0;; ++attempt) {
    try {
      return try_start();
    } catch (const std::runtime_error&) {
      if (attempt == 20) throw;
      std::this_thread::sleep_for(milliseconds(100));
    }
  }
}

void PostgresServer::try_start() {
  process_.emplace(postgres_bin() + "/postgres",
                   ProcessOptions{.arguments = {"-D", data_directory()}, .user = server_account()});
  const auto conninfo =
      fmt::format("host={} port={} user=postgres dbname=postgres", socket_directory(), port_);
  bool ready = false;
  eventually([&] { return (ready = PQping(conninfo.c_str()) == PQPING_OK) || !process_->running(); },
             seconds(60));
  if (ready) return;
  process_->wait(milliseconds(100));
  const auto text = process_->err();
  process_.reset();
  throw std::runtime_error("PostgreSQL did not start: " + text);
}

void PostgresServer::stop() {
  if (!process_) return;
  process_->signal(SIGINT);
  if (!process_->wait(seconds(60))) throw std::runtime_error("PostgreSQL did not stop: " + process_->err());
  process_.reset();
}

void PostgresServer::stop_immediately() {
  if (!process_) return;
  process_->signal(SIGQUIT);
  if (!process_->wait(seconds(20))) kill9();
  process_.reset();
}

void PostgresServer::kill9() {
  if (!process_) return;
  process_->signal(SIGSTOP);  // no new child between the look and the kill
  const auto children = children_of(process_->pid());
  process_->kill();
  for (const pid_t child : children)
    ::kill(child, SIGKILL);
  eventually([&] {
    return std::none_of(children.begin(), children.end(), [](pid_t child) { return ::kill(child, 0) == 0; });
  });
  process_.reset();
}

void PostgresServer::restart() {
  stop();
  start();
}

void PostgresServer::become(int system) {
  kill9();
  fs::remove_all(data_directory());
  options_.system = system;
  lay_out();
  start();
}

std::string PostgresServer::create_database() {
  static std::atomic<int> count{0};
  auto name = fmt::format("test_{}", ++count);
  exec("CREATE DATABASE " + name);
  return name;
}

PostgresSession PostgresServer::session(const std::string& database) const {
  return PostgresSession(
      fmt::format("host={} port={} user={} dbname='{}'", socket_directory(), port_, kSuperuser, database));
}

void PostgresServer::exec(const std::string& sql, const std::string& database) const {
  session(database).exec(sql);
}

Rows PostgresServer::query(const std::string& sql, const std::string& database) const {
  return session(database).query(sql);
}

std::string PostgresServer::value(const std::string& sql, const std::string& database) const {
  return session(database).value(sql);
}

std::string PostgresServer::ca_pem() const {
  return read_text(directory_ / "ca.crt");
}

std::string PostgresServer::other_ca_pem() const {
  return read_text(directory_ / "other-ca.crt");
}

std::string PostgresServer::client_certificate_pem() const {
  return read_text(directory_ / "client.crt");
}

std::string PostgresServer::client_key_pem() const {
  return read_text(directory_ / "client.key");
}

}  // namespace penstock::test
