#include "dataplane/clickhouse/swap.hpp"

#include <fmt/format.h>

#include <utility>

#include "core/log.hpp"
#include "dataplane/clickhouse/look.hpp"

namespace penstock::clickhouse {
namespace {

// Two steps lead from any state to Done; more only when somebody else changes the tables meanwhile.
constexpr int kSteps = 6;

bool ours(const std::optional<TargetTable>& table, const std::string& pipe_uid) {
  return table && table->mark && table->mark->pipe_uid == pipe_uid;
}

bool is_wished(const std::optional<TargetTable>& table, const SwapWish& wish) {
  return ours(table, wish.pipe_uid) && table->mark->load == wish.load;
}

constexpr const char* kLoadAnew = "Raise resyncGeneration to load the table anew";

std::string qualified(const Client& client, const std::string& table) {
  return quote(client.endpoint().database) + "." + quote(table);
}

/// A statement that changes names, told apart by `log_comment`. It is never sent twice in one call.
Status change_names(Client& client, std::string sql, const std::string& log_comment, std::string purpose) {
  return client.execute({std::move(sql), {{"log_comment", log_comment}}, false, false, std::move(purpose)});
}

Result<std::string> free_name(Client& client, const std::string& target, std::int64_t load) {
  const auto& database = client.endpoint().database;
  for (int nth = 1;; ++nth) {
    auto name = kept_name(database, target, load, nth);
    PENSTOCK_ASSIGN(const auto taken, read_target(client, name));
    if (!taken) return name;
  }
}

/// One call's work, between one look and the next.
struct Swap {
  Client& client;
  const SwapWish& wish;
  std::string log_comment;
  std::optional<std::string> kept;

  [[nodiscard]] std::string target() const { return qualified(client, wish.target); }
  [[nodiscard]] std::string staging() const { return qualified(client, staging_name(wish.target)); }

  Result<SwapStep> observe() const {
    PENSTOCK_TRY(none_runs(client, log_comment, "exchange " + target()));
    PENSTOCK_ASSIGN(const auto present, read_target(client, wish.target));
    PENSTOCK_ASSIGN(const auto beside, read_target(client, staging_name(wish.target)));
    return next_swap_step(wish, present, beside);
  }

  Status take(SwapStep step) {
    switch (step) {
      case SwapStep::Exchange:
      case SwapStep::PutBack:
        return change_names(client, fmt::format("EXCHANGE TABLES {} AND {}", target(), staging()),
                            log_comment, fmt::format("exchange {} and {}", target(), staging()));
      case SwapStep::Rename:
        return change_names(client, fmt::format("RENAME TABLE {} TO {}", staging(), target()), log_comment,
                            fmt::format("rename {} to {}", staging(), target()));
      case SwapStep::KeepFormer:
        return keep_former();
      case SwapStep::DropFormer:
        return drop_target(client, client.endpoint().database, staging_name(wish.target));
      case SwapStep::Done:
        break;
    }
    return {};
  }

