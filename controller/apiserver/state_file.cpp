#include "controller/apiserver/state_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "controller/apiserver/state_disk.hpp"

namespace penstock::apiserver {

namespace {

constexpr int kApplicationId = 0x50534b31;  // "PSK1"
constexpr int kFormat = 1;
constexpr int kGrowth = 1 << 20;  // so that a page more seldom needs space on the disk

class Statement {
 public:
  Statement(sqlite3* database, const std::string& sql) {
    code_ = sqlite3_prepare_v2(database, sql.c_str(), -1, &statement_, nullptr);
  }
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  void bind(int at, const std::string& text) {
    if (code_ == SQLITE_OK)
      code_ = sqlite3_bind_text64(statement_, at, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
  }
  void bind(int at, std::int64_t number) {
    if (code_ == SQLITE_OK) code_ = sqlite3_bind_int64(statement_, at, number);
  }
  /// True while there is a row; ok() tells the end from a fault.
  bool step() {
    if (code_ != SQLITE_OK && code_ != SQLITE_ROW) return false;
    code_ = sqlite3_step(statement_);
    return code_ == SQLITE_ROW;
  }
  [[nodiscard]] bool ok() const { return code_ == SQLITE_DONE || code_ == SQLITE_ROW; }
  [[nodiscard]] std::int64_t number(int column) const { return sqlite3_column_int64(statement_, column); }
  [[nodiscard]] std::string text(int column) const {
    const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, column));
    return bytes == nullptr
               ? std::string()
               : std::string(bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)));
  }

 private:
  sqlite3_stmt* statement_ = nullptr;
  int code_ = SQLITE_OK;
};

/// SQLite would create the file with the umask's mode, and its -wal beside it with the same.
Status create_private(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0) {
    return fail(ErrorKind::NeedsUser, "StateFileUnusable",
                fmt::format("cannot open the state file {}: {}", path, std::strerror(errno)),
                "Make it and its directory writable for this user, or choose another --data-dir");
  }
  (void)::fchmod(file, 0600);
  ::close(file);
  return {};
}

}  // namespace

StateFile::~StateFile() {
  int in_log = 0;
  int copied = -1;
  if (ready_) {
    sqlite3_wal_checkpoint_v2(database_, nullptr, SQLITE_CHECKPOINT_PASSIVE, &in_log, &copied);
  }
  sqlite3_close(database_);
  if (in_log == copied) blank_log(path_ + "-wal");
}

tl::unexpected<Error> StateFile::fault() const {
  const int code = sqlite3_errcode(database_) & 0xFF;
  const std::string why = sqlite3_errmsg(database_);
  if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB) {
    return fail(ErrorKind::NeedsUser, "StateFileDamaged",
                fmt::format("the state file {} is damaged: {}", path_, why), damage_cure(path_));
  }
  if (code == SQLITE_FULL) return disk_full();
  return fail(ErrorKind::Transient, "StateFileUnusable", fmt::format("the state file {}: {}", path_, why),
              "Check the space on its disk and that it is writable");
}

tl::unexpected<Error> StateFile::disk_full() const {
  return fail(ErrorKind::Transient, "DiskFull",
              fmt::format("the disk of the state file {} is full: nothing is written but deletions", path_),
              "Free space on it; what is there can be read, and deleted");
}

bool StateFile::short_of_space() const {
  return is_short_of_space(path_);
}

