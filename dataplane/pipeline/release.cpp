#include "dataplane/pipeline/release.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <functional>

#include "dataplane/clickhouse/owner.hpp"
#include "dataplane/clickhouse/swap.hpp"
#include "dataplane/pipeline/setup.hpp"
#include "dataplane/postgres/catalog.hpp"

namespace penstock::pipeline {
namespace {

/// What is left on one server, and why.
struct Leftovers {
  std::vector<std::string> what;
  std::vector<std::string> by_hand;  ///< statements
  bool kept_back = false;            ///< targets were to be given back
  std::optional<Error> why;

  /// Whether nothing else need be tried there.
  [[nodiscard]] bool hopeless() const {
    constexpr std::array kOfOneThing{"SlotInUse", "PermissionDenied", "DestinationDropRefused",
                                     "DestinationAccessDenied"};
    return why && !clickhouse::holds_up_one_table(*why) &&
           std::find(kOfOneThing.begin(), kOfOneThing.end(), why->reason) == kOfOneThing.end();
  }
  /// Does it, unless the server has refused everything before.
  void attempt(const std::string& thing, const std::string& statement, const std::function<Status()>& drop) {
    const auto done = hopeless() ? Status(fail(*why)) : drop();
    if (done) return;
    if (!why) why = done.error();
    what.push_back(thing);
    if (!statement.empty()) by_hand.push_back(statement);
  }
};

/// A list that people can read.
std::string text_of(const std::vector<std::string>& all, const char* between) {
  constexpr std::size_t kMost = 20;
  if (all.size() <= kMost) return fmt::format("{}", fmt::join(all, between));
  return fmt::format("{}{}… ({} more)", fmt::join(all.begin(), all.begin() + kMost, between), between,
                     all.size() - kMost);
}

Error error_of(const Leftovers& left, const std::string& server) {
  Error out = *left.why;
  if (!out.message.ends_with(server)) out.message += fmt::format("; at {}", server);
  out.message += fmt::format(" there is left, unless it never was: {}", text_of(left.what, ", "));
  std::vector<std::string> cures;
  if (!out.cure.empty()) cures.push_back(out.cure);
  if (!left.by_hand.empty()) cures.push_back("By hand: " + text_of(left.by_hand, "; "));
  if (left.kept_back)
    cures.emplace_back(
        "Targets that were not given back are taken by the next Pipe with spec.takeOver: true");
  out.cure = fmt::format("{}", fmt::join(cures, ". "));
  return out;
}

std::string quoted_text(std::string text) {
  for (auto at = text.find('\''); at != std::string::npos; at = text.find('\'', at + 2))
    text.insert(at, 1, '\'');
  return "'" + text + "'";
}

Leftovers release_source(const PipeJob& job, const Release& what) {
  Leftovers left;
  left.why = what.no_source;
  if (what.slot)
    left.attempt("replication slot " + job.slot,
                 fmt::format("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE "
                             "starts_with(slot_name::text, {})",
                             quoted_text(what.prefix)),
                 [&]() -> Status {
                   PENSTOCK_TRY(postgres::drop_slots_of(job.source, what.prefix, what.except));
                   return postgres::drop_slots_of(job.source, temporary_slot(what.prefix), "");
                 });
  if (what.publication)
    left.attempt("publication " + job.publication,
                 "DROP PUBLICATION IF EXISTS " + quote_identifier(job.publication),
                 [&] { return postgres::drop_publications_of(job.source, what.prefix, what.except); });
  return left;
}

/// Of a table that its user made the rows may go, and the table is not ours to drop.
Status drop_or_give_back(const PipeJob& job, clickhouse::Client& client, const std::string& name) {
  PENSTOCK_ASSIGN(const auto target, clickhouse::read_mark(client, name));
  if (!target || !target->mark || target->mark->pipe_uid != job.uid) return {};
  if (target->mark->adopted) return clickhouse::give_back(client, job.uid, name);
  return clickhouse::drop_target(client, job.destination.database, name);
}

/// Each of those that are ours, once more looked at before anything becomes of it.
class DestinationRelease {
 public:
  DestinationRelease(const PipeJob& job, const Release& what)
      : job_(job), what_(what), client_(job.destination) {
    left_.why = what.no_destination;
  }

  Leftovers run() {
    const auto names = all_names();
    if (names.empty()) return std::move(left_);
    found_ = left_.why ? Result<clickhouse::TargetTables>(fail(*left_.why))
                       : clickhouse::read_targets(client_, names);
    for (const auto& target : what_.staging)
      drop(clickhouse::staging_name(target),
           [&] { return clickhouse::drop_staging(client_, job_.uid, target); });
    for (const auto& target : what_.targets)
      drop(target, [&] { return drop_or_give_back(job_, client_, target); });
    for (const auto& target : what_.give_back) {
      const auto before = left_.what.size();
      attempt(target, "mark on table " + full(target), "",
              [&] { return clickhouse::give_back(client_, job_.uid, target); });
      left_.kept_back = left_.kept_back || left_.what.size() > before;
    }
    return std::move(left_);
  }

 private:
  [[nodiscard]] std::string full(const std::string& table) const {
    return fmt::format("{}.{}", clickhouse::quote(job_.destination.database), clickhouse::quote(table));
  }
  [[nodiscard]] std::vector<std::string> all_names() const {
    std::vector<std::string> out;
    for (const auto& target : what_.staging)
      out.push_back(clickhouse::staging_name(target));
    out.insert(out.end(), what_.targets.begin(), what_.targets.end());
    out.insert(out.end(), what_.give_back.begin(), what_.give_back.end());
    return out;
  }
  void attempt(const std::string& table, const std::string& thing, const std::string& statement,
               const std::function<Status()>& act) {
    left_.attempt(thing, statement, [&]() -> Status {
      if (!found_) return fail(found_.error());
      const auto present = clickhouse::target_of(*found_, table);
      return present && present->mark && present->mark->pipe_uid == job_.uid ? act() : Status{};
    });
  }
  void drop(const std::string& table, const std::function<Status()>& act) {
    attempt(table, "table " + full(table), fmt::format("DROP TABLE IF EXISTS {} SYNC", full(table)), act);
  }

  const PipeJob& job_;
  const Release& what_;
  clickhouse::Client client_;
  Leftovers left_;
  Result<clickhouse::TargetTables> found_;
};

}  // namespace

Status release(const PipeJob& job, const Release& what) {
  const auto source = release_source(job, what);
  const auto destination = DestinationRelease(job, what).run();
  std::vector<Error> errors;
  if (!source.what.empty()) errors.push_back(error_of(source, "PostgreSQL " + job.source.text()));
  if (!destination.what.empty()) errors.push_back(error_of(destination, "ClickHouse " + job.destination.url));
  if (errors.empty()) return {};
  auto out = errors.front();
  if (errors.size() > 1) {
    out.message += fmt::format(". {}; and {}", out.cure, errors.back().message);
    out.cure = errors.back().cure;
  }
  return fail(std::move(out));
}

}  // namespace penstock::pipeline
