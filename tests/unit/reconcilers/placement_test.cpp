#include "reconcilers/placement/placement.hpp"

#include <gmock/gmock.h>

namespace penstock::reconcile {
namespace {

TEST(Placement, GivesToTheWorkerWithTheFewestPipes) {
  Pipe pipe;
  Pipe on_a;
  on_a.status.worker = "a";
  EXPECT_EQ(place(pipe, {"a", "b"}, {on_a}), "b");
  EXPECT_EQ(place(pipe, {"a", "b"}, {}), "a");
  EXPECT_EQ(place(pipe, {}, {}), std::nullopt);
  EXPECT_EQ(place(on_a, {"a", "b"}, {on_a}), std::nullopt) << "it has one";
  EXPECT_EQ(place(on_a, {"b"}, {on_a}), "b") << "its worker is gone";
}

}  // namespace
}  // namespace penstock::reconcile
