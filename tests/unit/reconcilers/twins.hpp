#pragma once

// Ports in memory, for what the reconciler itself does: a Pipe that is stored, and a dataplane where nothing
// runs and whose servers are there or away.

#include <string>
#include <utility>
#include <vector>

#include "reconcilers/pipe/ports.hpp"

namespace penstock::reconcile::test {

/// Time passes as the test says, and the wall clock may be set beside it.
struct ManualClock final : Clock {
  explicit ManualClock(WallTime begin) : time(begin) {}
  [[nodiscard]] WallTime now() const override { return time + set_by; }
  [[nodiscard]] SteadyTime steady() const override { return SteadyTime(time.time_since_epoch()); }
  WallTime time;
  std::chrono::seconds set_by{0};
};

struct TwinApi : PipeApi {
  explicit TwinApi(Pipe pipe) : stored(std::move(pipe)) {}

  Result<std::string> write_status(const Pipe& pipe, const PipeStatus& status) override {
    PENSTOCK_TRY(confirm_unchanged(pipe));
    stored.status = status;
    stored.resource_version = std::to_string(std::stoi(stored.resource_version) + 1);
    return stored.resource_version;
  }
  Result<std::optional<Pipe>> read(const std::string& /*ns*/, const std::string& /*name*/) override {
    return stored;
  }
  Status confirm_unchanged(const Pipe& pipe) override {
    if (same_in_what_matters(pipe, stored)) return {};
    return fail(ErrorKind::Transient, "Conflict", "it was changed meanwhile");
  }
  Status add_finalizer(const Pipe& /*pipe*/) override {
    stored.has_finalizer = true;
    return {};
  }
  Status remove_finalizer(const Pipe& /*pipe*/) override {
    stored.has_finalizer = false;
    return {};
  }
  void event(const Pipe& /*pipe*/, bool warning, const std::string& reason,
             const std::string& message) override {
    if (warning) warnings.emplace_back(reason, message);
  }
  Result<Secret> read_secret(const std::string& /*ns*/, const SecretKeyRef& ref) override {
    if (ref.name == missing_secret)
      return fail(ErrorKind::NeedsUser, "SecretMissing", "it is gone", "make it");
    return Secret("open sesame");
  }

  Pipe stored;
  std::string missing_secret;
  std::vector<std::pair<std::string, std::string>> warnings;  ///< reason, message
};

struct TwinDataplane : Dataplane {
  Runs observe(const Pipe& /*pipe*/) override { return run; }
  void tune(const Pipe& pipe) override { tuned.push_back(pipe.spec.sync.interval); }
  Fingerprints fingerprint(const Pipe& /*pipe*/, const Credentials& /*credentials*/) override {
    return {"l1", "s1"};
  }
  Result<SetupFacts> set_up(const Pipe& /*pipe*/, const Credentials& /*credentials*/,
                            const SetupWish& /*wish*/) override {
    PENSTOCK_TRY(servers);
    return SetupFacts{};
  }
  Status ensure_publication(const Pipe& /*pipe*/, const Credentials& /*credentials*/) override {
    return servers;
  }
  Result<Lsn> create_slot(const Pipe& /*pipe*/, const Credentials& /*credentials*/) override {
    PENSTOCK_TRY(servers);
    return Lsn{0x100};
  }
  Result<std::optional<ProbeFacts>> probe(const Pipe& /*pipe*/, const Credentials& /*credentials*/) override {
    PENSTOCK_TRY(servers);
    return ProbeFacts{};
  }
  Status start_load(const Pipe& /*pipe*/, const Credentials& /*credentials*/) override { return servers; }
  Status start_stream(const Pipe& /*pipe*/, const Credentials& /*credentials*/) override { return servers; }
  void stop_load(const Pipe& /*pipe*/) override { run.load = {}; }
  void stop_stream(const Pipe& /*pipe*/) override { run.stream = {}; }
  Status take_down_former(const Pipe& /*pipe*/, const Credentials& /*credentials*/) override {
    return servers;
  }
  Result<SwapFacts> swap(const Pipe& /*pipe*/, const Credentials& /*credentials*/,
                         const std::vector<SwapWish>& /*tables*/) override {
    PENSTOCK_TRY(servers);
    return SwapFacts{};
  }
  Status release(const Pipe& /*pipe*/, const Credentials& /*credentials*/, const ReleaseWish& wish) override {
    asked.push_back(wish);
    return servers;
  }
  void forget(const std::string& /*uid*/) override { run = {}; }

  Runs run;
  Status servers;  ///< what whatever needs them is answered
  std::vector<ReleaseWish> asked;
  std::vector<std::chrono::milliseconds> tuned;
};

}  // namespace penstock::reconcile::test
