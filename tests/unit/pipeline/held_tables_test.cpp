#include "dataplane/pipeline/held_tables.hpp"

#include <gtest/gtest.h>

namespace penstock::pipeline {
namespace {

using namespace std::chrono_literals;

constexpr HeldTables::Time kStart{};
const Error kError{ErrorKind::BadData, "TargetViewFailed", "the view throws", "mend it"};

TEST(HeldTables, AFailedTableIsSkippedAndItsChangesAreKept) {
  HeldTables held({5min, 1u << 30});
  EXPECT_EQ(held.limit(), std::nullopt);
  held.fail("public.a", kError, {Lsn{100}, Lsn{150}, Lsn{150}}, kStart);
  EXPECT_TRUE(held.skips("public.a"));
  EXPECT_FALSE(held.skips("public.b"));
  EXPECT_EQ(held.limit(), Lsn{100});
  EXPECT_EQ(held.waited_for(), kError);
  EXPECT_EQ(held.set_apart("public.a"), std::nullopt);
}

TEST(HeldTables, AllThatAreWaitedForAreNamed) {
  HeldTables held({5min, 1u << 30});
  for (int at = 10; at < 20; ++at) {
    auto error = kError;
    error.message = "table t" + std::to_string(at) + " fails";
    held.fail("public.t" + std::to_string(at), error, {Lsn{100}, Lsn{150}, Lsn{150}}, kStart);
  }
  const auto message = held.waited_for().value().message;
  EXPECT_TRUE(message.starts_with("table t10 fails; table t11 fails; ")) << message;
  EXPECT_TRUE(message.ends_with("table t17 fails; and so do public.t18, public.t19")) << message;
}

TEST(HeldTables, ItIsBehindSinceItFirstFailed) {
  HeldTables held({5min, 1u << 30});
  EXPECT_EQ(held.behind("public.a", kStart), std::nullopt);
  held.fail("public.a", kError, {Lsn{100}, Lsn{150}, Lsn{150}}, kStart);
  held.try_again(kStart + 5s);
  held.fail("public.a", kError, {Lsn{120}, Lsn{150}, Lsn{150}}, kStart + 6s);
  EXPECT_EQ(held.behind("public.a", kStart + 20s), 20s);
  EXPECT_EQ(held.behind("public.b", kStart + 20s), std::nullopt);
}

TEST(HeldTables, TheSourceKeepsWhatTheFirstOfThemLacks) {
  HeldTables held({5min, 1u << 30});
  held.fail("public.a", kError, {Lsn{200}, Lsn{250}, Lsn{250}}, kStart);
  held.fail("public.b", kError, {Lsn{100}, Lsn{250}, Lsn{250}}, kStart);
  EXPECT_EQ(held.limit(), Lsn{100});
}

TEST(HeldTables, WhatAPersonHasToPermitIsWaitedForAsLongAsTheSourceHasRoom) {
  HeldTables held({5min, 1000});
  held.fail("public.a", {ErrorKind::NeedsUser, "DestinationAccessDenied", "no INSERT", "GRANT it"},
            {Lsn{100}, Lsn{150}, Lsn{150}}, kStart);
  EXPECT_FALSE(held.set_apart_overdue(Lsn{1100}, kStart + 24h));
  EXPECT_TRUE(held.set_apart_overdue(Lsn{1101}, kStart + 24h));
}

TEST(HeldTables, ItIsTriedAgainLessAndLessOften) {
  HeldTables held({1h, 1u << 30});
  auto now = kStart;
  for (const auto wait : {5s, 10s, 20s, 40s, 60s, 60s}) {
    held.fail("public.a", kError, {Lsn{100}, Lsn{150}, Lsn{150}}, now);
    EXPECT_FALSE(held.retry_due(now + wait - 1s));
    EXPECT_TRUE(held.retry_due(now + wait));
    now += wait;
    held.try_again(now);
    EXPECT_FALSE(held.skips("public.a"));
  }
}

TEST(HeldTables, WhileItIsTriedTheSourceStillKeepsNothingBack) {
  HeldTables held({5min, 1u << 30});
  held.fail("public.a", kError, {Lsn{100}, Lsn{150}, Lsn{150}}, kStart);
  EXPECT_FALSE(held.tries());
  held.try_again(kStart + 5s);
  EXPECT_TRUE(held.tries());
  EXPECT_EQ(held.limit(), std::nullopt) << "what is confirmed now holds its changes too";
  EXPECT_EQ(held.waited_for(), kError) << "it is not known to be well yet";
}

TEST(HeldTables, ItIsWellOnceItsFailedTransactionIsWritten) {
  HeldTables held({5min, 1u << 30});
  held.fail("public.a", kError, {Lsn{100}, Lsn{150}, Lsn{140}}, kStart);
  held.note_written(Lsn{150});
  EXPECT_EQ(held.waited_for(), kError) << "without it";
  held.try_again(kStart + 5s);
  held.note_written(Lsn{140});
  EXPECT_EQ(held.waited_for(), kError);
  held.note_written(Lsn{141});
  EXPECT_EQ(held.waited_for(), std::nullopt);
  held.fail("public.a", kError, {Lsn{300}, Lsn{300}, Lsn{300}}, kStart + 4min);
  EXPECT_FALSE(held.set_apart_overdue(Lsn{300}, kStart + 6min)) << "its patience begins anew";
}

TEST(HeldTables, OneThatFailsEarlierInItsNextTryHasToPassBothPlaces) {
  HeldTables held({5min, 1u << 30});
  held.fail("public.a", kError, {Lsn{100}, Lsn{150}, Lsn{140}}, kStart);
  held.try_again(kStart + 5s);
  held.fail("public.a", kError, {Lsn{100}, Lsn{150}, Lsn{120}}, kStart + 6s);
  held.try_again(kStart + 20s);
  held.note_written(Lsn{130});
  EXPECT_EQ(held.waited_for(), kError);
}

TEST(HeldTables, PatienceEndsWithTime) {
  HeldTables held({5min, 1u << 30});
  held.fail("public.a", kError, {Lsn{100}, Lsn{150}, Lsn{150}}, kStart);
  held.try_again(kStart + 5s);
  held.fail("public.a", kError, {Lsn{100}, Lsn{160}, Lsn{160}}, kStart + 6s);
  EXPECT_FALSE(held.set_apart_overdue(Lsn{160}, kStart + 5min - 1s));
  EXPECT_TRUE(held.set_apart_overdue(Lsn{160}, kStart + 5min));
  EXPECT_EQ(held.set_apart("public.a"), kError);
  EXPECT_EQ(held.limit(), Lsn{100}) << "until a stream is begun without it: only then it is recorded";
  EXPECT_EQ(held.waited_for(), std::nullopt);
  EXPECT_TRUE(held.skips("public.a"));
  EXPECT_FALSE(held.retry_due(kStart + 1h));
}

TEST(HeldTables, PatienceDoesNotEndForWhatTimeCures) {
  HeldTables held({5min, 1000});
  held.fail("public.a", {ErrorKind::Transient, "DestinationTooManyParts", "too many parts", ""},
            {Lsn{100}, Lsn{150}, Lsn{150}}, kStart);
  EXPECT_FALSE(held.set_apart_overdue(Lsn{100'000}, kStart + 24h));
  EXPECT_TRUE(held.skips("public.a"));
  EXPECT_EQ(held.limit(), Lsn{100});
}

TEST(HeldTables, PatienceDoesNotWearOutWhileTimeCures) {
  const Error away{ErrorKind::Transient, "TargetUnavailable", "its server is away", ""};
  HeldTables held({5min, 1000});
  held.fail("public.a", kError, {Lsn{100}, Lsn{150}, Lsn{150}}, kStart);
  held.fail("public.a", away, {Lsn{100}, Lsn{350}, Lsn{350}}, kStart + 1min);
  held.fail("public.a", away, {Lsn{100}, Lsn{3150}, Lsn{3150}}, kStart + 1h);
  held.fail("public.a", kError, {Lsn{100}, Lsn{5350}, Lsn{5350}}, kStart + 2h);
  EXPECT_EQ(held.behind("public.a", kStart + 2h), 2h);
  EXPECT_FALSE(held.set_apart_overdue(Lsn{6100}, kStart + 2h + 4min - 1s)) << "five minutes, one was before";
  EXPECT_TRUE(held.set_apart_overdue(Lsn{5350}, kStart + 2h + 4min));

  HeldTables with_wal({5min, 1000});
  with_wal.fail("public.a", away, {Lsn{100}, Lsn{150}, Lsn{150}}, kStart);
  with_wal.fail("public.a", kError, {Lsn{100}, Lsn{5150}, Lsn{5150}}, kStart + 1h);
  EXPECT_FALSE(with_wal.set_apart_overdue(Lsn{6100}, kStart + 1h)) << "what came meanwhile does not count";
  EXPECT_TRUE(with_wal.set_apart_overdue(Lsn{6101}, kStart + 1h));
}

TEST(HeldTables, PatienceEndsWithTheWalThatIsKept) {
  HeldTables held({5min, 1000});
  held.fail("public.a", kError, {Lsn{100}, Lsn{150}, Lsn{150}}, kStart);
  EXPECT_FALSE(held.set_apart_overdue(Lsn{1100}, kStart + 1s));
  EXPECT_TRUE(held.set_apart_overdue(Lsn{1101}, kStart + 1s));
}

TEST(HeldTables, OneThatIsSetApartDoesNotHoldTheOthers) {
  HeldTables held({5min, 1u << 30});
  held.fail("public.a", kError, {Lsn{100}, Lsn{150}, Lsn{150}}, kStart);
  held.fail("public.b", kError, {Lsn{100}, Lsn{150}, Lsn{150}}, kStart + 4min);
  EXPECT_TRUE(held.set_apart_overdue(Lsn{160}, kStart + 5min));
  EXPECT_EQ(held.set_apart("public.b"), std::nullopt);
  EXPECT_EQ(held.limit(), Lsn{100});
}

}  // namespace
}  // namespace penstock::pipeline
