#include "controller/apiserver/table.hpp"

#include <cmath>

#include "controller/apiserver/json_path.hpp"
#include "controller/apiserver/rfc3339.hpp"

namespace penstock::apiserver {

namespace {

/// A value as the column's type wants it, null where it does not fit.
Json cell_of(const std::string& type, const Json& value, WallTime now) {
  if (value.is_null()) return nullptr;
  if (type == "date") return age_of(value, now);
  if (type == "boolean") return value.is_boolean() ? value : Json();
  if (type == "number") return value.is_number() ? value : Json();
  if (type == "integer") {
    if (value.is_number_integer()) return value;
    return value.is_number_float() ? Json(static_cast<std::int64_t>(std::llround(value.get<double>())))
                                   : Json();
  }
  return value.is_string() ? value : Json(to_text(value));
}

Json custom_cell(const Column& column, const Json& object, WallTime now) {
  const auto path = JsonPath::parse(column.json_path);
  if (!path) return nullptr;
  const auto found = path->find(object);
  return found.empty() ? Json() : cell_of(column.type, *found.front(), now);
}

}  // namespace

std::string age_of(const Json& timestamp, WallTime now) {
  if (!timestamp.is_string()) return "<unknown>";
  const auto time = parse_rfc3339(timestamp.get_ref<const std::string&>());
  if (!time) return "<invalid>";
  return human_duration(std::chrono::floor<std::chrono::seconds>(now - *time));
}

Json partial_metadata(const Json& object) {
  return {{"kind", "PartialObjectMetadata"},
          {"apiVersion", "meta.k8s.io/v1"},
          {"metadata", member(object, "metadata")}};
}

Json column_definitions(const ResourceType& type) {
  Json columns = Json::array();
  for (const auto& column : type.columns) {
    columns.push_back({{"name", column.name},
                       {"type", column.type},
                       {"format", column.format},
                       {"description", column.description},
                       {"priority", column.priority}});
  }
  return columns;
}

Json table_row(const ResourceType& type, const Json& object, IncludeObject include, WallTime now) {
  Json cells = Json::array();
  if (type.custom) {
    for (const auto& column : type.columns) {
      cells.push_back(custom_cell(column, object, now));
    }
  } else {
    cells = core_cells(type, object, now);
  }
  Json row{{"cells", std::move(cells)}};
  if (include == IncludeObject::Metadata) row["object"] = partial_metadata(object);
  if (include == IncludeObject::Object) row["object"] = object;
  return row;
}

}  // namespace penstock::apiserver
