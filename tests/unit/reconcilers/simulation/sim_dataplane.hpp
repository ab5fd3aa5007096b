#pragma once

#include "reconcilers/pipe/ports.hpp"
#include "tests/unit/reconcilers/simulation/stage.hpp"

namespace penstock::reconcile::simulation {

/// The dataplane on two simulated servers, as controller/adapters and dataplane/pipeline do it on real ones:
/// the same statements in the same order, each an effect that may go wrong.
class SimDataplane final : public Dataplane {
 public:
  explicit SimDataplane(Stage& stage) : stage_(stage) {}

  Runs observe(const Pipe& pipe) override;
  void tune(const Pipe& /*pipe*/) override {}  // it has no pace
  Fingerprints fingerprint(const Pipe& pipe, const Credentials& credentials) override;
  Result<SetupFacts> set_up(const Pipe& pipe, const Credentials& credentials, const SetupWish& wish) override;
  Status ensure_publication(const Pipe& pipe, const Credentials& credentials) override;
  Result<Lsn> create_slot(const Pipe& pipe, const Credentials& credentials) override;
  Result<std::optional<ProbeFacts>> probe(const Pipe& pipe, const Credentials& credentials) override;
  Status start_load(const Pipe& pipe, const Credentials& credentials) override;
  Status start_stream(const Pipe& pipe, const Credentials& credentials) override;
  void stop_load(const Pipe& pipe) override;
  void stop_stream(const Pipe& pipe) override;
  Status take_down_former(const Pipe& pipe, const Credentials& credentials) override;
  Result<SwapFacts> swap(const Pipe& pipe, const Credentials& credentials,
                         const std::vector<SwapWish>& tables) override;
  Status release(const Pipe& pipe, const Credentials& credentials, const ReleaseWish& wish) override;
  void forget(const std::string& uid) override;

 private:
  struct Making;
  [[nodiscard]] Status source_answers() const;
  [[nodiscard]] Status destination_answers() const;
  [[nodiscard]] Status check_source(const Pipe& pipe, const SetupWish& wish) const;
  [[nodiscard]] Result<Making> examine(const Pipe& pipe, const TableStatus& table) const;
  [[nodiscard]] Status make(const Pipe& pipe, const Making& making);
  [[nodiscard]] Status make_staging(const Pipe& pipe, const Making& making);
  [[nodiscard]] Status swap_one(const Pipe& pipe, const SwapWish& wish, std::vector<std::string>& kept);
  [[nodiscard]] Status drop_sources(const Pipe& pipe, bool slots, bool publications,
                                    const std::string& except);
  [[nodiscard]] Status drop_table(const char* point, const std::string& name);
  void stop_reading(const std::optional<Stream>& stream);

  Stage& stage_;
};

[[nodiscard]] Kind kind_of(const TableStatus& table);
[[nodiscard]] std::int8_t shape_of(const TableStatus& table);
/// The table that rows of this table are written to.
[[nodiscard]] std::string written(const TableStatus& table);

}  // namespace penstock::reconcile::simulation
