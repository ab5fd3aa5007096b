#include "core/thread.hpp"

#include <fmt/format.h>

namespace penstock {

Error thread_not_started(const std::string& purpose, const std::system_error& why) {
  return {ErrorKind::Transient, "ThreadNotStarted",
          fmt::format("cannot start a thread: {}, for {}", why.code().message(), purpose),
          "It is tried again; where it stays, raise the limit of threads (pids.max, ulimit -u), or lower "
          "snapshot.workersPerTable and parallelTables"};
}

}  // namespace penstock
