#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "controller/runtime/list_watch.hpp"
#include "core/result.hpp"

namespace penstock::kube {

/// Cuts the bytes of a watch into events: one JSON object a line, {"type": "ADDED", "object": {…}}
/// (Kubernetes API concepts, "Efficient detection of changes"). Not thread-safe.
class WatchDecoder {
 public:
  /// A line longer than this ends the watch: the API server takes objects of 3 MiB at most.
  static constexpr std::size_t kLongestLine = std::size_t{16} << 20;

  /// `doing` is for messages: "watch pipes.penstock.dev".
  explicit WatchDecoder(std::string doing) : doing_(std::move(doing)) {}

  void feed(std::string_view bytes);
  /// The next event, nothing when more bytes are needed, or the error that ends the watch: what an ERROR
  /// event says (reason Expired among them), or BadData, reason "WatchCorrupt". Unknown types are passed
  /// over.
  [[nodiscard]] Result<std::optional<runtime::WatchEvent>> next();
  /// True when the stream ended in the middle of a line.
  [[nodiscard]] bool has_rest() const;

 private:
  [[nodiscard]] Result<std::optional<runtime::WatchEvent>> decode(std::string_view line) const;

  std::string doing_;
  std::string bytes_;
  std::size_t begin_ = 0;    // of the first line not yet handed out
  std::size_t scanned_ = 0;  // no line end before this
};

}  // namespace penstock::kube
