#pragma once

#include <compare>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <vector>

#include "controller/apiserver/json.hpp"
#include "controller/apiserver/state_file.hpp"
#include "core/clock.hpp"
#include "core/result.hpp"

namespace penstock::apiserver {

/// `type` is ResourceType::qualified(); `ns` is "" for kinds without namespaces.
struct ObjectKey {
  std::string type;
  std::string ns;
  std::string name;

  auto operator<=>(const ObjectKey&) const = default;
};

/// An object as it was at one revision: the value and its JSON text. Never changed once made.
struct StoredObject {
  Json value;
  std::string text;
  std::uint64_t revision = 0;
  WallTime written{};
};
using ObjectPtr = std::shared_ptr<const StoredObject>;

/// A step of the history. `previous` is null for Added; for Deleted, `object` is the last state, under the
/// revision of the removal.
struct Change {
  enum class Kind { Added, Modified, Deleted } kind = Kind::Added;
  std::uint64_t revision = 0;
  ObjectKey key{};
  ObjectPtr object{};
  ObjectPtr previous{};
};

/// Why a write was refused. All but DiskFull and Io are decided under the lock, against the present state.
struct WriteFailure {
  enum class Kind {
    Exists,
    Missing,
    Stale,
    NamespaceMissing,
    NamespaceTerminating,
    NamespaceNotEmpty,
    DiskFull,
    Io
  };
  Kind kind = Kind::Io;
  std::string message{};
};

/// One write: create (expected_revision 0), replace, or remove (then `value` is the last state to tell
/// watchers).
struct Write {
  ObjectKey key;
  Json value;
  std::uint64_t expected_revision = 0;
  bool remove = false;
  bool needs_namespace = false;  ///< the key's namespace must exist and not be terminating
  bool urgent = false;  ///< goes through on a full disk, as removals and objects that are being deleted do
  WallTime now{};
};

/// What a list answers: the objects, and the revision they were read at.
struct Snapshot {
  std::uint64_t revision = 0;
  std::vector<ObjectPtr> objects;
};

/// How far back a watch may start: the newest changes, bounded by number and by bytes of JSON.
struct WatchWindow {
  std::size_t changes = 10000;
  std::size_t bytes = 64U << 20U;
};

/// All objects, in memory, with the state file as their durable log; one revision counter over all types.
/// Thread-safe.
class Store {
 public:
  /// Called for each object that is read from the file, so that a newer schema's defaults show.
  using OnLoad = std::function<void(const ObjectKey& key, Json& value)>;

  [[nodiscard]] static Result<std::unique_ptr<Store>> open(std::unique_ptr<StateFile> file,
                                                           WatchWindow window, const OnLoad& on_load = {});

  [[nodiscard]] std::uint64_t revision() const;
  /// Null when there is none.
  [[nodiscard]] ObjectPtr get(const ObjectKey& key) const;
  /// In the order of namespace and name; all namespaces when `ns` is "".
  [[nodiscard]] Snapshot list(const std::string& type, const std::string& ns) const;
  /// The same as it was at a past revision; nothing when that is out of the watch window.
  [[nodiscard]] std::optional<Snapshot> list_at(const std::string& type, const std::string& ns,
                                                std::uint64_t revision) const;
  [[nodiscard]] bool namespace_empty(const std::string& ns) const;

  /// Durable when it returns. Sets metadata.resourceVersion. The namespace "default" or any other is removed
  /// only while nothing is in it.
  [[nodiscard]] tl::expected<ObjectPtr, WriteFailure> write(Write write);

  /// Why write() would refuse this now; nothing when it would not. For dry runs.
  [[nodiscard]] std::optional<WriteFailure> would_refuse(const Write& write) const;

  /// Changes of a type after `revision`, at most `limit`, and up to where they were read; nothing when the
  /// window has moved past `revision`: the reader has to start over.
  struct Changes {
    std::vector<Change> changes;
    std::uint64_t read_to = 0;
  };
  [[nodiscard]] std::optional<Changes> changes_after(const std::string& type, std::uint64_t revision,
                                                     std::size_t limit) const;

  /// `notify` is called after each change of the type, from the writer's thread, under a lock: it must be
  /// quick and must not call the Store. After unsubscribe() has returned it is not called any more.
  std::uint64_t subscribe(const std::string& type, std::function<void()> notify);
  void unsubscribe(std::uint64_t subscription);

 private:
  struct Subscriber {
    std::string type;
    std::function<void()> notify;
  };

  Store(std::unique_ptr<StateFile> file, WatchWindow window) : file_(std::move(file)), window_(window) {}
  Status load(const OnLoad& on_load);
  [[nodiscard]] ObjectPtr find(const ObjectKey& key) const;
  [[nodiscard]] std::optional<WriteFailure> refusal(const Write& write, const ObjectPtr& current) const;
  void record(Change change);

  mutable std::mutex writer_;         ///< one write at a time, disk included
  mutable std::shared_mutex memory_;  ///< what is below; never held over disk access
  std::unique_ptr<StateFile> file_;
  WatchWindow window_;
  std::map<ObjectKey, ObjectPtr> objects_;
  std::uint64_t revision_ = 0;
  std::deque<Change> log_;
  std::size_t log_bytes_ = 0;
  std::uint64_t log_start_ = 0;  ///< the oldest revision a watch can go on from
  std::mutex subscribers_mutex_;
  std::map<std::uint64_t, Subscriber> subscribers_;
  std::uint64_t next_subscription_ = 1;
};

}  // namespace penstock::apiserver
