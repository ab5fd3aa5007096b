#include "crds/pipe.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/table_name.hpp"
#include "crds/pipe_fields.hpp"

namespace penstock {
namespace {

tl::unexpected<Error> invalid(const FieldError& fault) {
  return fail(ErrorKind::NeedsUser, "InvalidPipe", fault.path + " " + fault.message,
              "Correct the field; `kubectl explain pipe --recursive` tells what each takes");
}

template <typename T>
Result<T> read_at(const nlohmann::json& object, const char* path) {
  std::optional<FieldError> fault;
  T out = read_object<T>(object, path, fault);
  if (fault) return invalid(*fault);
  return out;
}

void read_metadata(FieldReader& fields, Pipe& pipe) {
  fields.field("namespace", pipe.ns);
  fields.required("name", pipe.name);
  fields.field("uid", pipe.uid);
  fields.field("resourceVersion", pipe.resource_version);
  fields.field("generation", pipe.generation);
  fields.field("finalizers", pipe.finalizers);
  std::optional<WallTime> deleted_at;
  fields.field("deletionTimestamp", deleted_at);
  pipe.deleting = deleted_at.has_value();
  if (deleted_at) pipe.deleting_since = *deleted_at;
  pipe.has_finalizer =
      std::find(pipe.finalizers.begin(), pipe.finalizers.end(), kPipeFinalizer) != pipe.finalizers.end();
}

std::string lag_text(double seconds) {
  if (seconds < 60) return fmt::format("{:.1f}s", std::max(seconds, 0.0));
  const auto whole = static_cast<std::int64_t>(seconds);
  if (whole < 3600) return fmt::format("{}m{}s", whole / 60, whole % 60);
  return fmt::format("{}h{}m", whole / 3600, whole % 3600 / 60);
}

}  // namespace

Result<Pipe> read_pipe(const nlohmann::json& object) {
  std::optional<FieldError> fault;
  Pipe pipe;
  FieldReader fields(object, "", fault);
  fields.group("metadata", [&](FieldReader& metadata) { read_metadata(metadata, pipe); });
  fields.required("spec", pipe.spec);
  fields.field("status", pipe.status);
  if (fault) return invalid(*fault);
  return pipe;
}

Result<PipeSpec> read_spec(const nlohmann::json& spec) {
  return read_at<PipeSpec>(spec, "spec");
}

nlohmann::json write_spec(const PipeSpec& spec) {
  return write_object(spec);
}

Result<PipeStatus> read_status(const nlohmann::json& status) {
  return read_at<PipeStatus>(status, "status");
}

nlohmann::json write_status(const PipeStatus& status) {
  return write_object(status);
}

std::string target_of(const TableSpec& table) {
  if (!table.target.empty()) return table.target;
  const auto source = TableName::parse(table.source);
  return source ? source->name : "";
}

const TableStatus* find_table(const PipeStatus& status, const std::string& source) {
  const auto at = std::find_if(status.tables.begin(), status.tables.end(),
                               [&](const TableStatus& table) { return table.source == source; });
  return at == status.tables.end() ? nullptr : &*at;
}

TargetSettings settings_of(const TableSpec& table) {
  return {table.excluded_columns, table.order_by, table.partition_by, table.engine, table.columns};
}

void summarize(PipeStatus& status, const PipeSpec& spec) {
  const auto unknown = std::count_if(spec.tables.begin(), spec.tables.end(), [&](const TableSpec& table) {
    return !find_table(status, table.source);
  });
  std::size_t ready = 0;
  status.rows = 0;
  for (const TableStatus& table : status.tables) {
    if (table.state == TableState::Streaming || table.state == TableState::Completed) ++ready;
    status.rows += table.rows_loaded + table.rows_streamed;
  }
  status.tables_ready = fmt::format("{}/{}", ready, status.tables.size() + static_cast<std::size_t>(unknown));
  const bool streamed = !status.replication.received_lsn.empty();
  status.replication.lag = streamed ? lag_text(status.replication.lag_seconds) : "";
}

const char* to_text(PipeState state) {
  return enum_name(state);
}
const char* to_text(TableState state) {
  return enum_name(state);
}
const char* to_text(Mode mode) {
  return enum_name(mode);
}
const char* to_text(TlsMode mode) {
  return enum_name(mode);
}
const char* to_text(TableEngine engine) {
  return enum_name(engine);
}
const char* to_text(DeletionPolicy policy) {
  return enum_name(policy);
}

}  // namespace penstock
