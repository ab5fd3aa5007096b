#pragma once

#include <string>

#include "controller/kube/kube_client.hpp"
#include "controller/kube/resource.hpp"
#include "controller/runtime/list_watch.hpp"

namespace penstock::kube {

/// What of a resource an informer keeps.
struct Selection {
  std::string ns{};  ///< empty: all namespaces
  std::string label_selector{};
  std::string field_selector{};
};

/// The objects of one resource as a source for an Informer. `client` outlives it.
class KubeListWatch final : public runtime::ListWatch {
 public:
  KubeListWatch(KubeClient& client, Resource resource, Selection selection = {})
      : client_(client), resource_(std::move(resource)), selection_(std::move(selection)) {}

  Result<runtime::ObjectList> list(const std::string& resource_version,
                                   const std::stop_token& stop) override {
    ListOptions options{selection_.ns, resource_version, selection_.label_selector,
                        selection_.field_selector};
    return client_.list(resource_, options, stop);
  }
  runtime::WatchEnd watch(const std::string& resource_version, const runtime::WatchHandler& on_event,
                          const std::stop_token& stop) override {
    WatchOptions options{selection_.ns, resource_version, selection_.label_selector,
                         selection_.field_selector};
    return client_.watch(resource_, options, on_event, stop);
  }

 private:
  KubeClient& client_;
  const Resource resource_;
  const Selection selection_;
};

}  // namespace penstock::kube
