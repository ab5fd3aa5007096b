#include "controller/apiserver/core_schemas.hpp"

#include "controller/apiserver/resource_type.hpp"

namespace penstock::apiserver {

namespace {

constexpr std::string_view kObjectMeta = R"({
"description": "Name, labels and what the server keeps of every object.",
"type": "object",
"properties": {
 "name": {"type": "string", "description": "Unique in the namespace; cannot be changed."},
 "generateName": {"type": "string", "description": "Start of a name that the server completes, when there is no name."},
 "namespace": {"type": "string", "description": "The space in which the name is unique; cannot be changed."},
 "selfLink": {"type": "string", "description": "Not used any more."},
 "uid": {"type": "string", "description": "Set by the server: tells this object from another of the same name."},
 "resourceVersion": {"type": "string", "description": "Set by the server at each write; send it back to guard against overwriting."},
 "generation": {"type": "integer", "format": "int64", "description": "Set by the server: raised by each change of the wanted state."},
 "creationTimestamp": {"type": "string", "format": "date-time", "description": "Set by the server."},
 "deletionTimestamp": {"type": "string", "format": "date-time", "description": "Set by the server when deletion was asked for while finalizers remain."},
 "deletionGracePeriodSeconds": {"type": "integer", "format": "int64", "description": "Set by the server."},
 "labels": {"type": "object", "additionalProperties": {"type": "string"}, "description": "Keys and values to select objects by."},
 "annotations": {"type": "object", "additionalProperties": {"type": "string"}, "description": "Keys and values of any content, not for selecting."},
 "ownerReferences": {
  "type": "array", "description": "Objects this one depends on.",
  "x-kubernetes-patch-strategy": "merge", "x-kubernetes-patch-merge-key": "uid",
  "items": {
   "type": "object", "required": ["apiVersion", "kind", "name", "uid"], "description": "An owner in the same namespace.",
   "properties": {
    "apiVersion": {"type": "string", "description": "API version of the owner."},
    "kind": {"type": "string", "description": "Kind of the owner."},
    "name": {"type": "string", "description": "Name of the owner."},
    "uid": {"type": "string", "description": "UID of the owner."},
    "controller": {"type": "boolean", "description": "Whether the owner is the managing controller."},
    "blockOwnerDeletion": {"type": "boolean", "description": "Whether a foreground deletion of the owner waits for this object."}
   }
  }
 },
 "finalizers": {
  "type": "array", "items": {"type": "string"}, "x-kubernetes-patch-strategy": "merge",
  "description": "The object is removed once this list is empty."
 },
 "managedFields": {
  "type": "array", "description": "Not kept by this server.",
  "items": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}
 }
}})";

constexpr std::string_view kSecret = R"({
"description": "Small confidential data, such as a password.",
"type": "object",
"properties": {
 "apiVersion": {"type": "string", "description": "v1"},
 "kind": {"type": "string", "description": "Secret"},
 "metadata": {},
 "data": {"type": "object", "additionalProperties": {"type": "string", "format": "byte"}, "description": "Values, base64-encoded."},
 "stringData": {"type": "object", "additionalProperties": {"type": "string"}, "description": "Values as plain text, for writing only; wins over data."},
 "immutable": {"type": "boolean", "description": "If true, the data cannot be changed any more."},
 "type": {"type": "string", "description": "What the Secret is for; cannot be changed."}
}})";

constexpr std::string_view kConfigMap = R"({
"description": "Configuration data.",
"type": "object",
"properties": {
 "apiVersion": {"type": "string", "description": "v1"},
 "kind": {"type": "string", "description": "ConfigMap"},
 "metadata": {},
 "data": {"type": "object", "additionalProperties": {"type": "string"}, "description": "Values as text."},
 "binaryData": {"type": "object", "additionalProperties": {"type": "string", "format": "byte"}, "description": "Values, base64-encoded."},
 "immutable": {"type": "boolean", "description": "If true, the data cannot be changed any more."}
}})";

constexpr std::string_view kNamespace = R"({
"description": "A space for names.",
"type": "object",
"properties": {
 "apiVersion": {"type": "string", "description": "v1"},
 "kind": {"type": "string", "description": "Namespace"},
 "metadata": {},
 "spec": {"type": "object", "description": "Set by the server.", "properties": {
  "finalizers": {"type": "array", "items": {"type": "string"}, "description": "Who empties the namespace when it is deleted."}}},
 "status": {"type": "object", "description": "Set by the server.", "properties": {
  "phase": {"type": "string", "description": "Active or Terminating."}}}
}})";

