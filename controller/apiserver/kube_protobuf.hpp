#pragma once

#include <string_view>

#include "controller/apiserver/api_error.hpp"
#include "controller/apiserver/json.hpp"

namespace penstock::apiserver {

/// Reads a body of type application/vnd.kubernetes.protobuf (Kubernetes docs, "API concepts, protobuf
/// encoding": the bytes `k8s\0`, then a runtime.Unknown with the object inside) into the JSON that it stands
/// for. Knows the kinds that kubectl sends this way: Namespace, Secret, ConfigMap, SelfSubjectAccessReview,
/// SelfSubjectRulesReview, DeleteOptions. 415 for others, 400 when the bytes are not such a message.
[[nodiscard]] Reply<Json> read_kube_protobuf(std::string_view body);

}  // namespace penstock::apiserver
