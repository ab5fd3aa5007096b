#include <fmt/format.h>

#include <charconv>
#include <random>

#include "controller/apiserver/api.hpp"
#include "core/base64.hpp"

namespace penstock::apiserver {

namespace {

std::optional<std::uint64_t> number_of(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Reply<std::uint64_t> number_param(const Request& request, const std::string& name) {
  const auto& text = request.param(name);
  const auto value = text.empty() ? std::optional<std::uint64_t>(0) : number_of(text);
  if (!value) return bad_request(fmt::format("{}: Invalid value: \"{}\": must be a number", name, text));
  return *value;
}

/// Where a list goes on: the revision it reads, and the last object that was sent.
struct ContinueToken {
  std::uint64_t revision = 0;
  std::string ns;
  std::string name;

  [[nodiscard]] std::string text() const {
    return base64_encode(to_text({{"rv", revision}, {"ns", ns}, {"name", name}}));
  }
  static Reply<ContinueToken> parse(const std::string& text) {
    const auto decoded = base64_decode(text);
    const auto json = parse_json(decoded.value_or(""));
    if (!json || !member(json->value, "rv").is_number_unsigned())
      return bad_request("continue key is not valid");
    return ContinueToken{json->value["rv"].get<std::uint64_t>(), text_of(json->value, {"ns"}),
                         text_of(json->value, {"name"})};
  }
};

std::pair<std::string, std::string> place_of(const StoredObject& object) {
  return {text_of(object.value, {"metadata", "namespace"}), text_of(object.value, {"metadata", "name"})};
}

/// The state a list is to read, by its resourceVersion, resourceVersionMatch and continue parameters.
Reply<Snapshot> snapshot_for(const Store& store, const Request& request, const ResourcePath& path,
                             const std::optional<ContinueToken>& from) {
  const auto& text = request.param("resourceVersion");
  const auto& match = request.param("resourceVersionMatch");
  const auto revision = number_param(request, "resourceVersion");
  if (!revision) return tl::unexpected(revision.error());
  if (!match.empty() && match != "Exact" && match != "NotOlderThan") {
    return bad_request(fmt::format("resourceVersionMatch: Unsupported value: \"{}\"", match));
  }
  if (!match.empty() && (text.empty() || from)) {
    return bad_request(
        "resourceVersionMatch is forbidden unless resourceVersion is provided, and with continue");
  }
  if (from && *revision != 0) {
    return bad_request("specifying resource version is not allowed when using continue");
  }
  const bool exact = match == "Exact" || from;
  if (match == "Exact" && *revision == 0)
    return bad_request("resourceVersionMatch \"Exact\" needs a resourceVersion");
  if (!from && *revision > store.revision())
    return too_large_revision(text, std::to_string(store.revision()));
  const auto type = path.type->qualified();
  if (!exact) return store.list(type, path.ns);
  auto past = store.list_at(type, path.ns, from ? from->revision : *revision);
  if (!past) {
    return expired(
        from ? "The provided continue parameter is too old to display a consistent list result. You must "
               "start a new list without the continue parameter."
             : fmt::format("too old resource version: {} ({})", text, store.revision()));
  }
  return *std::move(past);
}

/// ?watch on an object's own path watches that object alone.
std::string field_selector(const Request& request, const ResourcePath& path) {
  auto text = request.param("fieldSelector");
  if (path.name.empty()) return text;
  return text + (text.empty() ? "" : ",") + "metadata.name=" + path.name;
}

std::chrono::seconds watch_timeout(std::uint64_t wanted) {
  constexpr std::uint64_t kShortest = 1800;
  constexpr std::uint64_t kLongest = 24 * 3600;
  if (wanted != 0) return std::chrono::seconds(std::min(wanted, kLongest));
  // Spread, so that watches which began together do not end together.
  return std::chrono::seconds(kShortest + std::random_device{}() % kShortest);
}

/// sendInitialEvents has conditions of its own (Kubernetes docs, "API concepts, streaming lists").
Reply<void> check_initial_events(const Request& request, const ResourceType& type) {
  const auto& match = request.param("resourceVersionMatch");
  const bool sent = request.query.contains("sendInitialEvents");
  std::vector<Cause> causes;
  if (sent && match != "NotOlderThan") {
    causes.push_back(forbidden_field("resourceVersionMatch",
                                     "sendInitialEvents requires setting "
                                     "resourceVersionMatch to NotOlderThan"));
  }
  if (sent && !request.flag("allowWatchBookmarks")) {
    causes.push_back(
        forbidden_field("allowWatchBookmarks", "sendInitialEvents requires allowWatchBookmarks"));
  }
  if (!sent && !match.empty()) {
    causes.push_back(
        forbidden_field("resourceVersionMatch",
                        "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"));
  }
  if (causes.empty()) return {};
  return invalid("meta.k8s.io", "ListOptions", type.plural, causes);
}

}  // namespace

Api::Answer Api::get(const Request& request, const ResourcePath& path) const {
  const auto rendering = rendering_of(*path.type, request);
  if (!rendering) return tl::unexpected(rendering.error());
  const auto object = store_.get(path.key());
  if (!object) return not_found(path.type->subject(path.name));
  Response response;
  response.content_type = rendering->content_type();
  response.body = render_object(*rendering, object->value, &object->text, clock_.now()) + "\n";
  return response;
}

Api::Answer Api::list(const Request& request, const ResourcePath& path) const {
  const auto rendering = rendering_of(*path.type, request);
  if (!rendering) return tl::unexpected(rendering.error());
  const auto selector =
      Selector::parse(*path.type, request.param("labelSelector"), request.param("fieldSelector"));
  if (!selector) return tl::unexpected(selector.error());
  const auto limit = number_param(request, "limit");
  if (!limit) return tl::unexpected(limit.error());
  std::optional<ContinueToken> from;
  if (const auto& token = request.param("continue"); !token.empty()) {
    auto parsed = ContinueToken::parse(token);
    if (!parsed) return tl::unexpected(parsed.error());
    from = *std::move(parsed);
  }
  const auto snapshot = snapshot_for(store_, request, path, from);
  if (!snapshot) return tl::unexpected(snapshot.error());

  std::vector<ObjectPtr> chosen;
  ListMeta meta{snapshot->revision};
  std::size_t passed = 0;
  for (const auto& object : snapshot->objects) {
    ++passed;
    if (from && place_of(*object) <= std::pair(from->ns, from->name)) continue;
    if (!selector->matches(object->value)) continue;
    if (*limit != 0 && chosen.size() == *limit) {
      const auto [ns, name] = place_of(*chosen.back());
      meta.continue_token = ContinueToken{snapshot->revision, ns, name}.text();
      if (selector->everything()) meta.remaining = snapshot->objects.size() - passed + 1;
      break;
    }
    chosen.push_back(object);
  }
  Response response;
  response.content_type = rendering->content_type();
  response.body = render_list(*rendering, chosen, meta, clock_.now()) + "\n";
  return response;
}

Reply<WatchStart> Api::watch(const Request& request, const ResourcePath& path) const {
  const auto rendering = rendering_of(*path.type, request);
  if (!rendering) return tl::unexpected(rendering.error());
  auto selector = Selector::parse(*path.type, request.param("labelSelector"), field_selector(request, path));
  if (!selector) return tl::unexpected(selector.error());
  const auto revision = number_param(request, "resourceVersion");
  if (!revision) return tl::unexpected(revision.error());
  const auto timeout = number_param(request, "timeoutSeconds");
  if (!timeout) return tl::unexpected(timeout.error());
  if (auto good = check_initial_events(request, *path.type); !good) return tl::unexpected(good.error());

  WatchOptions options{.rendering = *rendering, .ns = path.ns, .selector = *std::move(selector)};
  options.bookmarks = request.flag("allowWatchBookmarks");
  options.mark_synthetic = request.flag("sendInitialEvents");
  const bool from_now = request.query.contains("sendInitialEvents") && !options.mark_synthetic;
  options.synthetic = options.mark_synthetic || (*revision == 0 && !from_now);
  options.revision = *revision == 0 ? store_.revision() : *revision;
  if (options.mark_synthetic && *revision > store_.revision()) {
    return too_large_revision(request.param("resourceVersion"), std::to_string(store_.revision()));
  }
  return WatchStart{std::make_shared<WatchFeed>(store_, clock_, std::move(options)),
                    rendering->content_type(), watch_timeout(*timeout)};
}

}  // namespace penstock::apiserver
