#include "controller/apiserver/watch_feed.hpp"

#include <fmt/format.h>

namespace penstock::apiserver {

namespace {
constexpr std::size_t kChangesAtOnce = 100;
}

WatchFeed::WatchFeed(const Store& store, const Clock& clock, WatchOptions options)
    : store_(store), clock_(clock), options_(std::move(options)), place_(options_.revision) {
  if (!options_.synthetic) return;
  initial_ = store_.list(options_.rendering.type->qualified(), options_.ns);
  in_initial_ = true;
  place_ = initial_.revision;
}

std::string WatchFeed::pull(std::size_t bytes) {
  std::string out;
  if (ended_) return out;
  if (in_initial_) pull_initial(out, bytes);
  while (!in_initial_ && out.size() < bytes) {
    // Ahead of the history: a revision of another life of the server. There is no way to go on from there.
    const bool ahead = place_ > store_.revision();
    const auto found = store_.changes_after(options_.rendering.type->qualified(), place_, kChangesAtOnce);
    if (!found || ahead) {
      add_expired(out);
      break;
    }
    for (const auto& change : found->changes) {
      add_change(out, change);
    }
    place_ = found->read_to;
    if (found->changes.empty()) break;
  }
  return out;
}

void WatchFeed::pull_initial(std::string& out, std::size_t bytes) {
  for (; next_initial_ < initial_.objects.size() && out.size() < bytes; ++next_initial_) {
    const auto& object = initial_.objects[next_initial_];
    if (options_.selector.matches(object->value)) add_event(out, "ADDED", object->value, &object->text);
  }
  if (next_initial_ < initial_.objects.size()) return;
  in_initial_ = false;
  initial_.objects.clear();
  if (options_.mark_synthetic) add_bookmark(out, true);
}

void WatchFeed::add_change(std::string& out, const Change& change) {
  if (!options_.ns.empty() && change.key.ns != options_.ns) return;
  const bool was = change.previous && options_.selector.matches(change.previous->value);
  const bool is = change.kind != Change::Kind::Deleted && options_.selector.matches(change.object->value);
  if (!was && !is) return;
  if (!is) return add_deleted(out, change);
  add_event(out, was ? "MODIFIED" : "ADDED", change.object->value, &change.object->text);
}

/// As the watcher knew it, for an object that lives on may have labels now that are none of the watcher's
/// business; under the revision at which it went.
void WatchFeed::add_deleted(std::string& out, const Change& change) {
  if (change.kind == Change::Kind::Deleted) {
    return add_event(out, "DELETED", change.object->value, &change.object->text);
  }
  Json last = change.previous->value;
  last["metadata"]["resourceVersion"] = std::to_string(change.revision);
  add_event(out, "DELETED", last, nullptr);
}

void WatchFeed::add_event(std::string& out, std::string_view type, const Json& object,
                          const std::string* text) {
  out += fmt::format("{{\"type\":\"{}\",\"object\":", type);
  if (options_.rendering.form == Form::Table) {
    out += render_row(options_.rendering, object, !definitions_sent_, clock_.now());
    definitions_sent_ = true;
  } else {
    out += render_object(options_.rendering, object, text, clock_.now());
  }
  out += "}\n";
}

void WatchFeed::add_bookmark(std::string& out, bool end_of_initial) {
  const auto& type = *options_.rendering.type;
  Json object{{"kind", type.kind},
              {"apiVersion", type.api_version()},
              {"metadata", {{"resourceVersion", std::to_string(place_)}, {"creationTimestamp", nullptr}}}};
  if (end_of_initial) object["metadata"]["annotations"] = {{"k8s.io/initial-events-end", "true"}};
  add_event(out, "BOOKMARK", object, nullptr);
}

std::string WatchFeed::bookmark() {
  std::string out;
  if (options_.bookmarks && !in_initial_ && !ended_) add_bookmark(out, false);
  return out;
}

void WatchFeed::add_expired(std::string& out) {
  const auto error = expired(fmt::format("too old resource version: {} ({})", place_, store_.revision()));
  out += fmt::format("{{\"type\":\"ERROR\",\"object\":{}}}\n", to_text(to_status(error.value())));
  ended_ = true;
}

}  // namespace penstock::apiserver
