#pragma once

#include <string>

#include "controller/kube/kube_client.hpp"
#include "controller/runtime/event_recorder.hpp"

namespace penstock::kube {

/// Writes events as core/v1 Events, which `kubectl describe` shows, into the namespace of the object they are
/// about ("default" for one without). `client` outlives it.
class KubeEventSink final : public runtime::EventSink {
 public:
  /// `component` is who reports ("penstock-controller"), `instance` which one of them (the pod's name).
  KubeEventSink(KubeClient& client, std::string component, std::string instance)
      : client_(client), component_(std::move(component)), instance_(std::move(instance)) {}

  Status create(const runtime::Event& event) override;
  Status update(const runtime::Event& event) override;

 private:
  KubeClient& client_;
  const std::string component_;
  const std::string instance_;
};

}  // namespace penstock::kube
