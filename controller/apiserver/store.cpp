#include "controller/apiserver/store.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace penstock::apiserver {

namespace {

constexpr const char* kNamespaces = "namespaces";

ObjectPtr make_object(Json value, std::uint64_t revision, WallTime written) {
  auto object = std::make_shared<StoredObject>();
  value["metadata"]["resourceVersion"] = std::to_string(revision);
  object->text = to_text(value);
  object->value = std::move(value);
  object->revision = revision;
  object->written = written;
  return object;
}

std::size_t bytes_of(const Change& change) {
  return change.object->text.size() + (change.previous ? change.previous->text.size() : 0);
}

bool in_scope(const ObjectKey& key, const std::string& type, const std::string& ns) {
  return key.type == type && (ns.empty() || key.ns == ns);
}

/// A full disk is emptied by deleting, and by what leads to it.
bool may_use_reserve(const Write& write) {
  return write.remove || write.urgent || member(write.value, {"metadata", "deletionTimestamp"}).is_string();
}

WriteFailure failure_of(const Error& error) {
  const bool full = error.reason == "DiskFull";
  return {full ? WriteFailure::Kind::DiskFull : WriteFailure::Kind::Io, error.text()};
}

}  // namespace

Result<std::unique_ptr<Store>> Store::open(std::unique_ptr<StateFile> file, WatchWindow window,
                                           const OnLoad& on_load) {
  std::unique_ptr<Store> store(new Store(std::move(file), window));
  PENSTOCK_TRY(store->load(on_load));
  return store;
}

Status Store::load(const OnLoad& on_load) {
  PENSTOCK_ASSIGN(revision_, file_->revision());
  log_start_ = revision_;
  PENSTOCK_ASSIGN(const auto rows, file_->load());
  for (const auto& row : rows) {
    auto parsed = parse_json(row.body);
    if (!parsed || !parsed->value.is_object() || !member(parsed->value, "metadata").is_object()) {
      return fail(
          ErrorKind::NeedsUser, "StateFileDamaged",
          fmt::format("the state file is damaged: {} {}/{} cannot be read", row.type, row.ns, row.name),
          "Restore it from a copy, or move it away and apply your manifests again");
    }
    ObjectKey key{row.type, row.ns, row.name};
    if (on_load) on_load(key, parsed->value);
    objects_[std::move(key)] = make_object(std::move(parsed->value), row.revision, row.written);
  }
  return {};
}

std::uint64_t Store::revision() const {
  const std::shared_lock lock(memory_);
  return revision_;
}

ObjectPtr Store::find(const ObjectKey& key) const {
  const auto found = objects_.find(key);
  return found == objects_.end() ? nullptr : found->second;
}

ObjectPtr Store::get(const ObjectKey& key) const {
  const std::shared_lock lock(memory_);
  return find(key);
}

Snapshot Store::list(const std::string& type, const std::string& ns) const {
  const std::shared_lock lock(memory_);
  Snapshot snapshot{revision_, {}};
  for (auto at = objects_.lower_bound({type, ns, ""}); at != objects_.end() && in_scope(at->first, type, ns);
       ++at) {
    snapshot.objects.push_back(at->second);
  }
  return snapshot;
}

std::optional<Snapshot> Store::list_at(const std::string& type, const std::string& ns,
                                       std::uint64_t revision) const {
  const std::shared_lock lock(memory_);
  if (revision < log_start_ || revision > revision_) return std::nullopt;
  std::map<ObjectKey, ObjectPtr> past;
  for (auto at = objects_.lower_bound({type, ns, ""}); at != objects_.end() && in_scope(at->first, type, ns);
       ++at) {
    past.insert(*at);
  }
  for (auto change = log_.rbegin(); change != log_.rend() && change->revision > revision; ++change) {
    if (!in_scope(change->key, type, ns)) continue;
    if (change->previous) {
      past[change->key] = change->previous;
    } else {
      past.erase(change->key);
    }
  }
  Snapshot snapshot{revision, {}};
  for (const auto& [key, object] : past) {
    snapshot.objects.push_back(object);
  }
  return snapshot;
}

