#include "controller/apiserver/rendering.hpp"

namespace penstock::apiserver {

namespace {

Json table(const Rendering& rendering, Json metadata, bool definitions) {
  return {{"kind", "Table"},
          {"apiVersion", "meta.k8s.io/v1"},
          {"metadata", std::move(metadata)},
          {"columnDefinitions", definitions ? column_definitions(*rendering.type) : Json()},
          {"rows", Json::array()}};
}

Json list_meta(const ListMeta& meta) {
  Json json{{"resourceVersion", std::to_string(meta.revision)}};
  if (!meta.continue_token.empty()) json["continue"] = meta.continue_token;
  if (meta.remaining > 0) json["remainingItemCount"] = meta.remaining;
  return json;
}

}  // namespace

std::string Rendering::content_type() const {
  switch (form) {
    case Form::Table:
      return "application/json;as=Table;v=v1;g=meta.k8s.io";
    case Form::PartialMetadata:
      return "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io";
    case Form::Object:
      break;
  }
  return "application/json";
}

Reply<Rendering> rendering_of(const ResourceType& type, const Request& request) {
  const auto form = accepted_form(request.accept);
  if (!form) return tl::unexpected(form.error());
  Rendering rendering{&type, *form};
  const auto& include = request.param("includeObject");
  if (include == "None") rendering.include = IncludeObject::None;
  if (include == "Object") rendering.include = IncludeObject::Object;
  return rendering;
}

std::string render_object(const Rendering& rendering, const Json& object, const std::string* text,
                          WallTime now) {
  if (rendering.form == Form::Table) return render_row(rendering, object, true, now);
  if (rendering.form == Form::PartialMetadata) return to_text(partial_metadata(object));
  return text != nullptr ? *text : to_text(object);
}

std::string render_row(const Rendering& rendering, const Json& object, bool definitions, WallTime now) {
  const auto& revision = text_of(object, {"metadata", "resourceVersion"});
  Json rendered = table(rendering, {{"resourceVersion", revision}}, definitions);
  rendered["rows"].push_back(table_row(*rendering.type, object, rendering.include, now));
  return to_text(rendered);
}

std::string render_list(const Rendering& rendering, const std::vector<ObjectPtr>& objects,
                        const ListMeta& meta, WallTime now) {
  if (rendering.form == Form::Table) {
    Json rendered = table(rendering, list_meta(meta), true);
    for (const auto& object : objects) {
      rendered["rows"].push_back(table_row(*rendering.type, object->value, rendering.include, now));
    }
    return to_text(rendered);
  }
  const bool partial = rendering.form == Form::PartialMetadata;
  const Json head{{"kind", partial ? "PartialObjectMetadataList" : rendering.type->list_kind},
                  {"apiVersion", partial ? "meta.k8s.io/v1" : rendering.type->api_version()},
                  {"metadata", list_meta(meta)}};
  std::string text = to_text(head);
  text.back() = ',';
  text += "\"items\":[";
  for (const auto& object : objects) {
    text += partial ? to_text(partial_metadata(object->value)) : object->text;
    text += ',';
  }
  if (!objects.empty()) text.pop_back();
  return text + "]}";
}

}  // namespace penstock::apiserver
