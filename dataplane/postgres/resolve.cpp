#include "dataplane/postgres/resolve.hpp"

#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "core/thread.hpp"

namespace penstock::postgres {
namespace {

constexpr std::size_t kMostAddresses = 5;

struct FreeAddresses {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

struct Found {
  int code = 0;  ///< getaddrinfo's
  std::vector<std::string> addresses{};
};

/// `flags`: of getaddrinfo(3); with AI_NUMERICHOST it asks nobody.
Found look_up(const std::string& host, int flags = 0) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags;
  addrinfo* raw = nullptr;
  Found out;
  out.code = ::getaddrinfo(host.c_str(), nullptr, &hints, &raw);
  const std::unique_ptr<addrinfo, FreeAddresses> list(raw);
  for (const addrinfo* one = list.get(); one != nullptr && out.addresses.size() < kMostAddresses;
       one = one->ai_next) {
    std::array<char, NI_MAXHOST> text{};
    if (::getnameinfo(one->ai_addr, one->ai_addrlen, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) !=
        0)
      continue;
    if (std::find(out.addresses.begin(), out.addresses.end(), text.data()) == out.addresses.end())
      out.addresses.emplace_back(text.data());
  }
  return out;
}

/// Shared with a thread that may outlive the wait.
struct LookUp {
  std::mutex mutex;
  std::condition_variable_any changed;
  std::optional<Found> found;
};

}  // namespace

Result<std::vector<std::string>> resolve(const Endpoint& endpoint, std::chrono::milliseconds limit) {
  const auto failed = [&](ErrorKind kind, const std::string& why) {
    return fail(kind, "HostNotFound",
                fmt::format("host \"{}\" of PostgreSQL cannot be resolved: {}", endpoint.host, why),
                "Check spec.source.postgres.host, and that the name resolves from where Penstock runs");
  };
  if (auto numeric = look_up(endpoint.host, AI_NUMERICHOST); numeric.code == 0) return numeric.addresses;
  const auto look = std::make_shared<LookUp>();
  PENSTOCK_ASSIGN(auto thread, start_thread("looking up " + endpoint.host, [look, host = endpoint.host] {
                    auto found = look_up(host);
                    const std::lock_guard lock(look->mutex);
                    look->found = std::move(found);
                    look->changed.notify_all();
                  }));
  thread.detach();
  std::unique_lock lock(look->mutex);
  look->changed.wait_for(lock, endpoint.limits.stop, limit, [&] { return look->found.has_value(); });
  if (!look->found && endpoint.limits.stop.stop_requested()) return interrupted("connecting");
  if (!look->found)
    return failed(ErrorKind::Transient, fmt::format("no answer within {} s", limit.count() / 1000));
  if (!look->found->addresses.empty()) return look->found->addresses;
  const int code = look->found->code;
  return failed(code == EAI_NONAME || code == EAI_FAIL ? ErrorKind::NeedsUser : ErrorKind::Transient,
                ::gai_strerror(code));
}

}  // namespace penstock::postgres
