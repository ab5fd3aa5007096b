#include "dataplane/pipeline/row_identity.hpp"

#include <gtest/gtest.h>

namespace penstock::pipeline {
namespace {

using postgres::ReplicaIdentity;

postgres::SourceTable table(ReplicaIdentity identity, std::vector<std::string> key) {
  postgres::SourceTable out;
  out.oid = 1;
  out.name = {"public", "t"};
  postgres::Heap heap;
  heap.oid = 1;
  heap.name = out.name;
  heap.identity = identity;
  heap.identity_key = std::move(key);
  out.heaps = {heap};
  out.unique_keys = {{7, {"id"}}};
  return out;
}

std::string fault_of(const postgres::SourceTable& source, const std::vector<std::string>& target_key) {
  const auto fault = identity_fault("public.t", source, target_key);
  EXPECT_TRUE(!fault || fault->kind == ErrorKind::Quarantine);
  return fault ? fault->reason : "";
}

TEST(RowIdentity, HoldsWhereTheChangeCarriesTheTargetsKey) {
  EXPECT_EQ(fault_of(table(ReplicaIdentity::Default, {"id"}), {"id"}), "");
  EXPECT_EQ(fault_of(table(ReplicaIdentity::Index, {"tenant", "id"}), {"id", "tenant"}), "")
      << "in any order";
  EXPECT_EQ(fault_of(table(ReplicaIdentity::Full, {}), {"id"}), "");
  EXPECT_EQ(fault_of(table(ReplicaIdentity::Full, {}), {"tenant", "id"}), "") << "orderBy beyond the key";
  EXPECT_EQ(fault_of(table(ReplicaIdentity::Default, {"tenant", "id"}), {"id"}), "")
      << "more columns than the target needs, and id is unique by itself";
}

TEST(RowIdentity, IsLostWhereItDoesNot) {
  EXPECT_EQ(fault_of(table(ReplicaIdentity::Index, {"code"}), {"id"}), "ReplicaIdentityChanged");
  EXPECT_EQ(fault_of(table(ReplicaIdentity::Default, {}), {"id"}), "ReplicaIdentityChanged") << "key dropped";
  EXPECT_EQ(fault_of(table(ReplicaIdentity::Nothing, {"id"}), {"id"}), "ReplicaIdentityChanged");
  EXPECT_EQ(fault_of(table(ReplicaIdentity::Default, {"id"}), {"tenant", "id"}), "ReplicaIdentityChanged");
  EXPECT_EQ(fault_of(table(ReplicaIdentity::Default, {"id"}), {}), "ReplicaIdentityChanged")
      << "a target that tells no rows apart";
}

TEST(RowIdentity, NeedsAUniqueKeyWherePostgresqlDoesNotKeepTheIdentityUnique) {
  auto without = table(ReplicaIdentity::Full, {});
  without.unique_keys.clear();
  EXPECT_EQ(fault_of(without, {"id"}), "KeyNotUnique");
  auto widened = table(ReplicaIdentity::Default, {"tenant", "id"});
  widened.unique_keys = {{8, {"tenant", "id"}}};
  EXPECT_EQ(fault_of(widened, {"id"}), "KeyNotUnique");
}

TEST(RowIdentity, IsThatOfEachHeap) {
  auto source = table(ReplicaIdentity::Default, {"id"});
  source.kind = 'p';
  auto other = source.heaps[0];
  other.oid = 2;
  other.name.name = "t_2";
  other.identity_key = {"code"};
  source.heaps.push_back(other);
  const auto fault = identity_fault("public.t", source, {"id"});
  ASSERT_TRUE(fault);
  EXPECT_EQ(
      fault->message,
      "public.t_2, a part of table public.t identifies its rows by (code), and the target by (id): which "
      "row a change is of cannot be told");
}

TEST(RowIdentity, IsReadFromARelationMessage) {
  postgres::pgoutput::Relation relation;
  relation.replica_identity = 'i';
  relation.columns = {{true, "code", 23, -1}, {false, "id", 23, -1}};
  EXPECT_FALSE(names_rows_by(naming_of(relation), {"id"}));
  EXPECT_TRUE(names_rows_by(naming_of(relation), {"code"}));
  relation.replica_identity = 'f';
  EXPECT_TRUE(names_rows_by(naming_of(relation), {"id"}));
  relation.replica_identity = 'n';
  EXPECT_FALSE(names_rows_by(naming_of(relation), {"code"}));
}

}  // namespace
}  // namespace penstock::pipeline
