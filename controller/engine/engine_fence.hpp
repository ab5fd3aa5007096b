#pragma once

#include <string>
#include <vector>

#include "core/result.hpp"

namespace penstock::engine {

struct FenceOptions {
  std::string data_directory;  ///< exists
  bool network = false;        ///< connections to the outside are left open
};

/// Takes from this thread, and from all that it starts, for good: programs (execve); networks, but for
/// sockets that are open already (seccomp); files outside of the data directory (Landlock), but for the few
/// that tell of the machine's size, its time zone and, with `network`, its names and certificates. Privileges
/// cannot be gained any more (no_new_privs). Call it before threads start. Answers what this kernel does not
/// offer, in words for a log line each; fails when the kernel refuses what it offers.
[[nodiscard]] Result<std::vector<std::string>> put_up_fence(const FenceOptions& options);

}  // namespace penstock::engine
