#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "core/result.hpp"
#include "core/row_version.hpp"
#include "dataplane/clickhouse/client.hpp"
#include "dataplane/columns/column.hpp"
#include "dataplane/pipeline/binding.hpp"

namespace penstock::pipeline {

/// How a run is told to end; set by any thread.
struct StopFlags {
  std::atomic<bool> soon{false};  ///< finish what is in flight, but wait for nothing that fails
  std::atomic<bool> now{false};
  [[nodiscard]] bool any() const { return soon.load() || now.load(); }
};

/// Told of every failed attempt that is tried again, and with nullopt when one succeeds after that.
using RetryReport = std::function<void(const std::optional<Error>&)>;

/// Whether others are to be written while one table waits.
enum class Others { None, Wait };

enum class Rows { Loaded, Streamed };

/// One try; what it fails with says whether waiting can cure it.
using Try = std::function<Status()>;

/// Tries, and again with back-off to 30 s while what fails is Transient or InDoubt. Once `stop` is set,
/// nothing is tried again: the outcome is Cancelled. Where others wait, what holds up one table alone is
/// returned after some tries.
[[nodiscard]] Status try_until_done(const Try& once, const StopFlags& stop, const RetryReport& report,
                                    Others others = Others::None);

/// Inserts the block until it is done; `token` makes a repeat of the same bytes harmless on tables without
/// versions.
[[nodiscard]] Status insert_until_done(clickhouse::Client& client, const Binding& binding, const Block& block,
                                       const std::string& token, const StopFlags& stop,
                                       const RetryReport& report, Others others = Others::None,
                                       Rows rows = Rows::Loaded);

/// The same with what the target does not have of the block: by binding.resume, which must be there.
/// `first`: the lowest version in the block, whose rows of one version are all in it. Waits until no earlier
/// insert of a stream's rows into the target runs.
[[nodiscard]] Status insert_missing_until_done(clickhouse::Client& client, const Binding& binding,
                                               const Block& block, const RowVersion& first,
                                               const StopFlags& stop, const RetryReport& report,
                                               Others others = Others::None);

/// The setting by which no_insert_runs() knows an insert into the target.
[[nodiscard]] std::pair<std::string, std::string> told_apart(const clickhouse::Client& client,
                                                             const Binding& binding, Rows rows);

/// StatementStillRuns (Transient) while an insert of such rows into the table runs: one whose answer was
/// lost, or that outlived the process that sent it.
[[nodiscard]] Status no_insert_runs(clickhouse::Client& client, const std::string& table, Rows rows);

/// Waits at most `wait`; returns early once `stop` is set.
void wait_unless(const StopFlags& stop, std::chrono::milliseconds wait);

}  // namespace penstock::pipeline
