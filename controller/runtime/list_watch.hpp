#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "controller/runtime/object.hpp"
#include "core/clock.hpp"
#include "core/result.hpp"

namespace penstock::runtime {

/// All objects of a resource, and the version from which to watch for what comes after.
struct ObjectList {
  std::vector<Object> items;
  std::string resource_version;
};

/// One event of a watch (Kubernetes API concepts, "Efficient detection of changes"). A Bookmark carries
/// nothing but a resourceVersion. ERROR events never get here: they end the watch.
struct WatchEvent {
  enum class Type { Added, Modified, Deleted, Bookmark };
  Type type = Type::Added;
  Object object;  ///< never null
};
using WatchHandler = std::function<void(const WatchEvent&)>;

/// The reason of the error with which `list` and `watch` answer when the server no longer knows the version
/// that was asked for (HTTP 410): list anew.
inline constexpr const char* kExpired = "Expired";

/// How a watch ended. Without an error the server closed it in good order, and it goes on from the last
/// version.
struct WatchEnd {
  std::optional<Error> error;
  Millis retry_after{0};  ///< the server's Retry-After; zero: none
};

/// Where an Informer gets its objects from. Called by one thread; both calls return within a second of a
/// stop, then with a Cancelled error.
class ListWatch {
 public:
  virtual ~ListWatch() = default;

  /// `resource_version` "0": any state the server has at hand; "": the latest; else one not older than that.
  [[nodiscard]] virtual Result<ObjectList> list(const std::string& resource_version,
                                                const std::stop_token& stop) = 0;
  /// Hands over what happens after `resource_version`, in order, on the calling thread, until the watch ends.
  [[nodiscard]] virtual WatchEnd watch(const std::string& resource_version, const WatchHandler& on_event,
                                       const std::stop_token& stop) = 0;
};

}  // namespace penstock::runtime
