#pragma once

// The settings that every statement of ours is sent with. ClickHouse takes them from the user's settings
// profile otherwise, which was written for people's queries: it may cut a result, hide rows, or write values
// in another way, and none of it would be an error.

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "dataplane/clickhouse/client.hpp"

namespace penstock::clickhouse {

struct PinnedSetting {
  const char* name;
  const char* value;
  const char* otherwise;  ///< what would go wrong with another value: "hides rows"
};

enum class StatementKind { Select, Insert, Other };

/// What a statement of this kind is sent with. Of settings that only newer servers know, all are sent with
/// every kind: the first statement tells which those are (see unknown_setting()), before data is sent.
[[nodiscard]] Settings pinned_settings(StatementKind kind);
/// Those of every kind, for a look at whether the server lets us send them.
[[nodiscard]] Settings all_pinned_settings();

/// The pinned setting that `message` of the server names first; null: none.
[[nodiscard]] const PinnedSetting* pinned_setting_in(std::string_view message);

/// Pinned settings that servers were found not to know, by the server's URL. Shared by all clients of the
/// process, so that each server is asked once; from any thread.
class UnknownSettings {
 public:
  /// A server refused a statement with these settings for one that it does not know (115). True: it is one of
  /// ours, and the statement can be sent again without.
  [[nodiscard]] static bool note(const std::string& url, std::string_view message, const Settings& sent);
  static void drop(const std::string& url, Settings& settings);
};

}  // namespace penstock::clickhouse
