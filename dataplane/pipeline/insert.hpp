#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <string>

#include "core/result.hpp"
#include "dataplane/clickhouse/client.hpp"
#include "dataplane/columns/column.hpp"
#include "dataplane/pipeline/binding.hpp"

namespace penstock::pipeline {

/// Told of every failed attempt that is tried again, and with nullopt when one succeeds after that.
using RetryReport = std::function<void(const std::optional<Error>&)>;

/// Inserts the block, and again with back-off to 30 s while waiting can cure what fails; `token` makes a
/// repeat of the same bytes harmless on tables without versions. Returns early, with Cancelled, once `stop`
/// is set.
[[nodiscard]] Status insert_until_done(clickhouse::Client& client, const Binding& binding, const Block& block,
                                       const std::string& token, const std::atomic<bool>& stop,
                                       const RetryReport& report);

/// Waits at most `wait`; returns early once `stop` is set.
void wait_unless(const std::atomic<bool>& stop, std::chrono::milliseconds wait);

}  // namespace penstock::pipeline
