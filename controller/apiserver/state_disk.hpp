#pragma once

#include <string>

#include "core/result.hpp"

namespace penstock::apiserver {

/// What is wrong with the state file before SQLite sees it: something else than a file, or emptied or gone
/// while what belongs to it is there. `was_used`: the directory holds what only a server that had a state
/// file left. StateFileDamaged or StateFileUnusable.
[[nodiscard]] Status check_state_path(const std::string& path, bool was_used);

/// The cure of a damaged state file.
[[nodiscard]] std::string damage_cure(const std::string& path);

/// Space on the disk that is left to deletions, and to the next start, when it is full otherwise: SQLite's
/// log (`path` with "-wal") keeps its size, and begins again in place after each checkpoint. Best effort;
/// `wal` need not exist.
void reserve_log(const std::string& wal);
/// Makes the log one without content, keeping its size; for a log whose pages are all in the database. What a
/// former process left must not be taken for the log of a file that was restored meanwhile.
void blank_log(const std::string& wal);

/// True when so little is free on the file's disk that only what may use the reserve is written.
[[nodiscard]] bool is_short_of_space(const std::string& path);

}  // namespace penstock::apiserver
