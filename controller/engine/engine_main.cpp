#include "controller/engine/engine_main.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <thread>

#include "controller/engine/engine_config.hpp"
#include "controller/engine/engine_fence.hpp"
#include "controller/engine/engine_log.hpp"
#include "controller/engine/http_server.hpp"
#include "core/log.hpp"
#include "core/thread.hpp"

namespace penstock::engine {
namespace {

constexpr std::chrono::milliseconds kGrace{3'000};
constexpr std::chrono::milliseconds kStopLimit{8'000};
/// How long a child waits for the engine of a parent that was killed to be gone.
constexpr std::chrono::milliseconds kHandOver{10'000};
constexpr std::chrono::milliseconds kGlance{20};

// The engine's command line. Settings of a statement's session (implicit_select: clickhouse-local's "SELECT"
// left out) are defaults; caches are kept small: the engine shares its machine with PostgreSQL and the pipes.
std::vector<std::string> engine_arguments(const std::string& path, const std::string& config) {
  return {"--path=" + path,
          "--config-file=" + config,
          "--implicit_select=0",
          "--max_server_memory_usage_to_ram_ratio=0.6",
          "--mark_cache_size=268435456",
          "--index_mark_cache_size=67108864",
          "--primary_index_cache_size=134217728",
          "--query_condition_cache_size=33554432"};
}

// Blocked for every thread, the engine's too: signals are read in wait_for_stop, and a broken pipe is an
// error code.
sigset_t block_signals() {
  sigset_t stop;
  ::sigemptyset(&stop);
  for (const int number : {SIGTERM, SIGINT, SIGHUP})
    ::sigaddset(&stop, number);
  sigset_t blocked = stop;
  ::sigaddset(&blocked, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
  return stop;
}

// Asks again until it is done or `patience` has passed.
template <typename Try>
auto try_for(std::chrono::milliseconds patience, Try once) {
  auto done = once();
  for (auto left = patience; !done && left.count() > 0; left -= kGlance) {
    std::this_thread::sleep_for(kGlance);
    done = once();
  }
  return done;
}

// Holds the data directory against a second engine; the lock ends with the process, however it ends.
Status lock_directory(const std::string& path, std::chrono::milliseconds patience) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  const std::string file = path + "/penstock-engine.lock";
  const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) {
    return fail(ErrorKind::NeedsUser, "EngineDirectoryUnusable",
                fmt::format("cannot write into the engine's directory {}: {}", path, std::strerror(errno)),
                "Make it writable for this account, or choose another directory");
  }
  if (!try_for(patience, [&] { return ::flock(descriptor, LOCK_EX | LOCK_NB) == 0; })) {
    std::array<char, 32> owner{};
    const auto count = ::pread(descriptor, owner.data(), owner.size() - 1, 0);
    return fail(ErrorKind::NeedsUser, "EngineDirectoryInUse",
                fmt::format("the engine's directory {} is in use by process {}", path,
                            count > 0 ? owner.data() : "?"),
                "Stop that process, or choose another directory");
  }
  const std::string pid = std::to_string(::getpid());
  if (::ftruncate(descriptor, 0) != 0 || ::pwrite(descriptor, pid.data(), pid.size(), 0) < 0) {
    log::debug("engine", "cannot note the process id in {}", file);
  }
  return {};  // the descriptor stays open on purpose
}

Result<ServerIdentity> ask_identity(StatementPool& pool) {
  PENSTOCK_ASSIGN(auto session, pool.open_extra());
  const auto answer = session.execute("SELECT version(), timezone()");
  const std::string row(answer ? answer->output() : std::string_view());
  const auto tab = row.find('\t');
  if (tab == std::string::npos) {
    return fail(ErrorKind::Internal, "EngineNotStarted",
                fmt::format("the embedded engine does not answer: {}", answer ? row : answer.error().text));
  }
  return ServerIdentity{row.substr(0, tab), row.substr(tab + 1, row.find('\n') - tab - 1)};
}

// True for a signal, false when the parent is gone.
bool wait_for_stop(const sigset_t& signals, int held_descriptor) {
  const int signal_descriptor = ::signalfd(-1, &signals, SFD_CLOEXEC);
  std::array<pollfd, 2> ends{{{signal_descriptor, POLLIN, 0}, {held_descriptor, POLLIN, 0}}};
  while (ends[0].revents == 0 && ends[1].revents == 0) {
    if (::poll(ends.data(), ends.size(), -1) < 0 && errno != EINTR) break;
  }
  return ends[0].revents != 0;
}

// The library's command line, once all is in place that must be before its first thread.
Result<std::vector<std::string>> prepare_process(const std::string& path, bool allow_sources) {
  // A config.xml in the working directory or a home would be read by the engine.
  ::setenv("HOME", path.c_str(), 1);
  std::error_code error;
  std::filesystem::current_path(path, error);
  PENSTOCK_ASSIGN(const auto config, make_engine_config(path, allow_sources));
  PENSTOCK_ASSIGN(const auto missing, put_up_fence({path, allow_sources}));
  for (const auto& what : missing)
    log::warn("engine", "{}", what);
  return engine_arguments(path, config);
}

Status serve_statements(const EngineOptions& options, const sigset_t& signals, HttpServer& server,
                        const ChdbApi& api, const std::vector<std::string>& arguments, Accounts accounts) {
  PENSTOCK_ASSIGN(auto pool,
                  StatementPool::start(api, arguments, static_cast<std::size_t>(options.max_statements),
                                       options.patience));
  PENSTOCK_ASSIGN(auto identity, ask_identity(*pool));
  log::info("engine", "ClickHouse {} listens on http://{}, data in {}", identity.version,
            server.address().text(), std::filesystem::current_path().string());
  StatementHandler handler(*pool, std::move(identity), std::move(accounts), options.allow_sources);
  PENSTOCK_TRY(server.serve(handler));
  if (options.held_descriptor >= 0) tell_ready("http://" + server.address().text());

  if (!wait_for_stop(signals, options.held_descriptor)) ::_exit(0);
  log::info("engine", "stopping");
  // A merge or a statement that does not let itself be cancelled must not hold the stop up.
  if (auto limit = start_thread("the end of the engine", [] {
        std::this_thread::sleep_for(kStopLimit);
        ::_exit(0);
      }))
    limit->detach();
  server.stop(kGrace);
  pool.reset();
  log::info("engine", "stopped");
  return {};
}

Status serve(const EngineOptions& options, const sigset_t& signals) {
  PENSTOCK_ASSIGN(const auto address, ListenAddress::parse(options.listen));
  Accounts accounts{parse_profiles(options.profiles), {}};
  if (!options.password_file.empty()) {
    PENSTOCK_ASSIGN(accounts.password, read_password_file(options.password_file));
  }
  std::error_code error;
  const std::string path = std::filesystem::absolute(options.path, error).string();
  std::string library = options.library;
  if (!library.empty()) library = std::filesystem::absolute(library, error).string();
  const char* const environment = std::getenv("PENSTOCK_LIBCHDB");
  PENSTOCK_ASSIGN(library, find_library(library_candidates(library, environment != nullptr ? environment : "",
                                                           program_directory())));
  // A parent that was killed leaves its engine a moment to end; so does the port, which goes after the lock.
  const bool is_child = options.held_descriptor >= 0;
  PENSTOCK_TRY(lock_directory(path, is_child ? kHandOver : std::chrono::milliseconds(0)));
  PENSTOCK_ASSIGN(auto server, try_for(is_child ? kGlance * 10 : std::chrono::milliseconds(0),
                                       [&] { return HttpServer::bind(address); }));

  PENSTOCK_ASSIGN(const auto api, load_library(library));
  PENSTOCK_ASSIGN(const auto arguments, prepare_process(path, options.allow_sources));
  // The first thread's stack is looked up in /proc/self/maps, which is outside of the fence: others know
  // theirs.
  Status served;
  PENSTOCK_ASSIGN(auto thread, start_thread("the engine's statements", [&] {
                    served = serve_statements(options, signals, *server, api, arguments, std::move(accounts));
                  }));
  thread.join();
  return served;
}

}  // namespace

int run_engine(const EngineOptions& options) {
  const sigset_t signals = block_signals();
  if (options.held_descriptor >= 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    log_to_parent();
  }
  const Status status = serve(options, signals);
  if (!status) log::error("engine", "{}", status.error().text());
  // Not through exit(): the library's destructors would race with its threads.
  ::fflush(nullptr);
  ::_exit(status ? 0 : 1);
}

}  // namespace penstock::engine
