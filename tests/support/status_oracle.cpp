#include "tests/support/status_oracle.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>
#include <set>

namespace penstock::test {
namespace {

using nlohmann::json;

const json& status_of(const json& pipe) {
  static const json kNone = json::object();
  const auto at = pipe.find("status");
  return at == pipe.end() ? kNone : *at;
}

json list(const json& object, const char* name) {
  const auto at = object.find(name);
  return at == object.end() ? json::array() : *at;
}

std::string text(const json& object, const char* name) {
  const auto at = object.find(name);
  return at == object.end() || !at->is_string() ? "" : at->get<std::string>();
}

json condition(const json& pipe, const std::string& type) {
  for (const auto& each : list(status_of(pipe), "conditions"))
    if (text(each, "type") == type) return each;
  return json::object();
}

/// As a name of its own: public.t is not in a text that speaks of public.t_nb.
bool holds(const std::string& message, const std::string& table) {
  const auto of_a_name = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; };
  for (auto at = message.find(table); at != std::string::npos; at = message.find(table, at + 1)) {
    const auto end = at + table.size();
    if ((at == 0 || !of_a_name(message[at - 1])) && (end == message.size() || !of_a_name(message[end])))
      return true;
  }
  return false;
}

/// Ready=False for these reasons says that something is under way, not that something is wrong.
bool passing(const std::string& reason) {
  static const std::set<std::string> kStates{"Provisioning", "Setup",  "Snapshot", "Pausing",
                                             "Modifying",    "Resync", "Paused"};
  return kStates.contains(reason);
}

}  // namespace

std::string how_named(const json& pipe, const std::string& table) {
  const auto& status = status_of(pipe);
  for (const auto& each : list(status, "tables"))
    if (text(each, "source") == table && text(each, "state") == "Failed" && !text(each, "message").empty())
      return "Failed: " + text(each, "message");
  // Ready=True is a promise: with it nothing else says that rows may differ.
  const auto ready = condition(pipe, "Ready");
  if (text(ready, "status") == "True") return "";
  for (const auto* type : {"ResyncRequired", "ResyncBlocked"}) {
    const auto found = condition(pipe, type);
    if (text(found, "status") == "True" && holds(text(found, "message"), table))
      return std::string(type) + ": " + text(found, "message");
  }
  const bool not_ready = text(ready, "status") == "False" && !passing(text(ready, "reason"));
  const bool all = text(status, "state") == "Failed" ||
                   (text(status, "state") == "Setup" && text(condition(pipe, "Stalled"), "status") == "True");
  if (not_ready && !text(ready, "message").empty() && (all || holds(text(ready, "message"), table)))
    return "Ready=False/" + text(ready, "reason") + ": " + text(ready, "message");
  return "";
}

bool runs_well(const json& pipe) {
  const auto& status = status_of(pipe);
  const auto ready = condition(pipe, "Ready");
  const auto generation = pipe.value("/metadata/generation"_json_pointer, 0);
  const auto tables = list(status, "tables");
  const auto wanted = pipe.value("/spec/tables"_json_pointer, json::array()).size();
  return text(status, "state") == "Running" && text(ready, "status") == "True" &&
         status.value("observedGeneration", -1) == generation && tables.size() == wanted &&
         status.value("observedResyncGeneration", 0) ==
             pipe.value("/spec/resyncGeneration"_json_pointer, 0) &&
         std::all_of(tables.begin(), tables.end(),
                     [](const json& each) { return text(each, "state") == "Streaming"; });
}

std::string state_of_table(const json& pipe, const std::string& table) {
  for (const auto& each : list(status_of(pipe), "tables"))
    if (text(each, "source") == table) return text(each, "state");
  return "";
}

bool is_stalled(const json& pipe) {
  return text(condition(pipe, "Stalled"), "status") == "True";
}

std::string status_in_words(const json& pipe) {
  const auto& status = status_of(pipe);
  std::string out =
      fmt::format("state {} (generation {}, observed {}{})", text(status, "state"),
                  pipe.value("/metadata/generation"_json_pointer, 0), status.value("observedGeneration", -1),
                  pipe.value("/spec/paused"_json_pointer, false) ? ", to be paused" : "");
  for (const auto& each : list(status, "conditions"))
    out += fmt::format("; {}={}/{}: {}", text(each, "type"), text(each, "status"), text(each, "reason"),
                       text(each, "message").substr(0, 400));
  for (const auto& each : list(status, "tables"))
    out += fmt::format("; {} {} {}", text(each, "source"), text(each, "state"),
                       text(each, "message").substr(0, 200));
  return out;
}

}  // namespace penstock::test