  Status keep_former() {
    PENSTOCK_ASSIGN(auto name, free_name(client, wish.target, wish.load));
    const auto to = qualified(client, name);
    PENSTOCK_TRY(change_names(client, fmt::format("RENAME TABLE {} TO {}", staging(), to), log_comment,
                              fmt::format("keep the former {} as {}", target(), to)));
    kept = std::move(name);
    return {};
  }
};

}  // namespace

std::string staging_name(const std::string& target) {
  return target + kResyncSuffix;
}

Result<SwapStep> next_swap_step(const SwapWish& wish, const std::optional<TargetTable>& target,
                                const std::optional<TargetTable>& staging) {
  const bool loaded_beside = is_wished(staging, wish);
  const bool exchanged = is_wished(target, wish);
  if (loaded_beside && exchanged)
    return fail(
        ErrorKind::Terminal, "SwapAmbiguous",
        fmt::format("tables {0} and {1} both carry the mark of load {2}, so that nothing tells whether "
                    "they were exchanged",
                    wish.target, staging_name(wish.target), wish.load),
        kLoadAnew);
  const auto standing = [&](const TargetTable& table) {
    return standing_of(table.mark, wish.pipe_uid, wish.target, wish.take_over);
  };
  if (loaded_beside && target && standing(*target) == Standing::Others)
    return fail(not_ours(*target, wish.target, wish.take_over));
  if (loaded_beside) return target ? SwapStep::Exchange : SwapStep::Rename;
  if (!exchanged)
    return fail(
        ErrorKind::Terminal, "SwapSourceMissing",
        fmt::format("neither {} nor {} is the table that was loaded (load {}): the tables that were to "
                    "be exchanged are gone",
                    wish.target, staging_name(wish.target), wish.load),
        kLoadAnew);
  if (!staging) return SwapStep::Done;
  const auto former = standing(*staging);
  if (former == Standing::Others) return SwapStep::PutBack;
  return may_drop(staging->mark, former) ? SwapStep::DropFormer : SwapStep::KeepFormer;
}

Result<std::optional<std::string>> swap_target(Client& client, const SwapWish& wish) {
  Swap swap{client, wish,
            fmt::format("penstock swap pipe={} load={} table={}", wish.pipe_uid, wish.load, wish.target),
            std::nullopt};
  for (int taken = 0; taken < kSteps; ++taken) {
    PENSTOCK_ASSIGN(const auto step, swap.observe());
    if (step == SwapStep::Done) return swap.kept;
    PENSTOCK_TRY(swap.take(step));
  }
  return fail(ErrorKind::Transient, "SwapUnsettled",
              fmt::format("tables {} and {} change while they are exchanged", swap.target(), swap.staging()),
              "See who else changes them; it is tried again by itself");
}

Status check_staging_name(const std::string& database, const std::string& staging) {
  if (name_fits(database, staging)) return {};
  return fail(ErrorKind::NeedsUser, "TargetNameTooLong",
              fmt::format("ClickHouse cannot have a table {}.{}, which a resync needs: its name is too long",
                          quote(database), quote(staging)),
              "Name a shorter target in spec.tables[].target");
}

namespace {

/// What a pipe left that is not known here: its load cut off, or what it had exchanged.
Status put_aside(Client& client, const TargetTable& table, const std::string& target, std::int64_t load) {
  PENSTOCK_ASSIGN(const auto name, free_name(client, target, load));
  const auto from = qualified(client, table.table);
  log::warn("clickhouse", "{} of another pipe is kept as {}", from, name);
  return client.execute({fmt::format("RENAME TABLE {} TO {}", from, qualified(client, name)),
                         {},
                         false,
                         false,
                         fmt::format("keep {} as {}", from, name)});
}

}  // namespace

Status make_staging(Client& client, const TargetDefinition& definition, const TakeOver& take_over) {
  const auto& uid = definition.mark.pipe_uid;
  const auto target = definition.table.substr(0, definition.table.rfind(kResyncSuffix));
  PENSTOCK_TRY(check_staging_name(definition.database, definition.table));
  PENSTOCK_ASSIGN(const auto present, read_target(client, definition.table));
  if (present) {
    if (auto fault = staging_fault(*present, uid, target, take_over)) return fail(*std::move(fault));
    const bool forsaken = standing_of(present->mark, uid, target, take_over) == Standing::Forsaken;
    PENSTOCK_TRY(forsaken ? put_aside(client, *present, target, definition.mark.load)
                          : drop_target(client, definition.database, definition.table));
  }
  PENSTOCK_TRY(create_target(client, definition));
  // CREATE … IF NOT EXISTS lets a table be that somebody made in between.
  PENSTOCK_ASSIGN(const auto made, read_target(client, definition.table));
  if (made && made->mark == definition.mark) return {};
  auto fault = made ? staging_fault(*made, uid, target, take_over) : std::nullopt;
  if (fault) return fail(*std::move(fault));
  return fail(ErrorKind::Transient, "TargetChanged",
              fmt::format("table {}.{} was dropped or made by somebody else at this moment",
                          quote(definition.database), quote(definition.table)),
              "It is tried again by itself");
}

Status drop_staging(Client& client, const std::string& pipe_uid, const std::string& target) {
  PENSTOCK_ASSIGN(const auto staging, read_target(client, staging_name(target)));
  if (!ours(staging, pipe_uid) || staging->mark->adopted) return {};
  return drop_target(client, client.endpoint().database, staging_name(target));
}

}  // namespace penstock::clickhouse
