#pragma once

#include <map>
#include <string>
#include <string_view>

#include "controller/runtime/object.hpp"

namespace penstock::kube {

/// A kind of object, as the API's paths name it.
struct Resource {
  std::string group;    ///< "" for the core group
  std::string version;  ///< "v1"
  std::string plural;   ///< "pipes"
  bool namespaced = true;

  bool operator==(const Resource&) const = default;

  /// "pipes.penstock.dev", for messages.
  [[nodiscard]] std::string text() const { return group.empty() ? plural : plural + "." + group; }
};

/// The resources that Penstock works with.
[[nodiscard]] Resource pipes();
[[nodiscard]] Resource secrets();
[[nodiscard]] Resource config_maps();
[[nodiscard]] Resource namespaces();
[[nodiscard]] Resource events();
[[nodiscard]] Resource leases();

/// Path of the collection ("/apis/penstock.dev/v1alpha1/namespaces/data/pipes"; an empty `ns` means all
/// namespaces) or, with a name, of an object or a subresource of it.
[[nodiscard]] std::string path_of(const Resource& resource, std::string_view ns, std::string_view name = {},
                                  std::string_view subresource = {});

/// "?a=1&b=x%20y"; parameters with an empty value are left out.
[[nodiscard]] std::string query_of(const std::map<std::string, std::string>& parameters);

}  // namespace penstock::kube
