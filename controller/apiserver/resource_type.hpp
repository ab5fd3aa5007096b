#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/apiserver/api_error.hpp"
#include "controller/apiserver/json.hpp"
#include "crds/crd.hpp"

namespace penstock::apiserver {

/// A column of `kubectl get`. `json_path` is empty for the columns of built-in kinds, which table_cells.cpp
/// fills.
struct Column {
  std::string name;
  std::string type = "string";
  std::string description;
  int priority = 0;
  std::string json_path;
  std::string format{};

  bool operator==(const Column&) const = default;
};

/// Rules of a custom resource that its schema cannot say; run after the schema on create and on a change of
/// spec.
using SemanticValidator = std::function<std::vector<FieldError>(const Json& object, const Json* old_object)>;

/// One kind that the API serves. Immutable after the start.
struct ResourceType {
  std::string group;  ///< "" is the core group
  std::string version;
  std::string kind;
  std::string list_kind;
  std::string plural;
  std::string singular;
  std::vector<std::string> short_names{};
  std::vector<std::string> categories{};
  bool namespaced = true;
  bool has_status = false;            ///< status is written through /status alone
  bool custom = false;                ///< declared by a CRD: generation is kept, no strategic merge
  bool read_only = false;             ///< written by the server itself alone
  bool absent = false;                ///< known, for kubectl's sake, but there is nothing of it
  bool unconditional_update = false;  ///< PUT without a resourceVersion overwrites
  std::string definition;             ///< name in the OpenAPI documents, io.k8s.api.core.v1.Secret
  Json schema{};                      ///< structural, with metadata's own fields filled in
  std::vector<Column> columns{};
  std::vector<std::string> selectable_fields{};  ///< beside metadata.name and metadata.namespace
  SemanticValidator validator{};

  /// "v1" or "penstock.dev/v1alpha1".
  [[nodiscard]] std::string api_version() const;
  /// "secrets" or "pipes.penstock.dev": the key of a type everywhere inside the server.
  [[nodiscard]] std::string qualified() const;
  [[nodiscard]] Subject subject(std::string_view name) const;
};

/// The kinds of a small cluster that Penstock needs: namespaces, secrets, configmaps, events, leases, and the
/// CRD itself, read-only; and, empty, those that kubectl takes for granted.
[[nodiscard]] std::vector<ResourceType> core_types();

/// Schema of metadata (meta/v1 ObjectMeta), the same for all kinds.
[[nodiscard]] const Json& object_meta_schema();

/// Reads a CustomResourceDefinition (apiextensions.k8s.io/v1). Its storage version is the one served. The
/// error says which field is missing or of no use.
[[nodiscard]] tl::expected<ResourceType, std::string> type_of_crd(const Json& crd);

/// All types, in the order of discovery.
class Registry {
 public:
  explicit Registry(std::vector<ResourceType> types) : types_(std::move(types)) {}

  [[nodiscard]] const std::vector<ResourceType>& all() const { return types_; }
  [[nodiscard]] const ResourceType* find(std::string_view group, std::string_view version,
                                         std::string_view plural) const;
  [[nodiscard]] const ResourceType* find_qualified(std::string_view qualified) const;
  /// Group and version pairs, each once, the core group first.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> group_versions() const;

 private:
  std::vector<ResourceType> types_;
};

}  // namespace penstock::apiserver
