#include "controller/apiserver/protobuf.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "controller/apiserver/kube_protobuf.hpp"
#include "controller/apiserver/openapi.hpp"
#include "tests/unit/apiserver/test_api.hpp"

namespace penstock::apiserver {
namespace {

using testing::HasSubstr;

ProtoWriter entry(std::string_view key, std::string_view value) {
  ProtoWriter out;
  out.bytes(1, key);
  out.bytes(2, value);
  return out;
}

std::string from_hex(std::string_view digits) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(std::string(digits.substr(i, 2)), nullptr, 16));
  }
  return bytes;
}

/// A body as kubectl sends it.
std::string envelope(std::string_view api_version, std::string_view kind, const ProtoWriter& object) {
  ProtoWriter unknown;
  unknown.message(1, entry(api_version, kind));
  unknown.message(2, object);
  unknown.bytes(3, "");
  unknown.bytes(4, "");
  return std::string("k8s\0", 4) + unknown.text();
}

ProtoWriter secret_message() {
  ProtoWriter created;  // Time{seconds: 0}: the zero time that Go writes
  ProtoWriter metadata;
  metadata.bytes(1, "s");
  metadata.bytes(2, "");
  metadata.bytes(3, "data");
  metadata.message(8, created);
  metadata.message(11, entry("app", "shop"));
  metadata.bytes(14, "example.com/hold");
  ProtoWriter secret;
  secret.message(1, metadata);
  secret.message(2, entry("password", std::string_view("\x00\xff geheim", 9)));
  secret.bytes(3, "Opaque");
  secret.message(4, entry("plain", "text"));
  secret.boolean(5, true);
  return secret;
}

TEST(KubeProtobuf, ReadsASecret) {
  const auto object = read_kube_protobuf(envelope("v1", "Secret", secret_message()));
  ASSERT_TRUE(object);
  EXPECT_EQ(*object,
            Json::parse(R"({"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "immutable": true,
    "metadata": {"name": "s", "namespace": "data", "labels": {"app": "shop"}, "finalizers": ["example.com/hold"]},
    "data": {"password": "AP8gZ2VoZWlt"}, "stringData": {"plain": "text"}})"));
}

TEST(KubeProtobuf, ReadsANamespaceAsKubectl132WritesIt) {
  // The body of `kubectl create namespace data`: empty strings, empty messages and all.
  const auto recorded = from_hex(
      "6b3873000a0f0a02763112094e616d657370616365121c0a140a046461746112001a0022002a0032003800420012001a020a00"
      "1a002200");
  const auto object = read_kube_protobuf(recorded);
  ASSERT_TRUE(object) << object.error().message;
  EXPECT_EQ(*object,
            Json::parse(R"({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "data"}})"));
}

TEST(KubeProtobuf, RefusesOtherKindsAndOtherBytes) {
  EXPECT_EQ(read_kube_protobuf(envelope("v1", "Pod", ProtoWriter())).error().code, 415);
  EXPECT_EQ(read_kube_protobuf("{}").error().code, 400);
  EXPECT_EQ(read_kube_protobuf("").error().code, 400);
}

TEST(KubeProtobuf, RefusesTextThatIsNotUtf8) {
  ProtoWriter metadata;
  metadata.bytes(1, "a\xff");
  ProtoWriter ns;
  ns.message(1, metadata);
  EXPECT_THAT(read_kube_protobuf(envelope("v1", "Namespace", ns)).error().message, HasSubstr("not UTF-8"));
}

TEST(KubeProtobuf, SurvivesTruncatedAndRandomBytes) {
  const auto good = envelope("v1", "Secret", secret_message());
  for (std::size_t size = 0; size < good.size(); ++size) {
    (void)read_kube_protobuf(good.substr(0, size));
  }
  std::mt19937 random(7);
  for (int round = 0; round < 5000; ++round) {
    auto bad = good;
    for (int i = 0; i < 3; ++i) {
      bad[4 + random() % (bad.size() - 4)] = static_cast<char>(random());
    }
    (void)read_kube_protobuf(bad);
  }
}