bool Store::namespace_empty(const std::string& ns) const {
  const std::shared_lock lock(memory_);
  return std::none_of(objects_.begin(), objects_.end(),
                      [&](const auto& entry) { return entry.first.ns == ns; });
}

std::optional<WriteFailure> Store::refusal(const Write& write, const ObjectPtr& current) const {
  using Kind = WriteFailure::Kind;
  if (write.expected_revision == 0 && current) return WriteFailure{Kind::Exists};
  if (write.expected_revision != 0 && !current) return WriteFailure{Kind::Missing};
  if (current && current->revision != write.expected_revision) return WriteFailure{Kind::Stale};
  if (write.needs_namespace) {
    const auto ns = get({kNamespaces, "", write.key.ns});
    if (!ns) return WriteFailure{Kind::NamespaceMissing};
    if (ns->value["metadata"].contains("deletionTimestamp")) return WriteFailure{Kind::NamespaceTerminating};
  }
  if (write.remove && write.key.type == kNamespaces && !namespace_empty(write.key.name)) {
    return WriteFailure{Kind::NamespaceNotEmpty};
  }
  return std::nullopt;
}

std::optional<WriteFailure> Store::would_refuse(const Write& write) const {
  return refusal(write, get(write.key));
}

tl::expected<ObjectPtr, WriteFailure> Store::write(Write write) {
  const std::lock_guard one_writer(writer_);
  const auto current = get(write.key);
  if (auto refused = refusal(write, current)) return tl::unexpected(*std::move(refused));
  if (!may_use_reserve(write) && file_->short_of_space()) {
    return tl::unexpected(failure_of(file_->disk_full().value()));
  }
  const std::uint64_t next = revision() + 1;
  const auto object = make_object(std::move(write.value), next, write.now);
  const auto& key = write.key;
  const auto saved = write.remove ? file_->remove(key.type, key.ns, key.name, next)
                                  : file_->put({key.type, key.ns, key.name, next, write.now, object->text});
  if (!saved) return tl::unexpected(failure_of(saved.error()));
  Change change{.kind = write.remove ? Change::Kind::Deleted
                        : current    ? Change::Kind::Modified
                                     : Change::Kind::Added,
                .revision = next,
                .key = key,
                .object = object,
                .previous = current};
  record(std::move(change));
  return object;
}

void Store::record(Change change) {
  const std::string type = change.key.type;
  {
    const std::unique_lock lock(memory_);
    revision_ = change.revision;
    if (change.kind == Change::Kind::Deleted) {
      objects_.erase(change.key);
    } else {
      objects_[change.key] = change.object;
    }
    log_bytes_ += bytes_of(change);
    log_.push_back(std::move(change));
    while (log_.size() > 1 && (log_.size() > window_.changes || log_bytes_ > window_.bytes)) {
      log_start_ = log_.front().revision;
      log_bytes_ -= bytes_of(log_.front());
      log_.pop_front();
    }
  }
  const std::lock_guard lock(subscribers_mutex_);
  for (const auto& [id, subscriber] : subscribers_) {
    if (subscriber.type == type) subscriber.notify();
  }
}

std::optional<Store::Changes> Store::changes_after(const std::string& type, std::uint64_t revision,
                                                   std::size_t limit) const {
  const std::shared_lock lock(memory_);
  if (revision < log_start_) return std::nullopt;
  Changes found{{}, revision_};
  auto at =
      std::upper_bound(log_.begin(), log_.end(), revision,
                       [](std::uint64_t value, const Change& change) { return value < change.revision; });
  for (; at != log_.end(); ++at) {
    if (at->key.type != type) continue;
    if (found.changes.size() == limit) {
      found.read_to = found.changes.back().revision;
      break;
    }
    found.changes.push_back(*at);
  }
  return found;
}

std::uint64_t Store::subscribe(const std::string& type, std::function<void()> notify) {
  const std::lock_guard lock(subscribers_mutex_);
  subscribers_[next_subscription_] = {type, std::move(notify)};
  return next_subscription_++;
}

void Store::unsubscribe(std::uint64_t subscription) {
  const std::lock_guard lock(subscribers_mutex_);
  subscribers_.erase(subscription);
}

}  // namespace penstock::apiserver
