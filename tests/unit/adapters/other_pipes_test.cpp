#include "controller/adapters/other_pipes.hpp"

#include <gmock/gmock.h>

namespace penstock::adapters {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Pipe pipe_of(const std::string& uid, const std::string& slot) {
  Pipe out;
  out.uid = uid;
  out.ns = "data";
  out.name = "pipe-" + uid;
  out.spec.tables.resize(1);
  out.spec.tables[0].source = "public.orders";
  out.status.replication.slot = slot;
  out.status.source = SourceIdentity{"7000", 1, "shop"};
  return out;
}

std::vector<std::string> before(const Pipe& pipe, const std::vector<Pipe>& all) {
  pipeline::PipeJob job;
  job.slot = pipe.status.replication.slot;
  job.owns_slot = pipe.status.replication.owns_slot;
  add_others(pipe, all, job);
  std::vector<std::string> out;
  for (const auto& reader : job.slot_readers)
    out.push_back(reader.name);
  return out;
}

TEST(OtherPipes, AreToldWithTheTargetsOfSpecAndStatus) {
  auto other = pipe_of("b", "");
  other.spec.tables[0].target = "new";
  other.status.tables.resize(1);
  other.status.tables[0].target = "old";
  pipeline::PipeJob job;
  add_others(pipe_of("a", ""), {pipe_of("a", ""), other}, job);
  ASSERT_EQ(job.others.size(), 1U);
  EXPECT_EQ(job.others[0].name, "data/pipe-b");
  EXPECT_THAT(job.others[0].targets, ElementsAre("new", "old"));
}

TEST(OtherPipes, OfWhomNoneIsBeforeAPipeWithASlotOfItsOwnOrNone) {
  auto own = pipe_of("a", "x");
  own.status.replication.owns_slot = true;
  EXPECT_THAT(before(own, {pipe_of("b", "x")}), IsEmpty());
  EXPECT_THAT(before(pipe_of("a", ""), {pipe_of("b", "")}), IsEmpty()) << "SnapshotOnly";
  EXPECT_THAT(before(pipe_of("a", "x"), {pipe_of("b", "y")}), IsEmpty());
}

TEST(OtherPipes, OfOneSlotAreBeforeWhoWasNotSetUpYet) {
  auto one = pipe_of("a", "x");
  auto two = pipe_of("b", "x");
  one.status.source.reset();
  EXPECT_THAT(before(one, {one, two}), ElementsAre("data/pipe-b"));
  EXPECT_THAT(before(two, {one, two}), IsEmpty());
}

TEST(OtherPipes, OfOneSlotThatWereSetUpAtOneMomentAreBeforeWhenTheyHaveRead) {
  auto one = pipe_of("a", "x");
  auto two = pipe_of("b", "x");
  EXPECT_THAT(before(one, {one, two}), IsEmpty());
  EXPECT_THAT(before(two, {one, two}), ElementsAre("data/pipe-a")) << "of all such pairs one goes on";
  two.status.replication.confirmed_lsn = "0/1";
  EXPECT_THAT(before(one, {one, two}), ElementsAre("data/pipe-b"));
  EXPECT_THAT(before(two, {one, two}), IsEmpty());
}

}  // namespace
}  // namespace penstock::adapters
