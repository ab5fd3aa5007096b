// A SourceDefinition as the status keeps it.

#include <nlohmann/json.hpp>
#include <tuple>

#include "dataplane/pipeline/source_definition.hpp"

namespace penstock::pipeline {

using nlohmann::json;

std::string SourceDefinition::text() const {
  json list = json::array();
  for (const auto& one : columns) {
    const int flags =
        (one.generated ? 1 : 0) | (one.excluded ? 2 : 0) | (one.published ? 0 : 4) | (one.gone ? 8 : 0);
    json entry = {one.number, one.name, one.type, one.typmod, flags};
    if (!one.type_parts.empty()) entry.push_back(one.type_parts);
    list.push_back(std::move(entry));
  }
  json out = {{"oid", oid}, {"columns", std::move(list)}};
  if (last_number != 0) out["numbers"] = {last_number, seen_number};
  if (persistence != 'p') out["persistence"] = std::string(1, persistence);
  if (!unique_keys.empty()) out["unique"] = unique_keys;
  if (!publication.empty()) out["publication"] = publication;
  return out.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::optional<SourceDefinition> SourceDefinition::parse(const std::string& text) {
  const auto in = json::parse(text, nullptr, false);
  if (!in.is_object()) return std::nullopt;
  SourceDefinition out;
  try {
    out.oid = in.at("oid").get<std::uint32_t>();
    out.persistence = in.value("persistence", "p").at(0);
    std::tie(out.last_number, out.seen_number) = in.value("numbers", std::pair(0, 0));
    out.unique_keys = in.value("unique", std::vector<std::uint32_t>{});
    out.publication = in.value("publication", "");
    for (const auto& entry : in.at("columns")) {
      const int flags = entry.at(4).get<int>();
      out.columns.push_back(
          {entry.at(0).get<int>(), entry.at(1).get<std::string>(), entry.at(2).get<std::uint32_t>(),
           entry.at(3).get<std::int32_t>(), (flags & 1) != 0, (flags & 2) != 0,
           entry.size() > 5 ? entry.at(5).get<std::string>() : "", (flags & 4) == 0, (flags & 8) != 0});
    }
  } catch (const std::exception&) {  // of the status: somebody else's hand
    return std::nullopt;
  }
  return out;
}

}  // namespace penstock::pipeline
