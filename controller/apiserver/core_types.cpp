#include <algorithm>

#include "controller/apiserver/core_schemas.hpp"
#include "controller/apiserver/resource_type.hpp"

namespace penstock::apiserver {

namespace {

const Column kName{.name = "Name",
                   .type = "string",
                   .description = "Name of the object, unique in its namespace.",
                   .priority = 0,
                   .json_path = "",
                   .format = "name"};

Column column(std::string name, std::string description, int priority = 0, std::string type = "string") {
  return {.name = std::move(name),
          .type = std::move(type),
          .description = std::move(description),
          .priority = priority,
          .json_path = "",
          .format = ""};
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text;
}

Column age() {
  return column("Age", "Time since the object was created.");
}

ResourceType core_type(const std::string& kind, const std::string& plural,
                       std::vector<std::string> short_names) {
  ResourceType type{.group = "",
                    .version = "v1",
                    .kind = kind,
                    .list_kind = kind + "List",
                    .plural = plural,
                    .singular = plural.substr(0, plural.size() - 1),
                    .short_names = std::move(short_names),
                    .unconditional_update = true,
                    .definition = "io.k8s.api.core.v1." + kind,
                    .schema = core_schema(kind)};
  type.schema["properties"]["metadata"] = object_meta_schema();
  return type;
}

ResourceType namespaces() {
  auto type = core_type("Namespace", "namespaces", {"ns"});
  type.namespaced = false;
  type.has_status = true;
  type.columns = {kName, column("Status", "Active, or Terminating while it is being deleted."), age()};
  type.selectable_fields = {"status.phase"};
  return type;
}

ResourceType secrets() {
  auto type = core_type("Secret", "secrets", {});
  type.columns = {kName, column("Type", "What the Secret is for."),
                  column("Data", "How many keys it holds.", 0, "integer"), age()};
  type.selectable_fields = {"type"};
  return type;
}

ResourceType config_maps() {
  auto type = core_type("ConfigMap", "configmaps", {"cm"});
  type.columns = {kName, column("Data", "How many keys it holds.", 0, "integer"), age()};
  return type;
}

ResourceType events() {
  auto type = core_type("Event", "events", {"ev"});
  type.columns = {column("Last Seen", "Time since it was last seen."),
                  column("Type", "Normal or Warning."),
                  column("Reason", "Why, as one word for machines."),
                  column("Object", "What it is about."),
                  column("Subobject", "Which part of the object.", 1),
                  column("Source", "Who reported it.", 1),
                  column("Message", "What happened, for people."),
                  column("First Seen", "Time since it was first seen.", 1),
                  column("Count", "How often it was seen.", 1, "integer"),
                  Column{kName.name, kName.type, kName.description, 1, "", kName.format}};
  type.selectable_fields = {"involvedObject.kind",
                            "involvedObject.namespace",
                            "involvedObject.name",
                            "involvedObject.uid",
                            "involvedObject.apiVersion",
                            "involvedObject.resourceVersion",
                            "involvedObject.fieldPath",
                            "reason",
                            "reportingComponent",
                            "source",
                            "type"};
  return type;
}

ResourceType leases() {
  auto type = core_type("Lease", "leases", {});
  type.group = "coordination.k8s.io";
  type.definition = "io.k8s.api.coordination.v1.Lease";
  type.unconditional_update = false;
  type.columns = {kName, column("Holder", "Who holds it."), age()};
  return type;
}

ResourceType custom_resource_definitions() {
  auto type = core_type("CustomResourceDefinition", "customresourcedefinitions", {"crd", "crds"});
  type.group = "apiextensions.k8s.io";
  type.definition = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition";
  type.namespaced = false;
  type.read_only = true;
  type.categories = {"api-extensions"};
  type.columns = {kName, column("Created At", "When it was installed.", 0, "date")};
  return type;
}

/// A kind of which there is nothing here, nor ever will be.
ResourceType absent(const std::string& group, const std::string& kind, const std::string& plural,
                    bool namespaced = true) {
  const Json schema{{"type", "object"},
                    {"x-kubernetes-preserve-unknown-fields", true},
                    {"properties", {{"metadata", object_meta_schema()}}}};
  return {.group = group,
          .version = "v1",
          .kind = kind,
          .list_kind = kind + "List",
          .plural = plural,
          .singular = lower(kind),
          .namespaced = namespaced,
          .read_only = true,
          .absent = true,
          .definition =
              "io.k8s.api." + (group.empty() ? "core" : group.substr(0, group.find('.'))) + ".v1." + kind,
          .schema = schema,
          .columns = {kName, age()}};
}

/// What `kubectl apply --prune` looks for by default (kubectl's pkg/cmd/apply/prune.go), beside what is here:
/// it fails on a server that does not know all of these.
std::vector<ResourceType> absent_types() {
  return {absent("", "Endpoints", "endpoints"),
          absent("", "PersistentVolumeClaim", "persistentvolumeclaims"),
          absent("", "PersistentVolume", "persistentvolumes", false),
          absent("", "Pod", "pods"),
          absent("", "ReplicationController", "replicationcontrollers"),
          absent("", "Service", "services"),
          absent("batch", "CronJob", "cronjobs"),
          absent("batch", "Job", "jobs"),
          absent("networking.k8s.io", "Ingress", "ingresses"),
          absent("apps", "DaemonSet", "daemonsets"),
          absent("apps", "Deployment", "deployments"),
          absent("apps", "ReplicaSet", "replicasets"),
          absent("apps", "StatefulSet", "statefulsets")};
}

}  // namespace

std::vector<ResourceType> core_types() {
  std::vector<ResourceType> types{
      config_maps(), events(), namespaces(), secrets(), custom_resource_definitions(), leases()};
  for (auto& type : absent_types()) {
    types.push_back(std::move(type));
  }
  return types;
}

}  // namespace penstock::apiserver
