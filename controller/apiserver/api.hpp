#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>

#include "controller/apiserver/object_rules.hpp"
#include "controller/apiserver/request.hpp"
#include "controller/apiserver/resource_path.hpp"
#include "controller/apiserver/store.hpp"
#include "controller/apiserver/watch_feed.hpp"
#include "core/browser_guard.hpp"
#include "core/clock.hpp"
#include "core/secret.hpp"

namespace penstock::apiserver {

/// The answer to a watch: what to send from now on.
struct WatchStart {
  std::shared_ptr<WatchFeed> feed;
  std::string content_type;
  std::chrono::seconds timeout{};
};
using Outcome = std::variant<Response, WatchStart>;

/// What the handlers need to know of the server they run in.
struct ApiSettings {
  Secret token{};
  std::string address{};  ///< host:port
  std::string version{};  ///< git version in /version
  std::chrono::seconds event_ttl{3600};
};

/// Largest body of a request, in bytes; Kubernetes' own limit.
constexpr std::size_t kMostBody = 3U << 20U;

/// The API itself, without sockets: a request in, a response out. Thread-safe; blocks for the time of a disk
/// write at most.
class Api {
 public:
  /// `store` and `clock` must outlive it.
  Api(Registry registry, Store& store, const Clock& clock, ApiSettings settings);

  /// Never throws: a defect below is logged and answered with 500.
  [[nodiscard]] Outcome handle(const Request& request) noexcept;

  /// What a request's head alone decides: no web page has any business here (403), and nobody without the
  /// token gets a body read (401). handle() asks for the token again.
  [[nodiscard]] Reply<void> admit(const RequestOrigin& origin, std::string_view authorization,
                                  bool has_body) const;

  /// Removes Events that were last written longer ago than the TTL.
  void forget_old_events();
  /// Goes on deleting namespaces that were being deleted when the server stopped.
  void settle_namespaces();

  [[nodiscard]] const Registry& registry() const { return registry_; }

 private:
  using Answer = Reply<Response>;

  struct WriteOptions {
    bool dry_run = false;
    FieldValidation validation = FieldValidation::Warn;
  };
  /// A body, decoded from JSON or protobuf.
  struct Body {
    Json value;
    std::vector<std::string> duplicates;
  };
  /// Computes the next state from the present one.
  using Change = std::function<Reply<Json>(const Json& current)>;

  [[nodiscard]] Reply<void> authorize(std::string_view authorization) const;
  [[nodiscard]] Reply<Outcome> route(const Request& request);
  [[nodiscard]] Reply<Outcome> route_resource(const Request& request, const ResourcePath& path);

  // api_documents.cpp: everything that is no object
  [[nodiscard]] std::optional<Answer> document(const Request& request) const;
  [[nodiscard]] Answer discovery_document(const Request& request) const;
  [[nodiscard]] Answer openapi_document(const Request& request) const;
  [[nodiscard]] Answer review(const Request& request) const;

  // api_read.cpp
  [[nodiscard]] Answer get(const Request& request, const ResourcePath& path) const;
  [[nodiscard]] Answer list(const Request& request, const ResourcePath& path) const;
  [[nodiscard]] Reply<WatchStart> watch(const Request& request, const ResourcePath& path) const;

  // api_write.cpp
  [[nodiscard]] Answer create(const Request& request, const ResourcePath& path);
  [[nodiscard]] Answer replace(const Request& request, const ResourcePath& path);
  [[nodiscard]] Answer patch(const Request& request, const ResourcePath& path);
  [[nodiscard]] Reply<Json> change_object(const ResourcePath& path, const Change& change, bool dry_run);
  [[nodiscard]] Answer written(const Request& request, const ResourceType& type, int status,
                               const Json& object, std::vector<std::string> warnings) const;

  // api_delete.cpp
  [[nodiscard]] Answer remove(const Request& request, const ResourcePath& path);
  [[nodiscard]] Answer remove_collection(const Request& request, const ResourcePath& path);
  [[nodiscard]] Reply<Json> remove_object(const ResourcePath& path, const Json& options, bool dry_run);
  void settle_namespace(const std::string& ns);

  [[nodiscard]] static Reply<Body> read_body(const Request& request);
  [[nodiscard]] static Reply<WriteOptions> write_options(const Request& request);

  Registry registry_;
  Store& store_;
  const Clock& clock_;
  ApiSettings settings_;
  std::string openapi_v2_;
  std::string openapi_hash_;
};

/// Turns a refused write into the error the client gets.
[[nodiscard]] tl::unexpected<ApiError> error_of(const WriteFailure& failure, const ResourceType& type,
                                                const ObjectKey& key);

}  // namespace penstock::apiserver