TEST(ProtoReader, ReadsWhatTheWriterWrites) {
  ProtoWriter writer;
  writer.varint(1, 300);
  writer.real(2, 1.5);
  writer.bytes(1000, "text");
  ProtoReader reader(writer.text());
  EXPECT_EQ(reader.next()->value, 300U);
  EXPECT_EQ(reader.next()->value, 0x3FF8000000000000U);
  const auto text = reader.next();
  EXPECT_EQ(text->number, 1000U);
  EXPECT_EQ(text->bytes, "text");
  EXPECT_FALSE(reader.next());
  EXPECT_FALSE(reader.failed());
}

TEST(ProtoReader, FailsOnLengthsAndNumbersThatRunOut) {
  for (const std::string_view bytes :
       {std::string_view("\x0a\x05"
                         "ab"),
        std::string_view("\x08\xff"),
        std::string_view("\x09"
                         "1234"),
        std::string_view("\x0b"), std::string_view("\x00", 1),
        std::string_view("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")}) {
    ProtoReader reader(bytes);
    while (reader.next()) {
    }
    EXPECT_TRUE(reader.failed());
  }
}

/// Length-delimited fields of a message by number.
std::multimap<std::uint32_t, std::string> fields_of(std::string_view message) {
  std::multimap<std::uint32_t, std::string> fields;
  ProtoReader reader(message);
  while (const auto field = reader.next()) {
    if (field->delimited) fields.emplace(field->number, field->bytes);
  }
  EXPECT_FALSE(reader.failed());
  return fields;
}

Registry widget_registry() {
  auto types = core_types();
  types.push_back(widget_type());
  return Registry(std::move(types));
}

TEST(OpenapiV2, HoldsEveryKindAsADefinition) {
  const auto document = fields_of(openapi_v2(widget_registry()));
  EXPECT_EQ(document.find(1)->second, "2.0");
  std::map<std::string, std::string> definitions;
  for (const auto& [number, bytes] : fields_of(document.find(9)->second)) {
    const auto named = fields_of(bytes);
    definitions[named.find(1)->second] = named.find(2)->second;
  }
  ASSERT_TRUE(definitions.contains("dev.test.v1.Widget"));
  ASSERT_TRUE(definitions.contains("io.k8s.api.core.v1.Secret"));
  const auto schema = fields_of(definitions["dev.test.v1.Widget"]);
  EXPECT_EQ(schema.find(4)->second, "A thing.");
  EXPECT_EQ(schema.find(19)->second, "spec");
  const auto extension = fields_of(schema.find(31)->second);
  EXPECT_EQ(extension.find(1)->second, "x-kubernetes-group-version-kind");
  EXPECT_THAT(extension.find(2)->second,
              HasSubstr(R"([{"group":"test.dev","kind":"Widget","version":"v1"}])"));
}

TEST(OpenapiV3, LetsKubectlFindKindsAndTheFieldValidationParameter) {
  const auto document = openapi_v3(widget_registry(), "test.dev", "v1");
  const auto& patch = document["paths"]["/apis/test.dev/v1/namespaces/{namespace}/widgets/{name}"]["patch"];
  EXPECT_EQ(patch["x-kubernetes-group-version-kind"],
            Json::parse(R"({"group": "test.dev", "version": "v1", "kind": "Widget"})"));
  EXPECT_FALSE(patch["requestBody"]["content"].contains("application/strategic-merge-patch+json"));
  std::vector<std::string> names;
  for (const auto& parameter : patch["parameters"]) {
    names.push_back(parameter["name"]);
  }
  EXPECT_THAT(names, testing::Contains("fieldValidation"));
  EXPECT_EQ(document["paths"]["/apis/test.dev/v1/widgets"]["get"]["x-kubernetes-group-version-kind"]["kind"],
            "Widget");
  const auto& schema = document["components"]["schemas"]["dev.test.v1.Widget"];
  EXPECT_TRUE(schema["x-kubernetes-group-version-kind"].is_array());
  EXPECT_EQ(schema["properties"]["spec"]["properties"]["size"]["description"], "How big.");
  EXPECT_EQ(openapi_v3_index(widget_registry(), "h")["paths"]["apis/test.dev/v1"]["serverRelativeURL"],
            "/openapi/v3/apis/test.dev/v1?hash=h");
}

}  // namespace
}  // namespace penstock::apiserver
