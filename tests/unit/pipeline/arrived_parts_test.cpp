#include "dataplane/pipeline/arrived_parts.hpp"

#include <gtest/gtest.h>

namespace penstock::pipeline {
namespace {

TEST(ArrivedParts, AreWhatTheSourceAndTheTargetShow) {
  using As = ArrivedAs;
  struct One {
    const char* what;
    postgres::Arrival arrival;
    bool streamed;
    std::optional<RowsAre> proven;
    As as;
  };
  const postgres::Arrival made{.made_as_part = true, .has_rows = true};
  const postgres::Arrival attached{.has_rows = true};
  for (const auto& one : {
           One{"made as a part", made, true, {}, As::Covered},
           One{"made, and changed by its own transaction", {false, true, true, true}, true, {}, As::Covered},
           One{"attached empty", {}, false, {}, As::Attached},
           One{"attached with rows", attached, false, {}, As::Unproven},
           One{"whose rows the target has", attached, true, RowsAre::Equal, As::Attached},
           One{"whose rows it has not", attached, true, RowsAre::Different, As::Filled},
           One{"whose rows are not compared yet", attached, true, RowsAre::Unknown, As::Unproven},
           One{"that cannot be compared", attached, false, RowsAre::Untold, As::Unproven},
           One{"that cannot be, and is streamed", attached, true, RowsAre::Untold, As::Attached},
           One{"with rows of before", {.filled = true, .has_rows = true}, true, {}, As::Filled},
           One{"that came back", {.filled = true, .changed_before = true}, true, {}, As::Returned},
       })
    EXPECT_EQ(arrived_as(one.arrival, one.streamed, one.proven), one.as) << one.what;
}

}  // namespace
}  // namespace penstock::pipeline
