#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "dataplane/postgres/replication.hpp"

namespace penstock::pipeline {

/// Tells the source that we are alive while the thread that reads the stream is busy elsewhere (values are
/// read back, a lock is waited for): a walsender that hears nothing for its wal_sender_timeout ends the
/// stream.
class Heartbeat {
 public:
  /// `stream` outlives it.
  explicit Heartbeat(postgres::ReplicationStream& stream) : stream_(stream) {}
  /// Once; fails where there is no thread to have.
  [[nodiscard]] Status start();
  Heartbeat(const Heartbeat&) = delete;
  Heartbeat& operator=(const Heartbeat&) = delete;

  /// While one lives the stream belongs to the heartbeat: the thread that made it leaves it alone.
  class Away {
   public:
    explicit Away(Heartbeat& heart) : heart_(heart) { heart_.set_away(true); }
    ~Away() { heart_.set_away(false); }
    Away(const Away&) = delete;
    Away& operator=(const Away&) = delete;

   private:
    Heartbeat& heart_;
  };

 private:
  void set_away(bool away);
  void beat(const std::stop_token& stop);

  postgres::ReplicationStream& stream_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  bool away_ = false;
  std::jthread thread_;  // last: ends first
};

}  // namespace penstock::pipeline
