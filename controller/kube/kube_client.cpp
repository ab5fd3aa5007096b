#include "controller/kube/kube_client.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <random>
#include <utility>

#include "controller/kube/api_error.hpp"
#include "controller/kube/http_transport.hpp"
#include "controller/kube/json_text.hpp"
#include "controller/kube/watch_decoder.hpp"

namespace penstock::kube {
namespace {

std::string query_of(Write write) {
  return write == Write::DryRun ? "?dryRun=All&fieldValidation=Strict" : "";
}

using nlohmann::json;
using runtime::ObjectKey;
using runtime::ObjectList;

/// Stops when either of two is asked to.
class EitherStop {
 public:
  EitherStop(const std::stop_token& one, const std::stop_token& other)
      : on_one_(one, Forward{&source_}), on_other_(other, Forward{&source_}) {}
  [[nodiscard]] std::stop_token token() const { return source_.get_token(); }

 private:
  struct Forward {
    std::stop_source* to;
    void operator()() const { to->request_stop(); }
  };
  std::stop_source source_;
  std::stop_callback<Forward> on_one_;
  std::stop_callback<Forward> on_other_;
};

/// False when stopped.
bool sleep_for(Millis time, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, stop, time, [] { return false; });
  return !stop.stop_requested();
}

std::chrono::seconds random_watch_timeout() {
  thread_local std::minstd_rand engine{std::random_device{}()};
  return std::chrono::seconds(std::uniform_int_distribution<int>{300, 600}(engine));
}

std::string doing(std::string_view verb, const Resource& resource, const ObjectKey& key,
                  Part part = Part::Object) {
  return fmt::format("{} {}{}{}{}", verb, resource.text(), part == Part::Status ? "/status" : "",
                     key.name.empty() && key.ns.empty() ? "" : " ", key.text());
}

std::string object_path(const Resource& resource, const ObjectKey& key, Part part = Part::Object) {
  return path_of(resource, key.ns, key.name, part == Part::Status ? "status" : "");
}

/// An empty name would turn the request for one object into one for all.
Status check_name(const Resource& resource, const ObjectKey& key) {
  const bool usable = !key.name.empty() && key.name != "." && key.name != ".." &&
                      (!resource.namespaced || (!key.ns.empty() && key.ns != "." && key.ns != ".."));
  if (usable) return {};
  return fail(ErrorKind::Internal, "BadName",
              fmt::format("\"{}\" does not name an object of {}", key.text(), resource.text()));
}

Result<std::string> body_of(const json& object, const std::string& what) {
  try {
    return object.dump();
  } catch (const json::exception&) {
    return fail(ErrorKind::Internal, "NotUtf8", what + ": a text in the object is not UTF-8");
  }
}

std::string version_in_metadata(const json& answer, const char* field) {
  const auto metadata = answer.find("metadata");
  if (metadata == answer.end() || !metadata->is_object()) return {};
  const auto value = metadata->find(field);
  return value != metadata->end() && value->is_string() ? value->get<std::string>() : std::string{};
}

/// Adds the objects of one page.
Status take_items(json& page, ObjectList& all, const std::string& what) {
  const auto corrupt = [&] {
    return fail(ErrorKind::BadData, "ListCorrupt",
                what + ": the API server's answer is not a list of objects");
  };
  if (!page.is_object()) return corrupt();
  const auto items = page.find("items");
  // An empty list may be null.
  if (items == page.end() || !(items->is_array() || items->is_null())) return corrupt();
  for (auto& item : *items) {
    if (runtime::key_of(item).name.empty()) return corrupt();
    all.items.push_back(std::make_shared<const json>(std::move(item)));
  }
  return {};
}

}  // namespace

KubeClient::KubeClient(std::unique_ptr<HttpTransport> transport, std::string default_namespace,
                       KubeClientOptions options)
    : transport_(std::move(transport)), default_namespace_(std::move(default_namespace)), options_(options) {}

