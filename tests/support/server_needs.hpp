#pragma once

#include <string>

#include "tests/support/postgres_server.hpp"

namespace penstock::test {

/// Server versions, as server_version_num counts them, from which PostgreSQL has what some tests need.
constexpr int kPg14 = 140000;  ///< multiranges, infinite numerics, DETACH CONCURRENTLY, TID range scans
constexpr int kPg15 = 150000;  ///< row filters, column lists, TABLES IN SCHEMA, MERGE, numeric(3,-2)
constexpr int kPg17 = 170000;  ///< failover slots
constexpr int kPg18 = 180000;  ///< virtual and published generated columns, slots given up when idle

/// What this server lacks: "needs PostgreSQL 15, and this is 13.23" where it is older than `since`, or
/// "needs extension ltree, which this server does not have" where `sql` creates one that the server has no
/// files of. Empty: nothing; else a test is skipped with these words.
[[nodiscard]] std::string lacking(const PostgresServer& server, int since, const std::string& sql = "");

/// A minor release before those of May 2025: 13.21, 14.18, 15.13, 16.9, 17.5.
[[nodiscard]] bool is_before_may_2025(PostgresServer& server);

}  // namespace penstock::test
