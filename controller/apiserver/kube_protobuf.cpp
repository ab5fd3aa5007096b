#include "controller/apiserver/kube_protobuf.hpp"

#include <fmt/format.h>

#include <array>
#include <optional>
#include <span>

#include "controller/apiserver/protobuf.hpp"
#include "controller/apiserver/rfc3339.hpp"
#include "core/base64.hpp"

namespace penstock::apiserver {

namespace {

enum class Form { Text, Texts, Bool, Int, Time, Message, Messages, TextMap, BytesMap };

/// A field of a message: numbers are those of the generated.proto files in kubernetes/api and apimachinery.
struct Field {
  std::uint32_t number;
  std::string_view name;
  Form form;
  std::span<const Field> message{};
};

constexpr std::array kOwnerReference{
    Field{1, "kind", Form::Text},       Field{3, "name", Form::Text},
    Field{4, "uid", Form::Text},        Field{5, "apiVersion", Form::Text},
    Field{6, "controller", Form::Bool}, Field{7, "blockOwnerDeletion", Form::Bool}};
constexpr std::array kObjectMeta{Field{1, "name", Form::Text},
                                 Field{2, "generateName", Form::Text},
                                 Field{3, "namespace", Form::Text},
                                 Field{5, "uid", Form::Text},
                                 Field{6, "resourceVersion", Form::Text},
                                 Field{8, "creationTimestamp", Form::Time},
                                 Field{11, "labels", Form::TextMap},
                                 Field{12, "annotations", Form::TextMap},
                                 Field{13, "ownerReferences", Form::Messages, kOwnerReference},
                                 Field{14, "finalizers", Form::Texts}};
constexpr std::array kSecret{Field{1, "metadata", Form::Message, kObjectMeta},
                             Field{2, "data", Form::BytesMap}, Field{3, "type", Form::Text},
                             Field{4, "stringData", Form::TextMap}, Field{5, "immutable", Form::Bool}};
constexpr std::array kConfigMap{Field{1, "metadata", Form::Message, kObjectMeta},
                                Field{2, "data", Form::TextMap}, Field{3, "binaryData", Form::BytesMap},
                                Field{4, "immutable", Form::Bool}};
constexpr std::array kNamespaceSpec{Field{1, "finalizers", Form::Texts}};
constexpr std::array kNamespace{Field{1, "metadata", Form::Message, kObjectMeta},
                                Field{2, "spec", Form::Message, kNamespaceSpec}};
constexpr std::array kResourceAttributes{
    Field{1, "namespace", Form::Text}, Field{2, "verb", Form::Text},     Field{3, "group", Form::Text},
    Field{4, "version", Form::Text},   Field{5, "resource", Form::Text}, Field{6, "subresource", Form::Text},
    Field{7, "name", Form::Text}};
constexpr std::array kNonResourceAttributes{Field{1, "path", Form::Text}, Field{2, "verb", Form::Text}};
constexpr std::array kAccessReviewSpec{
    Field{1, "resourceAttributes", Form::Message, kResourceAttributes},
    Field{2, "nonResourceAttributes", Form::Message, kNonResourceAttributes}};
constexpr std::array kAccessReview{Field{1, "metadata", Form::Message, kObjectMeta},
                                   Field{2, "spec", Form::Message, kAccessReviewSpec}};
constexpr std::array kRulesReviewSpec{Field{1, "namespace", Form::Text}};
constexpr std::array kRulesReview{Field{1, "metadata", Form::Message, kObjectMeta},
                                  Field{2, "spec", Form::Message, kRulesReviewSpec}};
constexpr std::array kSubjectReview{Field{1, "metadata", Form::Message, kObjectMeta}};
constexpr std::array kPreconditions{Field{1, "uid", Form::Text}, Field{2, "resourceVersion", Form::Text}};
constexpr std::array kDeleteOptions{
    Field{1, "gracePeriodSeconds", Form::Int}, Field{2, "preconditions", Form::Message, kPreconditions},
    Field{4, "propagationPolicy", Form::Text}, Field{5, "dryRun", Form::Texts}};

struct Kind {
  std::string_view name;
  std::span<const Field> fields;
};
constexpr std::array kKinds{Kind{"Secret", kSecret},
                            Kind{"ConfigMap", kConfigMap},
                            Kind{"Namespace", kNamespace},
                            Kind{"SelfSubjectAccessReview", kAccessReview},
                            Kind{"SelfSubjectRulesReview", kRulesReview},
                            Kind{"SelfSubjectReview", kSubjectReview},
                            Kind{"DeleteOptions", kDeleteOptions}};

bool read_message(std::string_view bytes, std::span<const Field> fields, Json& out);

/// metav1.Time: seconds and nanoseconds. The zero time is left out.
bool read_time(std::string_view bytes, std::string_view name, Json& out) {
  ProtoReader reader(bytes);
  std::int64_t seconds = 0;
  while (const auto field = reader.next()) {
    if (field->number == 1) seconds = static_cast<std::int64_t>(field->value);
  }
  constexpr std::int64_t kYear9999 = 253402300799;
  if (seconds > 0 && seconds <= kYear9999)
    out[std::string(name)] = rfc3339(WallTime(std::chrono::seconds(seconds)));
  return !reader.failed();
}

bool read_map_entry(std::string_view bytes, bool binary, Json& map) {
  ProtoReader reader(bytes);
  std::string key;
  std::string value;
  while (const auto field = reader.next()) {
    if (field->number == 1) key = field->bytes;
    if (field->number == 2) value = field->bytes;
  }
  map[key] = binary ? base64_encode(value) : value;
  return !reader.failed();
}

bool read_field(const ProtoField& wire, const Field& field, Json& out) {
  const bool scalar = field.form == Form::Bool || field.form == Form::Int;
  if (scalar == wire.delimited) return false;
  const std::string name(field.name);
  switch (field.form) {
    case Form::Bool:
      out[name] = wire.value != 0;
      return true;
    case Form::Int:
      out[name] = static_cast<std::int64_t>(wire.value);
      return true;
    case Form::Text:
      // Go writes every string, the empty ones too, where JSON leaves them out.
      if (!wire.bytes.empty()) out[name] = wire.bytes;
      return true;
    case Form::Texts:
      out[name].push_back(wire.bytes);
      return true;
    case Form::Time:
      return read_time(wire.bytes, field.name, out);
    case Form::TextMap:
      return read_map_entry(wire.bytes, false, out[name]);
    case Form::BytesMap:
      return read_map_entry(wire.bytes, true, out[name]);
    case Form::Message: {
      Json message = Json::object();
      if (!read_message(wire.bytes, field.message, message)) return false;
      if (!message.empty()) out[name] = std::move(message);
      return true;
    }
    case Form::Messages: {
      Json message = Json::object();
      if (!read_message(wire.bytes, field.message, message)) return false;
      out[name].push_back(std::move(message));
      return true;
    }
  }
  return false;
}

bool read_message(std::string_view bytes, std::span<const Field> fields, Json& out) {
  ProtoReader reader(bytes);
  while (const auto wire = reader.next()) {
    for (const auto& field : fields) {
      if (field.number == wire->number && !read_field(*wire, field, out)) return false;
    }
  }
  return !reader.failed();
}

struct Unknown {
  std::string_view type_meta;
  std::string_view raw;
};

std::optional<Unknown> read_envelope(std::string_view body) {
  constexpr std::string_view kMagic("k8s\0", 4);
  if (!body.starts_with(kMagic)) return std::nullopt;
  ProtoReader reader(body.substr(kMagic.size()));
  Unknown unknown;
  while (const auto field = reader.next()) {
    if (field->number == 1) unknown.type_meta = field->bytes;
    if (field->number == 2) unknown.raw = field->bytes;
  }
  return reader.failed() ? std::nullopt : std::optional(unknown);
}

}  // namespace

Reply<Json> read_kube_protobuf(std::string_view body) {
  const auto unknown = read_envelope(body);
  constexpr std::array kTypeMeta{Field{1, "apiVersion", Form::Text}, Field{2, "kind", Form::Text}};
  Json object = Json::object();
  if (!unknown || !read_message(unknown->type_meta, kTypeMeta, object)) {
    return bad_request("the body is not a Kubernetes protobuf message");
  }
  const auto& name = text_of(object, {"kind"});
  for (const auto& kind : kKinds) {
    if (kind.name != name) continue;
    if (!read_message(unknown->raw, kind.fields, object)) {
      return bad_request(fmt::format("the body is not a {} in protobuf", kind.name));
    }
    // Strings are not checked for UTF-8 above; what is not UTF-8 must not get into the state.
    try {
      (void)object.dump();
    } catch (const Json::type_error&) {
      return bad_request(fmt::format("the {} holds text that is not UTF-8", kind.name));
    }
    return object;
  }
  return unsupported_media_type(
      fmt::format("a \"{}\" cannot be read from protobuf here: send it as application/json", name));
}

}  // namespace penstock::apiserver
