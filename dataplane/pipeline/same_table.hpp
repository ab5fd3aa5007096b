#pragma once

// Whether what a load reads next is still what it was planned for. Pure.

#include <optional>

#include "dataplane/pipeline/setup.hpp"
#include "dataplane/postgres/heap_state.hpp"

namespace penstock::pipeline {

inline constexpr const char* kTableChanged = "TableChanged";

/// Transient: the load of this one table begins again.
[[nodiscard]] Error table_changed(const TableJob& table, const std::string& what);

/// Whether the rows that the load's snapshot shows of the heap (an index into the table's heaps) are the
/// table's, so that they and the stream's changes since make up the table as it is now; if not, what happened
/// to it (table_changed()). `then`: what the snapshot has, `now`: the
/// present, looked at while the heap is locked.
///
/// A column added since is none of it: the stream brings its values, and rows from before have its default.
/// One dropped that is not read is none either.
[[nodiscard]] std::optional<Error> what_changed(const BoundTable& table, std::size_t heap,
                                                const postgres::HeapState& then,
                                                const postgres::HeapState& now);

/// The same of a load that begins: changes from before it may be streamed as the catalog was then, and their
/// versions hide the rows that it loads. So columns that took another's name, labels that were renamed, and,
/// where the load's snapshot is not the slot's (`rows_too`), rows that were changed behind the stream's back
/// must not be among them.
[[nodiscard]] std::optional<Error> what_changed_since_setup(const BoundTable& table, bool rows_too);

}  // namespace penstock::pipeline
