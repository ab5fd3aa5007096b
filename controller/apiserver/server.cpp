#include "controller/apiserver/server.hpp"

#include <fmt/format.h>

#include <optional>

#include "controller/apiserver/api.hpp"
#include "controller/apiserver/data_directory.hpp"
#include "controller/apiserver/http_listener.hpp"
#include "controller/apiserver/kubeconfig_text.hpp"
#include "controller/apiserver/metadata_rules.hpp"
#include "controller/apiserver/own_objects.hpp"
#include "controller/apiserver/schema.hpp"

namespace penstock::apiserver {

namespace {

constexpr std::size_t kTokenBytes = 32;

const Clock& clock_of(const ApiServerOptions& options) {
  static const SystemClock kSystem;
  return options.clock != nullptr ? *options.clock : kSystem;
}

Result<Registry> registry_of(const ApiServerOptions& options) {
  auto types = core_types();
  for (const auto& kind : options.kinds) {
    auto type = type_of_crd(*kind.crd);
    if (!type) {
      return fail(ErrorKind::Internal, "InvalidCrd",
                  fmt::format("the CustomResourceDefinition cannot be served: {}", type.error()));
    }
    type->validator = kind.validator;
    types.push_back(*std::move(type));
  }
  return Registry(std::move(types));
}

/// The token and the certificate: made once, kept in the state file (mode 0600).
Result<Secret> token_of(StateFile& file) {
  PENSTOCK_ASSIGN(auto stored, file.setting("token"));
  if (stored && !stored->empty()) return Secret(*std::move(stored));
  Secret token(random_hex(kTokenBytes));
  PENSTOCK_TRY(file.set_setting("token", token.reveal()));
  return token;
}

Result<TlsIdentity> identity_of(StateFile& file, WallTime now) {
  PENSTOCK_ASSIGN(auto certificate, file.setting("certificate"));
  PENSTOCK_ASSIGN(auto key, file.setting("certificate-key"));
  TlsIdentity stored{certificate.value_or(""), Secret(key.value_or(""))};
  if (is_usable(stored, now)) return stored;
  PENSTOCK_ASSIGN(auto made, make_tls_identity(now));
  PENSTOCK_TRY(file.set_setting("certificate", made.certificate_pem));
  PENSTOCK_TRY(file.set_setting("certificate-key", made.key_pem.reveal()));
  return made;
}

}  // namespace

class ApiServer::Impl {
 public:
  Impl(DataDirectory directory, std::unique_ptr<Store> store)
      : directory_(std::move(directory)), store_(std::move(store)) {}

  Status run(const ApiServerOptions& options, Registry registry, TlsIdentity identity, const Secret& token) {
    const Clock& clock = clock_of(options);
    PENSTOCK_TRY(put_own_objects(*store_, registry, options.kinds, clock.now()));
    const auto certificate = identity.certificate_pem;
    PENSTOCK_ASSIGN(listener_, HttpListener::bind({.host = options.host,
                                                   .port = options.port,
                                                   .threads = options.threads,
                                                   .identity = std::move(identity),
                                                   .bookmark_interval = options.bookmark_interval,
                                                   .slow_watcher = options.slow_watcher,
                                                   .limits = options.limits}));
    port_ = listener_->port();
    const auto address = fmt::format("{}:{}", listener_->host(), port_);
    url_ = "https://" + address;
    api_ = std::make_unique<Api>(std::move(registry), *store_, clock,
                                 ApiSettings{token, address, options.version, options.event_ttl});
    api_->settle_namespaces();
    PENSTOCK_TRY(listener_->serve(*api_, *store_, [api = api_.get()] { api->forget_old_events(); }));
    kubeconfig_ = directory_->file("kubeconfig");
    return write_private_file(kubeconfig_, kubeconfig_text(url_, certificate, token).reveal());
  }

  void stop() {
    if (listener_) listener_->stop();
    listener_.reset();
    api_.reset();
    store_.reset();
    directory_.reset();
  }

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] const std::string& url() const { return url_; }
  [[nodiscard]] const std::string& kubeconfig() const { return kubeconfig_; }

 private:
  // In this order: the lock goes last.
  std::optional<DataDirectory> directory_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<Api> api_;
  std::unique_ptr<HttpListener> listener_;
  std::uint16_t port_ = 0;
  std::string url_;
  std::string kubeconfig_;
};

Result<std::unique_ptr<ApiServer>> ApiServer::start(const ApiServerOptions& options) {
  PENSTOCK_ASSIGN(auto registry, registry_of(options));
  PENSTOCK_ASSIGN(auto directory, DataDirectory::acquire(options.data_dir));
  PENSTOCK_ASSIGN(auto file, StateFile::open(directory.file("state.db"), directory.was_used()));
  PENSTOCK_ASSIGN(const auto token, token_of(*file));
  PENSTOCK_ASSIGN(auto identity, identity_of(*file, clock_of(options).now()));
  // Objects stored under an older schema show the defaults of this one.
  const auto on_load = [&](const ObjectKey& key, Json& value) {
    const auto* type = registry.find_qualified(key.type);
    if (type != nullptr && type->custom) apply_defaults(value, type->schema);
  };
  PENSTOCK_ASSIGN(auto store,
                  Store::open(std::move(file), {options.window_changes, options.window_bytes}, on_load));
  auto impl = std::make_unique<Impl>(std::move(directory), std::move(store));
  PENSTOCK_TRY(impl->run(options, std::move(registry), std::move(identity), token));
  return std::unique_ptr<ApiServer>(new ApiServer(std::move(impl)));
}

ApiServer::ApiServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

ApiServer::~ApiServer() {
  stop();
}

std::uint16_t ApiServer::port() const {
  return impl_->port();
}

const std::string& ApiServer::url() const {
  return impl_->url();
}

const std::string& ApiServer::kubeconfig_path() const {
  return impl_->kubeconfig();
}

void ApiServer::stop() {
  impl_->stop();
}

}  // namespace penstock::apiserver
