// What the source is told is done: never a row that is in somebody's hand, on its way from the reader to the
// writer or in an insert that is not answered.

#include <csignal>
#include <optional>

#include "tests/integration/pipeline/streaming.hpp"

namespace penstock::pipeline {
namespace {

using namespace std::chrono_literals;

class HandingOver : public Streaming {
 protected:
  void TearDown() override { let_the_engine_go_on(); }
  static void stop_the_engine() { ::kill(test::shared_engine().pid(), SIGSTOP); }
  static void let_the_engine_go_on() { ::kill(test::shared_engine().pid(), SIGCONT); }
};

TEST_F(HandingOver, ConfirmsNoRowBeforeItIsInTheDestination) {
  ASSERT_NO_FATAL_FAILURE(prepare("CREATE TABLE t (id int PRIMARY KEY, v text)", {"t"}));
  job_.batch_rows = 5;  // several batches: one is written, one waits, one is in the reader's hand
  job_.flush_interval = 20ms;
  begin();
  catch_up();
  for (int round = 0; round < 3; ++round) {
    stop_the_engine();
    std::optional<Lsn> first;  // where the first of these transactions has ended
    for (int at = 0; at < 12; ++at) {
      exec("INSERT INTO t SELECT " + std::to_string(100 * round + 5 * at) +
           " + i, 'x' FROM generate_series(0, 4) i");
      const auto end = postgres::current_wal_lsn(job_.source);
      ASSERT_TRUE(end);
      if (!first) first = *end;
    }
    for (int look = 0; look < 15; ++look) {
      const auto slot = postgres::read_slot(job_.source, job_.slot);
      ASSERT_TRUE(slot);
      ASSERT_LT(slot->confirmed_lsn, *first) << "round " << round;
      std::this_thread::sleep_for(100ms);
    }
    run_->stop(StopMode::Now);  // as a process that is killed: what it held is lost
    let_the_engine_go_on();
    run_.reset();
    begin();
    catch_up();
    ASSERT_EQ(differences(), "") << "round " << round;
  }
}

}  // namespace
}  // namespace penstock::pipeline
