#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>

#include "crds/pipe_fields.hpp"
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

void check_generation(const std::string& path, std::int64_t before, std::int64_t now, Faults& faults) {
  if (before != now)
    faults.push_back(
        {path, fmt::format("a change is not supported by this version yet; set it back to {}, or delete "
                           "this Pipe and create it anew to have everything loaded again",
                           before)});
}

/// Names of the fields that differ, but for the resync generation, which has a rule of its own.
std::vector<std::string> changed_settings(const TableSpec& before, const TableSpec& now) {
  const nlohmann::json old_fields = write_object(before);
  const nlohmann::json new_fields = write_object(now);
  std::vector<std::string> names;
  for (const auto& step : nlohmann::json::diff(old_fields, new_fields)) {
    const std::string pointer = step["path"];
    const std::string name = pointer.substr(1, pointer.find('/', 1) - 1);
    if (name != "resyncGeneration" && (names.empty() || names.back() != name)) names.push_back(name);
  }
  return names;
}

using Tables = std::map<std::string, std::size_t>;

Tables by_source(const std::vector<TableSpec>& tables) {
  Tables out;
  for (std::size_t i = 0; i < tables.size(); ++i)
    out.emplace(tables[i].source, i);
  return out;
}

void check_table_set(const std::vector<TableSpec>& before, const std::vector<TableSpec>& now,
                     Faults& faults) {
  const Tables old_tables = by_source(before);
  const Tables new_tables = by_source(now);
  for (std::size_t i = 0; i < now.size(); ++i) {
    const std::string path = fmt::format("spec.tables[{}]", i);
    const auto old_table = old_tables.find(now[i].source);
    if (old_table == old_tables.end()) {
      faults.push_back(
          {path, fmt::format("adding a table after Setup is not supported by this version yet; declare {} "
                             "in a Pipe of its own",
                             now[i].source)});
    } else if (const auto names = changed_settings(before[old_table->second], now[i]); !names.empty()) {
      faults.push_back(
          {path, fmt::format("a change of {} after Setup is not supported by this version yet; {}",
                             fmt::join(names, ", "), kAnew)});
    }
  }
  for (const auto& [source, index] : old_tables)
    if (!new_tables.contains(source))
      faults.push_back(
          {"spec.tables", fmt::format("removing a table after Setup is not supported by this version yet; "
                                      "put {} back, or delete this Pipe and create it anew",
                                      source)});
}

void check_table_generations(const std::vector<TableSpec>& before, const std::vector<TableSpec>& now,
                             Faults& faults) {
  const Tables old_tables = by_source(before);
  for (std::size_t i = 0; i < now.size(); ++i)
    if (const auto old_table = old_tables.find(now[i].source); old_table != old_tables.end())
      check_generation(fmt::format("spec.tables[{}].resyncGeneration", i),
                       before[old_table->second].resync_generation, now[i].resync_generation, faults);
}

}  // namespace

void check_change(const Pipe& before, const PipeSpec& now, Faults& faults) {
  const PipeSpec& old = before.spec;
  const PostgresSpec& old_source = old.source;
  check_generation("spec.resyncGeneration", old.resync_generation, now.resync_generation, faults);
  check_table_generations(old.tables, now.tables, faults);
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
    check_table_set(old.tables, now.tables, faults);
  }
}

}  // namespace penstock
