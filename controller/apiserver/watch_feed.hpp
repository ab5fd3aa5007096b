#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "controller/apiserver/rendering.hpp"
#include "controller/apiserver/selectors.hpp"
#include "controller/apiserver/store.hpp"

namespace penstock::apiserver {

/// What a watch asks for.
struct WatchOptions {
  Rendering rendering{};
  std::string ns{};
  Selector selector{};
  bool synthetic = false;       ///< begin with what there is, as ADDED events
  bool mark_synthetic = false;  ///< and say where they end, with a BOOKMARK (sendInitialEvents)
  bool bookmarks = false;
  std::uint64_t revision = 0;  ///< where to begin when not synthetic
};

/// The events of one watch, as lines of JSON. It holds no queue of its own: it is a place in the store's
/// history, and whoever reads too slowly finds that the history has moved on, gets an ERROR event of code 410
/// and is ended. Never is an event skipped in silence. Not thread-safe.
class WatchFeed {
 public:
  WatchFeed(const Store& store, const Clock& clock, WatchOptions options);

  /// The next lines, about `bytes` of them; "" when there is nothing new.
  [[nodiscard]] std::string pull(std::size_t bytes);
  /// True after the last line (an ERROR event) was pulled.
  [[nodiscard]] bool ended() const { return ended_; }
  /// A BOOKMARK of where the watch is; "" when the client did not ask for them.
  [[nodiscard]] std::string bookmark();

  [[nodiscard]] const WatchOptions& options() const { return options_; }

 private:
  void pull_initial(std::string& out, std::size_t bytes);
  void add_change(std::string& out, const Change& change);
  void add_deleted(std::string& out, const Change& change);
  void add_event(std::string& out, std::string_view type, const Json& object, const std::string* text);
  void add_bookmark(std::string& out, bool end_of_initial);
  void add_expired(std::string& out);

  const Store& store_;
  const Clock& clock_;
  WatchOptions options_;
  Snapshot initial_;
  std::size_t next_initial_ = 0;
  bool in_initial_ = false;
  bool definitions_sent_ = false;
  bool ended_ = false;
  std::uint64_t place_ = 0;
};

}  // namespace penstock::apiserver