Status StateFile::execute(const char* sql) {
  if (sqlite3_exec(database_, sql, nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  return fault();
}

Result<std::unique_ptr<StateFile>> StateFile::open(const std::string& path, bool was_used) {
  PENSTOCK_TRY(check_state_path(path, was_used));
  PENSTOCK_TRY(create_private(path));
  sqlite3* database = nullptr;
  const int code =
      sqlite3_open_v2(path.c_str(), &database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  std::unique_ptr<StateFile> file(new StateFile(path, database));
  if (code != SQLITE_OK) return file->fault();
  PENSTOCK_TRY(file->prepare());
  return file;
}

/// Whose file it is comes first, and by reading alone: a database of somebody else stays as it is.
Result<bool> StateFile::check_owner() {
  sqlite3_busy_timeout(database_, 2000);
  Statement header(database_,
                   "SELECT (SELECT count(*) FROM sqlite_master), application_id, user_version FROM "
                   "pragma_application_id, pragma_user_version");
  if (!header.step()) return fault();
  if (header.number(0) > 0 && header.number(1) != kApplicationId) {
    return fail(ErrorKind::NeedsUser, "StateFileUnusable",
                fmt::format("{} is not a Penstock state file", path_), "Choose another --data-dir");
  }
  if (header.number(2) > kFormat) {
    return fail(
        ErrorKind::NeedsUser, "StateFileTooNew",
        fmt::format("the state file {} was written by a newer Penstock (format {})", path_, header.number(2)),
        "Use that version again, or choose another --data-dir");
  }
  return header.number(1) == kApplicationId && header.number(2) == kFormat;
}

Status StateFile::check_content() {
  Statement check(database_, "PRAGMA quick_check(1)");
  const bool answered = check.step();
  if (answered && check.text(0) == "ok") return {};
  if (!check.ok()) return fault();
  return fail(ErrorKind::NeedsUser, "StateFileDamaged",
              fmt::format("the state file {} is damaged: {}", path_, check.text(0)), damage_cure(path_));
}

Status StateFile::prepare() {
  PENSTOCK_ASSIGN(const bool complete, check_owner());
  PENSTOCK_TRY(check_content());
  int on = 1;
  int growth = kGrowth;
  sqlite3_file_control(database_, "main", SQLITE_FCNTL_PERSIST_WAL, &on);
  sqlite3_file_control(database_, "main", SQLITE_FCNTL_CHUNK_SIZE, &growth);
  PENSTOCK_TRY(execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"));
  if (!complete) PENSTOCK_TRY(create_tables());
  reserve_log(path_ + "-wal");
  ready_ = true;
  return {};
}

Status StateFile::create_tables() {
  return execute(
      fmt::format("BEGIN;"
                  "PRAGMA application_id={};"
                  "PRAGMA user_version={};"
                  "CREATE TABLE IF NOT EXISTS objects(type TEXT NOT NULL, namespace TEXT NOT NULL, "
                  "name TEXT NOT NULL, revision INTEGER NOT NULL, written INTEGER NOT NULL, "
                  "body TEXT NOT NULL, PRIMARY KEY(type, namespace, name));"
                  "CREATE TABLE IF NOT EXISTS settings(name TEXT PRIMARY KEY, value TEXT NOT NULL);"
                  "COMMIT;",
                  kApplicationId, kFormat)
          .c_str());
}

Result<std::vector<StateRow>> StateFile::load() {
  Statement select(database_, "SELECT type, namespace, name, revision, written, body FROM objects");
  std::vector<StateRow> rows;
  while (select.step()) {
    rows.push_back({select.text(0), select.text(1), select.text(2),
                    static_cast<std::uint64_t>(select.number(3)),
                    WallTime(std::chrono::microseconds(select.number(4))), select.text(5)});
  }
  if (!select.ok()) return fault();
  return rows;
}

Result<std::uint64_t> StateFile::revision() {
  Statement select(database_, "SELECT CAST(value AS INTEGER) FROM settings WHERE name = 'revision'");
  if (select.step()) return static_cast<std::uint64_t>(select.number(0));
  if (!select.ok()) return fault();
  return 0;
}

Status StateFile::put(const StateRow& row) {
  PENSTOCK_TRY(execute("BEGIN IMMEDIATE"));
  Statement insert(database_, "INSERT OR REPLACE INTO objects VALUES(?1, ?2, ?3, ?4, ?5, ?6)");
  insert.bind(1, row.type);
  insert.bind(2, row.ns);
  insert.bind(3, row.name);
  insert.bind(4, static_cast<std::int64_t>(row.revision));
  insert.bind(5, row.written.time_since_epoch().count());
  insert.bind(6, row.body);
  insert.step();
  return finish(insert.ok(), row.revision);
}

Status StateFile::remove(const std::string& type, const std::string& ns, const std::string& name,
                         std::uint64_t revision) {
  PENSTOCK_TRY(execute("BEGIN IMMEDIATE"));
  Statement erase(database_, "DELETE FROM objects WHERE type = ?1 AND namespace = ?2 AND name = ?3");
  erase.bind(1, type);
  erase.bind(2, ns);
  erase.bind(3, name);
  erase.step();
  return finish(erase.ok(), revision);
}

Status StateFile::finish(bool written, std::uint64_t revision) {
  if (written) {
    Statement mark(database_, "INSERT OR REPLACE INTO settings VALUES('revision', ?1)");
    mark.bind(1, static_cast<std::int64_t>(revision));
    mark.step();
    written = mark.ok();
  }
  Status done = written ? execute("COMMIT") : Status(fault());
  if (!done) (void)sqlite3_exec(database_, "ROLLBACK", nullptr, nullptr, nullptr);
  return done;
}

Result<std::optional<std::string>> StateFile::setting(const std::string& name) {
  Statement select(database_, "SELECT value FROM settings WHERE name = ?1");
  select.bind(1, name);
  if (select.step()) return std::optional(select.text(0));
  if (!select.ok()) return fault();
  return std::optional<std::string>();
}

Status StateFile::set_setting(const std::string& name, const std::string& value) {
  Statement insert(database_, "INSERT OR REPLACE INTO settings VALUES(?1, ?2)");
  insert.bind(1, name);
  insert.bind(2, value);
  insert.step();
  if (!insert.ok()) return fault();
  return {};
}

}  // namespace penstock::apiserver
