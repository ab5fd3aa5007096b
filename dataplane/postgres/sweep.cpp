#include "dataplane/postgres/sweep.hpp"
#include <thread>
#include "dataplane/postgres/catalog_session.hpp"
namespace penstock::postgres {
namespace {
Result<std::vector<std::string>> names(const Endpoint& endpoint, const char* sql, const std::string& prefix, const std::string& except) {
  std::vector<std::string> out;
  PENSTOCK_TRY(look(endpoint, "looking", [&](pqxx::transaction_base& tx) {
    for (const auto& row : tx.exec_params(sql, prefix, except)) out.push_back(text_of(row[0]));
  }));
  return out;
}
}
Status drop_slots_of(const Endpoint& endpoint, const std::string& prefix, const std::string& except) {
  PENSTOCK_ASSIGN(const auto all, names(endpoint, "SELECT slot_name FROM pg_replication_slots WHERE database = current_database() AND (slot_name = $1 OR starts_with(slot_name, $1 || '_')) AND slot_name <> $2", prefix, except));
  for (const auto& one : all) PENSTOCK_TRY(drop_slot(endpoint, one));
  return {};
}
Status drop_publications_of(const Endpoint& endpoint, const std::string& prefix, const std::string& except) {
  PENSTOCK_ASSIGN(const auto all, names(endpoint, "SELECT pubname FROM pg_publication WHERE (pubname = $1 OR starts_with(pubname, $1 || '_')) AND pubname <> $2", prefix, except));
  for (const auto& one : all) PENSTOCK_TRY(drop_publication(endpoint, one));
  return {};
}
Status wait_for_older_transactions(const Endpoint& endpoint, std::stop_token stop, const std::function<void(const Error&)>&) {
  std::string horizon;
  while (!stop.stop_requested()) {
    bool done = false;
    PENSTOCK_TRY(look(endpoint, "looking", [&](pqxx::transaction_base& tx) {
      if (horizon.empty()) horizon = text_of(tx.exec1("SELECT pg_snapshot_xmax(pg_current_snapshot())")[0]);
      done = text_of(tx.exec_params1("SELECT pg_snapshot_xmin(pg_current_snapshot()) >= $1::xid8", horizon)[0]) == "t";
    }));
    if (done) return {};
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  return fail(ErrorKind::Cancelled, "Cancelled", "stopped");
}
std::optional<Error> slot_fault(const SlotFacts& slot) {
  if (slot.exists && slot.wal_status != "lost") return std::nullopt;
  return Error{ErrorKind::Terminal, "SlotLost", "replication slot " + slot.name + (slot.exists ? " is lost" : " is not there any more"), "Raise spec.resyncGeneration to load everything anew"};
}
}
