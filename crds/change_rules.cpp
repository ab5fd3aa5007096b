#include <fmt/format.h>

#include "crds/pipe_rules.hpp"

namespace penstock {
namespace {

using Faults = std::vector<FieldError>;

constexpr const char* kAnew = "delete this Pipe and create it anew, or set it back";

/// The names of slot and publication are settled when a controller first sees the pipe.
bool is_adopted(const PipeStatus& status) {
  return status.state.has_value();
}

/// Setup records which system the source is when everything was found valid and the targets are made.
bool setup_is_over(const PipeStatus& status) {
  return status.source.has_value();
}

void check_fixed(const std::string& path, bool changed, const char* when, Faults& faults) {
  if (changed)
    faults.push_back(
        {path, fmt::format("a change {} is not supported by this version yet; {}", when, kAnew)});
}

}  // namespace

void check_change(const Pipe& before, const PipeSpec& now, Faults& faults) {
  const PipeSpec& old = before.spec;
  const PostgresSpec& old_source = old.source;
  if (is_adopted(before.status)) {
    const auto check = [&](const char* path, bool changed) {
      check_fixed(path, changed, "after creation", faults);
    };
    check("spec.mode", old.mode != now.mode);
    check("spec.source.postgres.publication", old_source.publication != now.source.publication);
    check("spec.source.postgres.replicationSlot", old_source.replication_slot != now.source.replication_slot);
  }
  if (setup_is_over(before.status)) {
    const auto check = [&](const char* path, bool changed) {
      check_fixed(path, changed, "after Setup", faults);
    };
    check("spec.source.postgres.database", old_source.database != now.source.database);
    check("spec.source.postgres.failoverSlot", old_source.failover_slot != now.source.failover_slot);
    check("spec.destination.clickhouse.database", old.destination.database != now.destination.database);
  }
}

}  // namespace penstock
