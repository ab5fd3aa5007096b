#include "controller/engine/engine_process.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <optional>
#include <thread>

#include "controller/engine/engine_child.hpp"
#include "controller/engine/engine_log.hpp"
#include "core/backoff.hpp"
#include "core/log.hpp"
#include "core/thread.hpp"

namespace penstock::engine {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kBackoffFirst{200};
constexpr milliseconds kBackoffLimit{10'000};
constexpr milliseconds kHealthy{60'000};  // a child that lived so long owes nothing to the back-off
constexpr std::string_view kScheme = "http://";

std::string program_of(const EngineProcessOptions& options) {
  if (!options.program.empty()) return options.program;
  const char* const other = std::getenv("PENSTOCK_ENGINE_BINARY");
  return other != nullptr ? other : "/proc/self/exe";
}

}  // namespace

struct EngineProcess::State {
  EngineProcessOptions options;
  int stop_event = ::eventfd(0, EFD_CLOEXEC);
  std::mutex stop_mutex{};
  std::jthread keeper{};

  mutable std::mutex mutex{};
  std::condition_variable changed{};
  std::string url{};            // known from the first time that it serves
  std::string last_words{};     // the child's latest error line
  std::optional<Error> failed;  // the first start failed
  pid_t pid = 0;
  int restarts = 0;
  milliseconds stop_limit{0};

  explicit State(EngineProcessOptions wanted) : options(std::move(wanted)) {}
  ~State() { ::close(stop_event); }

  [[nodiscard]] bool stop_asked(milliseconds patience) const;
  [[nodiscard]] std::vector<std::string> arguments() const;
  void keep();
  std::string watch(EngineChild& child);
  bool read_lines(const EngineChild& child, std::string& rest);
  void take_line(std::string_view line);
  std::string end_child(EngineChild& child) const;
};

bool EngineProcess::State::stop_asked(milliseconds patience) const {
  pollfd event{stop_event, POLLIN, 0};
  return ::poll(&event, 1, static_cast<int>(patience.count())) > 0;
}

std::vector<std::string> EngineProcess::State::arguments() const {
  std::vector<std::string> words{"engine", "--path", options.path, "--listen", options.listen};
  if (!options.library.empty()) words.insert(words.end(), {"--lib", options.library});
  if (!options.password_file.empty()) words.insert(words.end(), {"--password-file", options.password_file});
  if (options.allow_sources) words.emplace_back("--allow-sources");
  return words;
}

// The keeper's thread: one child after the other until it is asked to stop.
void EngineProcess::State::keep() {
  Backoff backoff(kBackoffFirst, kBackoffLimit);
  while (true) {
    const auto begun = std::chrono::steady_clock::now();
    auto child = EngineChild::spawn(program_of(options), arguments());
    std::string how = child ? watch(*child) : child.error().text();
    {
      const std::lock_guard lock(mutex);
      pid = 0;
      if (url.empty()) {
        failed = Error{ErrorKind::NeedsUser, "EngineNotStarted",
                       fmt::format("the embedded engine did not start ({}): {}", how, last_words), ""};
        changed.notify_all();
        return;
      }
    }
    if (stop_asked(milliseconds(0))) return;
    if (std::chrono::steady_clock::now() - begun > kHealthy) backoff.reset();
    const milliseconds pause = backoff.next();
    log::warn("engine", "the embedded engine ended by itself ({}): starting it again in {} ms", how,
              pause.count());
    if (stop_asked(pause)) return;
    const std::lock_guard lock(mutex);
    ++restarts;
  }
}

// Forwards the child's lines until it ends, or ends it when a stop is asked for. How it ended.
std::string EngineProcess::State::watch(EngineChild& child) {
  {
    const std::lock_guard lock(mutex);
    pid = child.pid();
  }
  std::string rest;
  while (true) {
    std::array<pollfd, 3> ends{{{child.stderr_descriptor(), POLLIN, 0},
                                {child.end_descriptor(), POLLIN, 0},
                                {stop_event, POLLIN, 0}}};
    if (::poll(ends.data(), ends.size(), -1) < 0 && errno == EINTR) continue;
    const bool lines = ends[0].revents != 0 && read_lines(child, rest);
    if (ends[2].revents != 0) return end_child(child);
    // Its last words come before its end is believed.
    if (ends[1].revents != 0 && !lines) return child.reap();
    if (ends[0].revents != 0 && !lines) return end_child(child);
  }
}

bool EngineProcess::State::read_lines(const EngineChild& child, std::string& rest) {
  std::array<char, 4096> piece{};
  const auto count = ::read(child.stderr_descriptor(), piece.data(), piece.size());
  if (count <= 0) return false;
  rest.append(piece.data(), static_cast<std::size_t>(count));
  for (auto end = rest.find('\n'); end != std::string::npos; end = rest.find('\n')) {
    take_line(std::string_view(rest).substr(0, end));
    rest.erase(0, end + 1);
  }
  return true;
}

void EngineProcess::State::take_line(std::string_view text) {
  const EngineLine line = decode_line(text);
  if (!line.ready) {
    log::write(line.level, "engine", line.text);
    const std::lock_guard lock(mutex);
    if (line.level >= log::Level::Warn) last_words = std::string(line.text);
    return;
  }
  const std::lock_guard lock(mutex);
  url = std::string(line.text);
  options.listen = url.substr(kScheme.size());  // a restart keeps the port that it was given
  changed.notify_all();
}

std::string EngineProcess::State::end_child(EngineChild& child) const {
  child.signal(SIGTERM);
  pollfd end{child.end_descriptor(), POLLIN, 0};
  milliseconds limit{1'000};
  {
    const std::lock_guard lock(mutex);
    limit = std::max(limit, stop_limit);
  }
  if (::poll(&end, 1, static_cast<int>(limit.count())) <= 0) {
    log::warn("engine", "the embedded engine does not stop in time: it is killed, which loses nothing");
    child.signal(SIGKILL);
  }
  return child.reap();
}

EngineProcess::EngineProcess(std::unique_ptr<State> state) : state_(std::move(state)) {}

EngineProcess::~EngineProcess() {
  stop();
}

Result<std::unique_ptr<EngineProcess>> EngineProcess::start(EngineProcessOptions options) {
  const milliseconds limit = options.start_limit;
  std::unique_ptr<EngineProcess> process(new EngineProcess(std::make_unique<State>(std::move(options))));
  State& state = *process->state_;
  PENSTOCK_ASSIGN(state.keeper, start_thread("the embedded engine", [&state] { state.keep(); }));
  std::unique_lock lock(state.mutex);
  if (!state.changed.wait_for(lock, limit, [&state] { return !state.url.empty() || state.failed; })) {
    return fail(ErrorKind::Transient, "EngineNotStarted",
                fmt::format("the embedded engine does not serve within {} ms", limit.count()));
  }
  if (state.failed) return fail(*state.failed);
  lock.unlock();
  return process;
}

std::string EngineProcess::url() const {
  const std::lock_guard lock(state_->mutex);
  return state_->url;
}

pid_t EngineProcess::pid() const {
  const std::lock_guard lock(state_->mutex);
  return state_->pid;
}

int EngineProcess::restarts() const {
  const std::lock_guard lock(state_->mutex);
  return state_->restarts;
}

void EngineProcess::stop(milliseconds limit) {
  const std::lock_guard one_at_a_time(state_->stop_mutex);
  if (!state_->keeper.joinable()) return;
  {
    const std::lock_guard lock(state_->mutex);
    state_->stop_limit = limit;
  }
  const std::uint64_t one = 1;
  if (::write(state_->stop_event, &one, sizeof one) < 0)
    log::debug("engine", "cannot ask the keeper to stop");
  state_->keeper.join();
}

}  // namespace penstock::engine