KubeClient::~KubeClient() = default;

Result<std::unique_ptr<KubeClient>> KubeClient::make(KubeConfig config, KubeClientOptions options) {
  auto default_namespace = config.default_namespace;
  auto& metrics = options.metrics != nullptr ? *options.metrics : runtime::no_metrics();
  PENSTOCK_ASSIGN(auto transport, HttpTransport::make(std::move(config), metrics));
  return std::unique_ptr<KubeClient>(
      new KubeClient(std::move(transport), std::move(default_namespace), options));
}

Result<json> KubeClient::get(const Resource& resource, const ObjectKey& key) {
  PENSTOCK_TRY(check_name(resource, key));
  return send_for_json({"GET", object_path(resource, key), "", "", doing("get", resource, key)});
}

Result<ObjectList> KubeClient::list(const Resource& resource, const ListOptions& options,
                                    const std::stop_token& stop) {
  auto all = list_pages(resource, options, stop);
  if (all || all.error().reason != runtime::kExpired) return all;
  auto whole = options;
  whole.page = 0;
  return list_pages(resource, whole, stop);
}

Result<ObjectList> KubeClient::list_pages(const Resource& resource, const ListOptions& options,
                                          const std::stop_token& stop) {
  const auto what = doing("list", resource, {options.ns, ""});
  // A limit would make the server answer from etcd what "not older than" can be answered from its cache.
  const bool in_pages =
      options.page > 0 && (options.resource_version.empty() || options.resource_version == "0");
  ObjectList all;
  std::string rest;
  do {
    const auto target = path_of(resource, options.ns) +
                        query_of({{"resourceVersion", rest.empty() ? options.resource_version : ""},
                                  {"limit", in_pages ? std::to_string(options.page) : ""},
                                  {"continue", rest},
                                  {"labelSelector", options.label_selector},
                                  {"fieldSelector", options.field_selector}});
    PENSTOCK_ASSIGN(auto page, send_for_json({"GET", target, "", "", what}, stop));
    PENSTOCK_TRY(take_items(page, all, what));
    all.resource_version = version_in_metadata(page, "resourceVersion");
    rest = version_in_metadata(page, "continue");
  } while (!rest.empty());
  return all;
}

Result<json> KubeClient::create(const Resource& resource, const json& object, Write write) {
  auto key = runtime::key_of(object);
  if (resource.namespaced && key.ns.empty()) key.ns = default_namespace_;
  const auto what = doing("create", resource, key);
  PENSTOCK_ASSIGN(auto body, body_of(object, what));
  return send_for_json(
      {"POST", path_of(resource, key.ns) + query_of(write), "application/json", std::move(body), what});
}

Result<json> KubeClient::update(const Resource& resource, const json& object, Part part, Write write) {
  const auto key = runtime::key_of(object);
  PENSTOCK_TRY(check_name(resource, key));
  const auto what = doing("update", resource, key, part);
  PENSTOCK_ASSIGN(auto body, body_of(object, what));
  return send_for_json(
      {"PUT", object_path(resource, key, part) + query_of(write), "application/json", std::move(body), what});
}

Result<json> KubeClient::merge_patch(const Resource& resource, const ObjectKey& key, json patch, Part part,
                                     const std::string& resource_version) {
  PENSTOCK_TRY(check_name(resource, key));
  const auto what = doing("patch", resource, key, part);
  if (!patch.is_object()) return fail(ErrorKind::Internal, "BadPatch", what + ": a merge patch is an object");
  if (!resource_version.empty()) {
    if (!patch["metadata"].is_object()) patch["metadata"] = json::object();
    patch["metadata"]["resourceVersion"] = resource_version;
  }
  PENSTOCK_ASSIGN(auto body, body_of(patch, what));
  return send_for_json(
      {"PATCH", object_path(resource, key, part), "application/merge-patch+json", std::move(body), what});
}

