#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/result.hpp"

struct sqlite3;

namespace penstock::apiserver {

/// One object as the state file keeps it.
struct StateRow {
  std::string type;
  std::string ns;
  std::string name;
  std::uint64_t revision = 0;
  WallTime written{};
  std::string body;
};

/// The state on disk: an SQLite database in WAL mode with synchronous=FULL. FULL, because what a client was
/// told is written is acted upon (the name of a replication slot is recorded before the slot is made), and
/// writes are few.
///
/// Not thread-safe: the caller lets one call in at a time.
class StateFile {
 public:
  /// Opens or creates the file (mode 0600). `was_used`: its directory has been used by a server before, so
  /// that an empty file is a damaged one. Fails with reason StateFileDamaged, StateFileUnusable or
  /// StateFileTooNew, naming the path and the cure.
  [[nodiscard]] static Result<std::unique_ptr<StateFile>> open(const std::string& path,
                                                               bool was_used = false);
  ~StateFile();
  StateFile(const StateFile&) = delete;
  StateFile& operator=(const StateFile&) = delete;

  [[nodiscard]] Result<std::vector<StateRow>> load();
  /// Highest revision ever written, removals included; 0 in a new file.
  [[nodiscard]] Result<std::uint64_t> revision();

  /// The disk has no space left but what is set aside for deletions and the next start. The writes below do
  /// not ask; where there is none at all they fail with reason DiskFull, and may be tried again.
  [[nodiscard]] bool short_of_space() const;
  [[nodiscard]] tl::unexpected<Error> disk_full() const;

  /// Each is one transaction, on disk when it returns, and moves revision() on.
  [[nodiscard]] Status put(const StateRow& row);
  [[nodiscard]] Status remove(const std::string& type, const std::string& ns, const std::string& name,
                              std::uint64_t revision);

  /// What the server must remember beside objects: its token, its certificate.
  [[nodiscard]] Result<std::optional<std::string>> setting(const std::string& name);
  [[nodiscard]] Status set_setting(const std::string& name, const std::string& value);

 private:
  StateFile(std::string path, sqlite3* database) : path_(std::move(path)), database_(database) {}
  Result<bool> check_owner();  ///< true: ours, with all of its tables; false: new
  Status check_content();
  Status prepare();
  Status create_tables();
  Status execute(const char* sql);
  Status finish(bool written, std::uint64_t revision);
  tl::unexpected<Error> fault() const;

  std::string path_;
  sqlite3* database_;
  bool ready_ = false;
};

}  // namespace penstock::apiserver
