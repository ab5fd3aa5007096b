#include <fmt/format.h>

#include <sstream>

#include "dataplane/postgres/catalog.hpp"
#include "dataplane/postgres/catalog_session.hpp"
#include "dataplane/postgres/libpq.hpp"

namespace penstock::postgres {
namespace {

// On RDS the right to replicate is membership in rds_replication; elsewhere it is the role's attribute.
constexpr const char* kServerQuery = R"sql(
SELECT current_setting('server_version_num')::int, pg_is_in_recovery(), current_setting('wal_level'),
       current_setting('max_replication_slots')::int, (SELECT count(*) FROM pg_replication_slots),
       current_setting('max_wal_senders')::int, (SELECT count(*) FROM pg_stat_replication),
       r.rolsuper OR r.rolreplication OR EXISTS (
         SELECT FROM pg_roles g WHERE g.rolname IN ('rds_replication', 'rds_superuser')
                                  AND pg_has_role(current_user, g.oid, 'MEMBER')),
       has_database_privilege(current_database(), 'CREATE'),
       current_setting('block_size')::bigint, current_user, current_database(),
       CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END
FROM pg_roles r WHERE r.rolname = current_user)sql";

// Of a primary the WAL it writes tells the timeline; the control file may lag behind a promotion.
constexpr const char* kTimeline =
    "SELECT ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int";
constexpr const char* kStandbyTimeline = "SELECT timeline_id FROM pg_control_checkpoint()";

void read_identity(pqxx::transaction_base& tx, ServerFacts& out) {
  out.system_identifier = value_or_nothing(tx, "SELECT system_identifier FROM pg_control_system()");
  auto timeline = out.in_recovery ? "" : value_or_nothing(tx, kTimeline);
  if (timeline.empty()) timeline = value_or_nothing(tx, kStandbyTimeline);
  out.timeline = timeline.empty() ? 0 : std::stoll(timeline);
}

/// Where the functions are forbidden, the replication protocol tells (PostgreSQL docs, IDENTIFY_SYSTEM).
Status identify_system(const Endpoint& endpoint, ServerFacts& out) {
  PENSTOCK_ASSIGN(const auto session, connect(endpoint, SessionKind::Replication));
  PENSTOCK_ASSIGN(const auto row, run(session.get(), endpoint, "IDENTIFY_SYSTEM", "identifying the system"));
  out.system_identifier = PQgetvalue(row.get(), 0, 0);
  out.timeline = std::stoll(PQgetvalue(row.get(), 0, 1));
  return {};
}

std::string slot_query(int version) {
  return fmt::format(R"sql(
SELECT s.active, s.plugin, s.database, s.wal_status, s.restart_lsn, s.confirmed_flush_lsn, s.safe_wal_size,
       pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END,
                       s.restart_lsn)::bigint, {}, {}, s.slot_name
FROM pg_replication_slots s
WHERE s.slot_name = $1 OR ($2 <> '' AND s.slot_type = 'logical' AND starts_with(s.slot_name::text, $2))
ORDER BY s.slot_name)sql",
                     version >= 170000 ? "s.invalidation_reason" : "NULL",
                     // After a promotion it stays true, and says nothing any more.
                     version >= 170000 ? "s.synced AND pg_is_in_recovery()" : "false");
}

SlotFacts slot_of(const pqxx::row& row) {
  SlotFacts out;
  out.exists = true;
  out.active = row[0].as<bool>();
  out.plugin = text_of(row[1]);
  out.database = text_of(row[2]);
  out.wal_status = text_of(row[3]);
  out.restart_lsn = lsn_of(row[4]);
  out.confirmed_lsn = lsn_of(row[5]);
  if (!row[6].is_null()) out.safe_wal_size = row[6].as<std::int64_t>();
  out.retained_bytes = row[7].as<std::int64_t>(0);
  out.invalidation = text_of(row[8]);
  out.synced = row[9].as<bool>();
  out.name = text_of(row[10]);
  return out;
}

}  // namespace

Result<ServerFacts> read_server(const Endpoint& endpoint) {
  ServerFacts out;
  PENSTOCK_TRY(look(endpoint, "reading the server's settings", [&](pqxx::transaction_base& tx) {
    const auto row = tx.exec1(kServerQuery);
    out.version = row[0].as<int>();
    out.in_recovery = row[1].as<bool>();
    out.wal_level = text_of(row[2]);
    out.max_slots = row[3].as<int>();
    out.used_slots = row[4].as<int>();
    out.max_senders = row[5].as<int>();
    out.used_senders = row[6].as<int>();
    out.may_replicate = row[7].as<bool>();
    out.may_create_publication = row[8].as<bool>();
    out.block_size = row[9].as<std::int64_t>();
    out.role = text_of(row[10]);
    out.database = text_of(row[11]);
    out.wal_end = lsn_of(row[12]);
    read_identity(tx, out);
  }));
  if (out.system_identifier.empty() && out.may_replicate) PENSTOCK_TRY(identify_system(endpoint, out));
  return out;
}

Result<std::vector<std::pair<std::int64_t, Lsn>>> read_timeline_history(const Endpoint& endpoint,
                                                                        std::int64_t timeline) {
  std::vector<std::pair<std::int64_t, Lsn>> out;
  PENSTOCK_ASSIGN(const auto session, connect(endpoint, SessionKind::Replication));
  const auto command = fmt::format("TIMELINE_HISTORY {}", timeline);
  PENSTOCK_ASSIGN(const auto found, exec(session.get(), endpoint, command, "reading the timelines"));
  if (PQresultStatus(found.get()) != PGRES_TUPLES_OK || PQntuples(found.get()) != 1) return out;
  std::istringstream lines(PQgetvalue(found.get(), 0, 1));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::int64_t left = 0;
    std::string lsn;
    if (!(words >> left >> lsn)) continue;  // a comment
    if (const auto end = Lsn::parse(lsn)) out.emplace_back(left, *end);
  }
  return out;
}

Result<SlotsLook> read_slots(const Endpoint& endpoint, const std::string& name, const std::string& prefix) {
  SlotsLook out;
  out.slot.name = name;
  PENSTOCK_TRY(look(endpoint, "looking at replication slot " + name, [&](pqxx::transaction_base& tx) {
    for (const auto& row : tx.exec_params(slot_query(version_of(tx)), name, prefix)) {
      auto slot = slot_of(row);
      if (slot.name == name) out.slot = slot;
      if (!prefix.empty() && slot.name.starts_with(prefix)) out.alike.push_back(std::move(slot));
    }
  }));
  return out;
}

Result<SlotFacts> read_slot(const Endpoint& endpoint, const std::string& name) {
  PENSTOCK_ASSIGN(auto found, read_slots(endpoint, name, ""));
  return std::move(found.slot);
}

Result<Lsn> current_wal_lsn(const Endpoint& endpoint) {
  Lsn out;
  PENSTOCK_TRY(look(endpoint, "reading the WAL's end", [&](pqxx::transaction_base& tx) {
    out =
        lsn_of(tx.exec1("SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()"
                        " ELSE pg_current_wal_lsn() END")[0]);
  }));
  return out;
}

}  // namespace penstock::postgres