Status KubeClient::remove(const Resource& resource, const ObjectKey& key, const DeletePreconditions& only) {
  PENSTOCK_TRY(check_name(resource, key));
  json body = {{"kind", "DeleteOptions"}, {"apiVersion", "v1"}};
  if (!only.uid.empty()) body["preconditions"]["uid"] = only.uid;
  if (!only.resource_version.empty()) body["preconditions"]["resourceVersion"] = only.resource_version;
  const auto what = doing("delete", resource, key);
  PENSTOCK_TRY(send({"DELETE", object_path(resource, key), "application/json", body.dump(), what}));
  return {};
}

Status KubeClient::ready() {
  PENSTOCK_TRY(send({"GET", "/readyz", "", "", "ask whether the API server is ready"}));
  return {};
}

runtime::WatchEnd KubeClient::watch(const Resource& resource, const WatchOptions& options,
                                    const runtime::WatchHandler& on_event, const std::stop_token& stop) {
  const EitherStop either(stop, stop_.get_token());
  const auto timeout = options.timeout.count() > 0 ? options.timeout : random_watch_timeout();
  const auto what = doing("watch", resource, {options.ns, ""});
  const auto target =
      path_of(resource, options.ns) + query_of({{"watch", "true"},
                                                {"allowWatchBookmarks", "true"},
                                                {"timeoutSeconds", std::to_string(timeout.count())},
                                                {"resourceVersion", options.resource_version},
                                                {"labelSelector", options.label_selector},
                                                {"fieldSelector", options.field_selector}});
  WatchDecoder decoder(what);
  const auto on_bytes = [&](std::string_view bytes) -> Status {
    decoder.feed(bytes);
    for (;;) {
      if (either.token().stop_requested()) return fail(ErrorKind::Cancelled, "Cancelled", what + ": stopped");
      PENSTOCK_ASSIGN(const auto event, decoder.next());
      if (!event) return {};
      on_event(*event);
    }
  };
  const auto answer = transport_->stream({"GET", target, "", "", what}, on_bytes, timeout + options.slack,
                                         options.silence, either.token());
  if (!answer) return {answer.error(), Millis{0}};
  if (answer->status != 200) {
    return {error_of_answer(answer->status, answer->body, Effect::Read, what), answer->retry_after};
  }
  if (!decoder.has_rest()) return {};
  return {Error{ErrorKind::Transient, "ConnectionLost", what + ": it ended in the middle of an event", ""},
          Millis{0}};
}

Result<HttpAnswer> KubeClient::send_patiently(const HttpRequest& request, const std::stop_token& stop) {
  for (int attempt = 1;; ++attempt) {
    auto answer = transport_->exchange(request, options_.request_limit, stop);
    const bool asked_to_wait =
        answer && answer->retry_after > Millis{0} && (answer->status == 429 || answer->status >= 500);
    if (!asked_to_wait || attempt >= options_.attempts) return answer;
    if (!sleep_for(std::min(answer->retry_after, options_.longest_retry_after), stop)) return answer;
  }
}

Result<std::string> KubeClient::send(const HttpRequest& request, const std::stop_token& stop) {
  const EitherStop either(stop, stop_.get_token());
  PENSTOCK_ASSIGN(auto answer, send_patiently(request, either.token()));
  if (answer.status >= 200 && answer.status < 300) return std::move(answer.body);
  const auto effect = request.writes() ? Effect::Write : Effect::Read;
  return fail(error_of_answer(answer.status, answer.body, effect, request.doing));
}

Result<json> KubeClient::send_for_json(const HttpRequest& request, const std::stop_token& stop) {
  PENSTOCK_ASSIGN(const auto body, send(request, stop));
  auto answer = parse_json(body);
  if (answer && answer->is_object()) return answer;
  return fail(request.writes() ? ErrorKind::InDoubt : ErrorKind::BadData, "AnswerCorrupt",
              request.doing + ": the answer is not a JSON object");
}

}  // namespace penstock::kube
