#pragma once

// A source in which nothing is wrong, and cases that say only how they differ from it.

#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/postgres/checks.hpp"

namespace penstock::postgres {

inline SourceColumn column(const std::string& name, int number, bool not_null = true) {
  SourceColumn out;
  out.name = name;
  out.attribute_number = number;
  out.not_null = not_null;
  return out;
}

struct World {
  SourceWish wish;
  ServerFacts server;
  std::vector<std::optional<SourceTable>> tables;
  PublicationFacts publication;
  SlotFacts slot;

  World() {
    server = {150004, "7000", 1,    false, Lsn{0x1000}, "logical",  10,    1,
              10,     1,      true, true,  8192,        "penstock", "shop"};
    SourceTable orders;
    orders.name = {"public", "orders"};
    orders.oid = 100;
    orders.columns = {column("id", 1), column("customer", 2), column("note", 3, false)};
    orders.primary_key = orders.identity_key = {"id"};
    orders.unique_keys = {{900, {"id"}}};
    Heap heap;
    heap.name = orders.name;
    heap.oid = orders.oid;
    heap.identity_key = {"id"};
    orders.heaps = {heap};
    tables.push_back(orders);
    TableWish table;
    table.name = orders.name;
    table.source_text = "public.orders";
    wish.tables.push_back(table);
  }

  SourceTable& table() { return *tables[0]; }
  TableWish& wanted() { return wish.tables[0]; }

  void partition(const std::string& name, std::vector<std::string> key) {
    if (table().kind != 'p') table().heaps.clear();
    table().kind = 'p';
    Heap heap;
    heap.name = {"public", name};
    heap.oid = 200 + static_cast<std::uint32_t>(table().heaps.size());
    heap.identity_key = std::move(key);
    table().heaps.push_back(heap);
  }

  void users_publication() {
    wish.publication = publication.name = "theirs";
    publication.exists = true;
    publication.tables = {table().name};
    publication.contents = {{table().name, "600.7"}};
    table().owned = false;
    server.may_create_publication = false;
  }

  PublishedTable& published() { return publication.contents[0]; }

  void users_slot() {
    wish.replication_slot = "their_slot";
    slot.name = "their_slot";
    slot.exists = true;
    slot.plugin = "pgoutput";
    slot.database = "shop";
    slot.wal_status = "reserved";
  }

  void snapshot_only() {
    wish.streams = false;
    server.wal_level = "replica";
    server.may_replicate = server.may_create_publication = false;
    server.max_slots = server.max_senders = 0;
    table().owned = false;
  }

  [[nodiscard]] std::vector<Error> faults() const {
    auto narrowed = tables;
    for (auto& one : narrowed)
      if (one && !wish.publication.empty()) narrow_to(publication, *one);
    return check_source(wish, server, narrowed, publication, slot);
  }
};

struct Case {
  const char* name;
  std::function<void(World&)> change;
  const char* reason;   ///< "" when nothing is wrong
  const char* message;  ///< a part of it
  const char* cure;     ///< a part of it
};

class CheckSource : public testing::TestWithParam<Case> {};

inline std::string name_of(const testing::TestParamInfo<Case>& info) {
  return info.param.name;
}

}  // namespace penstock::postgres
