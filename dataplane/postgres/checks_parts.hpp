#pragma once

// The parts that check_source() is made of. Each adds the faults it finds to `out`.

#include "dataplane/postgres/checks.hpp"

namespace penstock::postgres {

using Faults = std::vector<Error>;

void check_server(const SourceWish& wish, const ServerFacts& server, const SlotFacts& slot, Faults& out);
void check_tables(const SourceWish& wish, const ServerFacts& server,
                  const std::vector<std::optional<SourceTable>>& tables, Faults& out);
/// Of a table that is there.
void check_columns(const TableWish& wish, const ServerFacts& server, const SourceTable& table, Faults& out);
void check_identity(const TableWish& wish, bool streams, const SourceTable& table, Faults& out);
void check_publication(const SourceWish& wish, const ServerFacts& server,
                       const std::vector<std::optional<SourceTable>>& tables,
                       const PublicationFacts& publication, Faults& out);
void check_slot(const SourceWish& wish, const ServerFacts& server, const SlotFacts& slot, Faults& out);

inline void add_fault(Faults& out, std::string reason, std::string message, std::string cure) {
  out.push_back({ErrorKind::NeedsUser, std::move(reason), std::move(message), std::move(cure)});
}

/// Columns that take part: published, and neither excluded nor generated.
[[nodiscard]] std::vector<const SourceColumn*> wanted_columns(const TableWish& wish,
                                                              const SourceTable& table);
/// What names a row in the target: the replica identity's key, else the primary key.
[[nodiscard]] const std::vector<std::string>& row_key(const SourceTable& table);
[[nodiscard]] bool holds_name(const std::vector<std::string>& names, const std::string& name);
/// `a, b`, and quoted for SQL `"a", "b"`.
[[nodiscard]] std::string listed(const std::vector<std::string>& names);
[[nodiscard]] std::string quoted_list(const std::vector<std::string>& names);

}  // namespace penstock::postgres
