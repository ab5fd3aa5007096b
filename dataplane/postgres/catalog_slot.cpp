#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "dataplane/postgres/catalog.hpp"
#include "dataplane/postgres/catalog_session.hpp"

namespace penstock::postgres {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::chrono::seconds kLettingGo{10};
constexpr std::chrono::milliseconds kBetweenLooks{50};

/// Ends the walsender that holds the slot, if one does, then drops it; the function fails at once while it is
/// held.
Status drop_once(const Endpoint& endpoint, const std::string& name) {
  return change(endpoint, "dropping replication slot " + name, [&](pqxx::transaction_base& tx) {
    tx.exec_params(
        "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots"
        " WHERE slot_name = $1 AND active_pid IS NOT NULL",
        name);
    tx.exec_params(
        "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1", name);
  });
}

}  // namespace

Status drop_slot(const Endpoint& endpoint, const std::string& name) {
  for (const auto deadline = SteadyClock::now() + kLettingGo;;) {
    auto done = drop_once(endpoint, name);
    if (done || done.error().reason == "ObjectNotFound")
      return {};  // dropped by another between look and drop
    if (done.error().reason != "ObjectInUse") return done;
    if (SteadyClock::now() >= deadline) {
      auto error = std::move(done).error();
      error.reason = "SlotInUse";
      error.cure =
          "A session still streams from the slot and does not end: see pg_replication_slots.active_pid";
      return fail(std::move(error));
    }
    std::this_thread::sleep_for(kBetweenLooks);
  }
}

Status drop_slots_of(const Endpoint& endpoint, const std::string& prefix, const std::string& except) {
  std::vector<std::string> names;
  PENSTOCK_TRY(look(endpoint, "looking for replication slots of " + prefix, [&](pqxx::transaction_base& tx) {
    for (const auto& row :
         tx.exec_params("SELECT slot_name FROM pg_replication_slots WHERE slot_type = 'logical' AND"
                        " database = current_database() AND " +
                            named_by_prefix("slot_name") + " ORDER BY 1",
                        prefix, except))
      names.push_back(text_of(row[0]));
  }));
  for (const auto& name : names)
    PENSTOCK_TRY(drop_slot(endpoint, name));
  return {};
}

}  // namespace penstock::postgres
