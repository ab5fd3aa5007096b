#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "controller/runtime/list_watch.hpp"
#include "controller/runtime/object.hpp"
#include "controller/runtime/steady_time.hpp"
#include "core/clock.hpp"
#include "core/result.hpp"

namespace penstock::runtime {

/// How long to wait before asking a server again that refused: `first`, doubled at each failure up to
/// `limit`, of which a random part is waited (full jitter), and from the start again once `healthy_after` has
/// passed without a failure. The defaults are client-go's.
struct RetryPacing {
  Millis first{800};
  Millis limit{30'000};
  Millis healthy_after{120'000};
};

/// The state of that: a value type without a clock.
class RetryPacer {
 public:
  explicit RetryPacer(RetryPacing pacing) : pacing_(pacing) {}
  /// A failure happened at `now`; `fraction` is the dice, in (0, 1].
  [[nodiscard]] Millis next(SteadyTime now, double fraction);

 private:
  RetryPacing pacing_;
  int failures_ = 0;
  SteadyTime last_{};
};

/// A change in the cache: `before` is null for an added object, `after` for a deleted one. After a new list
/// an object may have been replaced by another of the same name (compare the uids), and the last state of a
/// deleted one may not be its very last.
using ChangeHandler = std::function<void(const Object& before, const Object& after)>;

/// Keeps a copy of a resource's objects by list and watch, and tells of every change. It follows client-go's
/// Reflector: a watch that ends is taken up again from the last version seen, bookmarks included; when the
/// server no longer has that version (410), or answers nonsense, everything is listed anew and what is gone
/// is told as deleted.
class Informer {
 public:
  /// `name` is for logs ("pipes"). `source` outlives the informer.
  Informer(std::string name, ListWatch& source, RetryPacing pacing = {});
  ~Informer() { stop(); }
  Informer(const Informer&) = delete;
  Informer& operator=(const Informer&) = delete;

  /// Before `start`. Handlers run on the informer's thread, after the cache has the change: be quick,
  /// enqueue.
  void on_change(ChangeHandler handler);

  /// `start` and `stop` belong to one thread; `stop` returns within about a second.
  [[nodiscard]] Status start();
  void stop();

  /// True once the cache holds a complete list and the handlers have been told of it.
  [[nodiscard]] bool synced() const;
  [[nodiscard]] bool wait_until_synced(Millis limit) const;

  /// The cache; any thread. Null: no such object.
  [[nodiscard]] Object get(const ObjectKey& key) const;
  [[nodiscard]] std::vector<Object> list() const;

  /// Why the last attempt to list failed, until one succeeds ("the CRD is not installed").
  [[nodiscard]] std::optional<Error> list_error() const;

 private:
  enum class Next { Watch, List };

  void run(const std::stop_token& stop);
  bool list_once(std::string& version, const std::stop_token& stop);
  Next watch_once(std::string& version, const std::stop_token& stop);
  void replace_all(const ObjectList& fresh);
  void apply(const WatchEvent& event);
  void tell(const Object& before, const Object& after) const;
  void set_list_error(std::optional<Error> error);
  void log_failure(const Error& error);
  void pause(Millis at_least, const std::stop_token& stop);

  const std::string name_;
  ListWatch& source_;
  RetryPacer pacer_;
  std::vector<ChangeHandler> handlers_;

  mutable std::mutex mutex_;
  mutable std::condition_variable_any changed_;
  std::map<ObjectKey, Object> objects_;
  bool synced_ = false;
  std::optional<Error> list_error_;

  std::string
      last_logged_;  // the reason of the failure that was logged last, until something works; own thread
  std::jthread thread_;
};

}  // namespace penstock::runtime
