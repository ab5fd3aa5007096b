#pragma once

// libpqxx for the catalog*.cpp files, over a session that connect() opened: its settings, its bounds, its
// errors. Nobody else includes it.

#include <pqxx/connection_base>
#include <pqxx/result>
#include <pqxx/subtransaction>
#include <pqxx/transaction>

#include <functional>
#include <string>
#include <vector>

#include "core/lsn.hpp"
#include "core/table_name.hpp"
#include "dataplane/postgres/connection.hpp"

namespace penstock::postgres {

using CatalogQuery = std::function<void(pqxx::transaction_base&)>;

/// From here on the transaction reads the first rows of a table as its first: not from where another session
/// is reading it (PostgreSQL docs, synchronize_seqscans).
void read_from_the_start(pqxx::transaction_base& tx);

/// Runs `queries` in one transaction of a new session and commits it. Whatever libpqxx throws becomes an
/// Error.
[[nodiscard]] Status look(const Endpoint& endpoint, const std::string& doing, const CatalogQuery& queries);
[[nodiscard]] Status change(const Endpoint& endpoint, const std::string& doing,
                            const CatalogQuery& statements);

/// The value of a query that some servers refuse; empty then, and the transaction goes on.
[[nodiscard]] std::string value_or_nothing(pqxx::transaction_base& tx, const std::string& sql);

/// {"a","b"}: an array parameter, and the other way round.
[[nodiscard]] std::string array_of(const std::vector<std::string>& items);
[[nodiscard]] std::vector<std::string> items_of(const pqxx::field& array);

/// Whether `column` is $1, or begins with it and an underscore, and is not $2.
[[nodiscard]] std::string named_by_prefix(const std::string& column);

[[nodiscard]] Lsn lsn_of(const pqxx::field& text);
[[nodiscard]] std::string text_of(const pqxx::field& field);
/// server_version_num of the transaction's server.
[[nodiscard]] int version_of(pqxx::transaction_base& tx);

}  // namespace penstock::postgres
