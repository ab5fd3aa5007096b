#pragma once

// Tables that a stream goes on without, because one of their changes cannot be written: which, until when the
// source is asked to keep their changes, and when they are tried again. Pure.

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "core/lsn.hpp"
#include "core/result.hpp"

namespace penstock::pipeline {

/// How long the source keeps the changes of a table that fails, before the stream moves on without it.
struct TablePatience {
  std::chrono::milliseconds time = std::chrono::minutes(5);
  std::uint64_t wal_bytes = std::uint64_t{1} << 30;
};

/// Where a stream is when a table fails.
struct StreamPlace {
  Lsn confirmed;  ///< what the source has been told is written, of all tables
  Lsn received;   ///< how far the stream had come
  Lsn commit;     ///< of the newest transaction that it had taken changes in of: the failed ones are no newer
};

class HeldTables {
 public:
  using Time = std::chrono::steady_clock::time_point;
  explicit HeldTables(TablePatience patience) : patience_(patience) {}

  /// A change of this table could not be written; of kind Quarantine: it is set apart at once.
  void fail(const std::string& table, Error error, const StreamPlace& at, Time now);
  /// Those whose patience is over are set apart for good; true when there are such. It does not wear out
  /// while the error is one that time cures, and for what a person has to permit only by the WAL that the
  /// source keeps.
  bool set_apart_overdue(Lsn received, Time now);
  /// Some that are waited for may be tried again now.
  [[nodiscard]] bool retry_due(Time now) const;
  /// The stream begins again at `confirmed`, with those that are waited for.
  void try_again(Time now);
  /// Those that are tried again and whose failed transaction is written by now are well: the stream has
  /// written all changes up to `written`, but those of tables that it skips. Nothing need have come since,
  /// nor need the source have been told, which others may hold up.
  void note_written(Lsn written);

  /// The stream takes no changes of this table in.
  [[nodiscard]] bool skips(const std::string& table) const;
  /// Why it is set apart; nullopt: it is not.
  [[nodiscard]] std::optional<Error> set_apart(const std::string& table) const;
  /// What the source may be told is written, at most; nullopt: anything. A table that is set apart keeps its
  /// place in the source, too, until a stream begins without it: only then it is recorded that it is.
  [[nodiscard]] std::optional<Lsn> limit() const;
  /// For how long a change of this table has been waiting for its target; nullopt: none has.
  [[nodiscard]] std::optional<std::chrono::duration<double>> behind(const std::string& table, Time now) const;
  /// Some are taken in again: what the stream brings now begins where they failed.
  [[nodiscard]] bool tries() const;
  /// Of the first table that is waited for, its message followed by those of the others; nullopt: none is.
  [[nodiscard]] std::optional<Error> waited_for() const;

 private:
  enum class Stage {
    Waiting,  ///< skipped, its changes kept in the source
    Trying,   ///< taken in again
    SetApart
  };
  struct Held {
    Stage stage = Stage::Waiting;
    Error error;
    Time since, last, next;
    int failures = 0;
    Lsn from, failed_at;
    Time patient_since;  ///< patience is counted from here: as `since` and `from`, and what time cures left
                         ///< out
    Lsn patient_from, last_received;
  };

  TablePatience patience_;
  std::map<std::string, Held> held_;
};

}  // namespace penstock::pipeline
