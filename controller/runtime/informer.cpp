#include "controller/runtime/informer.hpp"

#include <algorithm>
#include <random>
#include <utility>

#include "core/log.hpp"
#include "core/thread.hpp"

namespace penstock::runtime {
namespace {

constexpr std::chrono::seconds kShortWatch{1};

double dice() {
  thread_local std::minstd_rand engine{std::random_device{}()};
  return std::uniform_real_distribution<double>{0.01, 1.0}(engine);
}

}  // namespace

Millis RetryPacer::next(SteadyTime now, double fraction) {
  if (failures_ > 0 && now - last_ > pacing_.healthy_after) failures_ = 0;
  last_ = now;
  const auto whole = std::min(pacing_.limit, pacing_.first * (Millis::rep{1} << std::min(failures_, 20)));
  ++failures_;
  return std::max(Millis{1}, std::chrono::duration_cast<Millis>(whole * fraction));
}

Informer::Informer(std::string name, ListWatch& source, RetryPacing pacing)
    : name_(std::move(name)), source_(source), pacer_(pacing) {}

void Informer::on_change(ChangeHandler handler) {
  handlers_.push_back(std::move(handler));
}

Status Informer::start() {
  PENSTOCK_ASSIGN(thread_,
                  start_thread("watching " + name_, [this](const std::stop_token& stop) { run(stop); }));
  return {};
}

void Informer::stop() {
  thread_ = {};
}

void Informer::run(const std::stop_token& stop) {
  std::string version = "0";
  while (!stop.stop_requested()) {
    if (!list_once(version, stop)) continue;
    while (!stop.stop_requested() && watch_once(version, stop) == Next::Watch) {
    }
  }
}

bool Informer::list_once(std::string& version, const std::stop_token& stop) {
  auto fresh = source_.list(version, stop);
  if (stop.stop_requested()) return false;
  if (fresh) {
    last_logged_.clear();
    set_list_error(std::nullopt);
    replace_all(*fresh);
    version = fresh->resource_version;
    return true;
  }
  log_failure(fresh.error());
  set_list_error(fresh.error());
  const bool asked_for_one = version != "0" && !version.empty();
  // A version that the server has lost (or not yet reached) would be refused for ever: ask for the latest.
  if (asked_for_one) version.clear();
  pause(Millis{0}, stop);
  return false;
}

Informer::Next Informer::watch_once(std::string& version, const std::stop_token& stop) {
  const auto begun = steady_now();
  bool heard = false;
  const auto on_event = [&](const WatchEvent& event) {
    last_logged_.clear();
    heard = true;
    if (auto seen = resource_version_of(*event.object); !seen.empty()) version = std::move(seen);
    if (event.type != WatchEvent::Type::Bookmark) apply(event);
  };
  const auto end = source_.watch(version, on_event, stop);
  if (stop.stop_requested()) return Next::List;
  if (!end.error) {
    // A server that closes at once must not be asked in a tight loop.
    if (!heard && steady_now() - begun < kShortWatch) pause(end.retry_after, stop);
    return Next::Watch;
  }
  log_failure(*end.error);
  if (end.error->reason == kExpired) {
    version.clear();
    // Many informers lose their place at the same moment, and a server may expire what it has just listed.
    if (!heard) pause(end.retry_after, stop);
    return Next::List;
  }
  pause(end.retry_after, stop);
  return end.error->kind == ErrorKind::Transient ? Next::Watch : Next::List;
}

void Informer::replace_all(const ObjectList& fresh) {
  std::map<ObjectKey, Object> now;
  for (const auto& object : fresh.items)
    now.insert_or_assign(key_of(*object), object);
  std::map<ObjectKey, Object> before;
  {
    const std::lock_guard lock(mutex_);
    before = std::exchange(objects_, now);
  }
  for (const auto& [key, object] : before) {
    if (!now.contains(key)) tell(object, nullptr);
  }
  for (const auto& [key, object] : now) {
    const auto old = before.find(key);
    if (old == before.end()) {
      tell(nullptr, object);
    } else if (resource_version_of(*old->second) != resource_version_of(*object)) {
      tell(old->second, object);
    }
  }
  const std::lock_guard lock(mutex_);
  synced_ = true;
  changed_.notify_all();
}

void Informer::apply(const WatchEvent& event) {
  const bool gone = event.type == WatchEvent::Type::Deleted;
  Object before;
  {
    const std::lock_guard lock(mutex_);
    const auto key = key_of(*event.object);
    auto& slot = objects_[key];
    before = std::exchange(slot, event.object);
    if (gone) objects_.erase(key);
  }
  if (!gone) return tell(before, event.object);
  // The event carries the object's last state, newer than what the cache had.
  if (before != nullptr) tell(event.object, nullptr);
}

void Informer::tell(const Object& before, const Object& after) const {
  for (const auto& handler : handlers_)
    handler(before, after);
}

void Informer::set_list_error(std::optional<Error> error) {
  const std::lock_guard lock(mutex_);
  list_error_ = std::move(error);
}

void Informer::log_failure(const Error& error) {
  if (last_logged_ == error.reason || error.reason == kExpired) {
    log::debug(name_, "list and watch: {}", error.text());
  } else {
    log::warn(name_, "list and watch: {}; trying again", error.text());
  }
  last_logged_ = error.reason;
}

void Informer::pause(Millis at_least, const std::stop_token& stop) {
  const auto wait = std::max(at_least, pacer_.next(steady_now(), dice()));
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, stop, wait, [] { return false; });
}

bool Informer::synced() const {
  const std::lock_guard lock(mutex_);
  return synced_;
}

bool Informer::wait_until_synced(Millis limit) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, limit, [this] { return synced_; });
}

Object Informer::get(const ObjectKey& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = objects_.find(key);
  return found == objects_.end() ? nullptr : found->second;
}

std::vector<Object> Informer::list() const {
  const std::lock_guard lock(mutex_);
  std::vector<Object> all;
  all.reserve(objects_.size());
  for (const auto& [key, object] : objects_)
    all.push_back(object);
  return all;
}

std::optional<Error> Informer::list_error() const {
  const std::lock_guard lock(mutex_);
  return list_error_;
}

}  // namespace penstock::runtime