constexpr std::string_view kEvent = R"({
"description": "Something that happened to an object; forgotten after an hour.",
"type": "object",
"required": ["involvedObject"],
"properties": {
 "apiVersion": {"type": "string", "description": "v1"},
 "kind": {"type": "string", "description": "Event"},
 "metadata": {},
 "involvedObject": {"type": "object", "description": "What it is about.", "properties": {
  "apiVersion": {"type": "string"}, "kind": {"type": "string"}, "name": {"type": "string"}, "namespace": {"type": "string"},
  "uid": {"type": "string"}, "resourceVersion": {"type": "string"}, "fieldPath": {"type": "string"}}},
 "related": {"type": "object", "description": "A second object.", "properties": {
  "apiVersion": {"type": "string"}, "kind": {"type": "string"}, "name": {"type": "string"}, "namespace": {"type": "string"},
  "uid": {"type": "string"}, "resourceVersion": {"type": "string"}, "fieldPath": {"type": "string"}}},
 "reason": {"type": "string", "description": "Why, as one word for machines."},
 "message": {"type": "string", "description": "What happened, for people."},
 "type": {"type": "string", "description": "Normal or Warning."},
 "action": {"type": "string", "description": "What was done about it."},
 "count": {"type": "integer", "format": "int32", "description": "How often it was seen."},
 "firstTimestamp": {"type": "string", "format": "date-time", "description": "When it was first seen."},
 "lastTimestamp": {"type": "string", "format": "date-time", "description": "When it was last seen."},
 "eventTime": {"type": "string", "format": "date-time", "description": "When it was first seen, in microseconds."},
 "series": {"type": "object", "description": "Repeats.", "properties": {
  "count": {"type": "integer", "format": "int32"}, "lastObservedTime": {"type": "string", "format": "date-time"}}},
 "source": {"type": "object", "description": "Who reported it.", "properties": {
  "component": {"type": "string"}, "host": {"type": "string"}}},
 "reportingComponent": {"type": "string", "description": "Name of the controller that reported it."},
 "reportingInstance": {"type": "string", "description": "Which instance of the controller."}
}})";

constexpr std::string_view kLease = R"({
"description": "Who leads, and until when.",
"type": "object",
"properties": {
 "apiVersion": {"type": "string", "description": "coordination.k8s.io/v1"},
 "kind": {"type": "string", "description": "Lease"},
 "metadata": {},
 "spec": {"type": "object", "description": "The lease itself.", "properties": {
  "holderIdentity": {"type": "string", "description": "Who holds it."},
  "leaseDurationSeconds": {"type": "integer", "format": "int32", "description": "How long others wait after the last renewal."},
  "acquireTime": {"type": "string", "format": "date-time", "description": "When it was taken."},
  "renewTime": {"type": "string", "format": "date-time", "description": "When it was last renewed."},
  "leaseTransitions": {"type": "integer", "format": "int32", "description": "How often the holder changed."},
  "strategy": {"type": "string", "description": "How a successor is chosen."},
  "preferredHolder": {"type": "string", "description": "Who should hold it next."}}}
}})";

constexpr std::string_view kCustomResourceDefinition = R"({
"description": "Declares a kind. Here it is read-only: part of the program.",
"type": "object",
"properties": {
 "apiVersion": {"type": "string", "description": "apiextensions.k8s.io/v1"},
 "kind": {"type": "string", "description": "CustomResourceDefinition"},
 "metadata": {},
 "spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": true, "description": "Names, scope and versions."},
 "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": true, "description": "Whether it is served."}
}})";

std::string_view text_of_kind(std::string_view kind) {
  if (kind == "Secret") return kSecret;
  if (kind == "ConfigMap") return kConfigMap;
  if (kind == "Namespace") return kNamespace;
  if (kind == "Event") return kEvent;
  if (kind == "Lease") return kLease;
  return kCustomResourceDefinition;
}

}  // namespace

Json core_schema(std::string_view kind) {
  return Json::parse(text_of_kind(kind));
}

const Json& object_meta_schema() {
  static const Json kSchema = Json::parse(kObjectMeta);
  return kSchema;
}

}  // namespace penstock::apiserver
