#include "dataplane/postgres/checks.hpp"

#include <fmt/format.h>

#include "dataplane/postgres/checks_parts.hpp"
#include "dataplane/postgres/libpq.hpp"

namespace penstock::postgres {
namespace {

constexpr int kOldestVersion = 130000;
constexpr int kDecodingOnStandby = 160000;
constexpr int kFailoverSlots = 170000;

void check_wal_level(const ServerFacts& server, Faults& out) {
  if (server.wal_level == "logical") return;
  add_fault(out, "WalLevelNotLogical",
            fmt::format("the source's wal_level is {}, and changes can only be streamed at logical",
                        server.wal_level),
            "Run ALTER SYSTEM SET wal_level = logical and restart PostgreSQL (on managed services: set "
            "rds.logical_replication, cloudsql.logical_decoding or their like)");
}

void check_replication_right(const ServerFacts& server, Faults& out) {
  if (server.may_replicate) return;
  add_fault(out, "NoReplicationRight", fmt::format("role {} may not use replication slots", server.role),
            fmt::format("Run ALTER ROLE {0} REPLICATION (on RDS: GRANT rds_replication TO {0})",
                        quote_identifier(server.role)));
}

void check_standby(const SourceWish& wish, const ServerFacts& server, Faults& out) {
  if (!server.in_recovery) return;
  if (server.version < kDecodingOnStandby) {
    add_fault(out, "SourceIsStandby",
              "the source is a standby, which can be streamed from only from PostgreSQL 16 on",
              "Point spec.source.postgres.host at the primary");
  } else if (wish.publication.empty()) {
    add_fault(out, "SourceIsStandby", "the source is a standby, where no publication can be made",
              "Point spec.source.postgres.host at the primary, or name a publication that was made there in "
              "spec.source.postgres.publication");
  }
}

/// PostgreSQL docs, "Logical Decoding Concepts", Replication Slot Synchronization.
void check_failover_slot(const SourceWish& wish, const ServerFacts& server, Faults& out) {
  if (!wish.failover_slot) return;
  const char* cure = "Remove spec.source.postgres.failoverSlot";
  if (server.version < kFailoverSlots)
    add_fault(
        out, "FailoverSlotUnsupported",
        fmt::format("PostgreSQL {} keeps no slots on standbys, which came with 17", server.version / 10000),
        cure);
  else if (server.in_recovery)
    add_fault(out, "FailoverSlotUnsupported",
              "the source is a standby, and a slot that is made there is kept nowhere else",
              fmt::format("{}, or point spec.source.postgres.host at the primary", cure));
}

void check_free_places(const SourceWish& wish, const ServerFacts& server, const SlotFacts& slot,
                       Faults& out) {
  const bool makes_slot = wish.replication_slot.empty() && !wish.slot_exists_already;
  if (makes_slot && server.used_slots >= server.max_slots)
    add_fault(
        out, "NoFreeSlot",
        fmt::format("all {} replication slots of the source are in use (max_replication_slots)",
                    server.max_slots),
        "Drop one that nobody uses (SELECT slot_name FROM pg_replication_slots WHERE NOT active), or raise "
        "max_replication_slots and restart PostgreSQL");
  if (!slot.active && server.used_senders >= server.max_senders)
    add_fault(
        out, "NoFreeSender",
        fmt::format("all {} WAL senders of the source are in use (max_wal_senders)", server.max_senders),
        "End one (see pg_stat_replication), or raise max_wal_senders and restart PostgreSQL");
}

bool given_up(const SlotFacts& slot) {
  return slot.wal_status == "lost" || !slot.invalidation.empty();
}

std::string why_given_up(const SlotFacts& slot) {
  if (slot.invalidation.empty() || slot.invalidation == "wal_removed")
    return "the source no longer keeps the WAL it needs (max_slot_wal_keep_size)";
  return fmt::format("the source has invalidated it ({})", slot.invalidation);
}

}  // namespace

void check_server(const SourceWish& wish, const ServerFacts& server, const SlotFacts& slot, Faults& out) {
  if (server.version < kOldestVersion)
    add_fault(out, "ServerTooOld",
              fmt::format("the source is PostgreSQL {}, and the oldest that is supported is 13",
                          server.version / 10000),
              "Upgrade the source");
  if (!wish.streams) return;
  check_standby(wish, server, out);
  check_wal_level(server, out);
  check_replication_right(server, out);
  check_failover_slot(wish, server, out);
  check_free_places(wish, server, slot, out);
}

void check_slot(const SourceWish& wish, const ServerFacts& server, const SlotFacts& slot, Faults& out) {
  if (!wish.streams || wish.replication_slot.empty()) return;
  const auto make = fmt::format("SELECT pg_create_logical_replication_slot({}, 'pgoutput')",
                                quote_literal(wish.replication_slot));
  if (!slot.exists) {
    add_fault(out, "SlotMissing", fmt::format("replication slot {} does not exist", wish.replication_slot),
              fmt::format("Run {} in database {}, or correct spec.source.postgres.replicationSlot", make,
                          server.database));
    return;
  }
  if (slot.plugin != "pgoutput") {
    add_fault(out, "SlotWrongPlugin",
              fmt::format("replication slot {} is {}", slot.name,
                          slot.plugin.empty() ? "a physical one" : "for the plugin " + slot.plugin),
              fmt::format("Name one for pgoutput: {}", make));
  } else if (slot.database != server.database) {
    add_fault(out, "SlotWrongDatabase",
              fmt::format("replication slot {} belongs to database {}, not {}", slot.name, slot.database,
                          server.database),
              fmt::format("Name one of database {}: {}", server.database, make));
  } else if (given_up(slot)) {
    out.push_back({ErrorKind::Terminal, "SlotLost",
                   fmt::format("replication slot {} is lost: {}", slot.name, why_given_up(slot)),
                   "Make a new slot and a new Pipe that loads the tables anew"});
  }
}

std::optional<Error> slot_fault(const Endpoint& endpoint, const SlotFacts& slot) {
  if (slot.exists && !given_up(slot)) return std::nullopt;
  return Error{
      ErrorKind::Terminal, "SlotLost",
      fmt::format("replication slot \"{}\" of {} {}", slot.name, endpoint.text(),
                  slot.exists ? "is lost: " + why_given_up(slot) : "does not exist"),
      "Raise spec.resyncGeneration to load everything anew; a slot of your own has to be made anew first"};
}

std::vector<Error> check_source(const SourceWish& wish, const ServerFacts& server,
                                const std::vector<std::optional<SourceTable>>& tables,
                                const PublicationFacts& publication, const SlotFacts& slot) {
  Faults out;
  check_server(wish, server, slot, out);
  check_tables(wish, server, tables, out);
  check_publication(wish, server, tables, publication, out);
  check_slot(wish, server, slot, out);
  return out;
}

}  // namespace penstock::postgres
