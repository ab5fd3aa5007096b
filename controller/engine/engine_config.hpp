#pragma once

#include <string>

#include "core/result.hpp"

namespace penstock::engine {

/// The engine's configuration, a file in memory that lives as long as the process: its path
/// (/proc/self/fd/N).
///
/// Statements run as `default`, who may do everything with databases, tables, views, dictionaries and
/// functions, and has no privilege beyond: not on users, named collections, BACKUP. Without `allow_sources`
/// not on sources either (ClickHouse docs, "GRANT", "SOURCES"): file, url, s3, remote, mysql, postgresql and
/// the like as table functions, and as table engines. What ClickHouse asks no privilege for (the sources of
/// dictionaries, databases of foreign servers, executables) is for the fence to stop (engine_fence.hpp).
[[nodiscard]] Result<std::string> make_engine_config(const std::string& data_directory, bool allow_sources);

}  // namespace penstock::engine
