#include "controller/engine/piped_query.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <thread>
#include <utility>

namespace penstock::engine {
namespace {

constexpr int kPipeSize = 1 << 20;  // what an unprivileged process may ask for (fs.pipe-max-size)

void close_end(int& end) {
  if (end >= 0) ::close(end);
  end = -1;
}

}  // namespace

struct PipedQuery::State {
  int read_end = -1;
  int write_end = -1;
  EngineResult<StatementSummary> outcome{};  // the thread's until it is joined
  std::thread thread{};

  ~State() {
    if (thread.joinable()) thread.join();
    close_end(read_end);
    close_end(write_end);
  }
};

PipedQuery::PipedQuery(std::unique_ptr<State> state) : state_(std::move(state)) {}
PipedQuery::~PipedQuery() = default;

std::string PipedQuery::rewrite(const OutputSplit& split, const std::string& format,
                                const std::string& path) {
  return fmt::format("{}\nINTO OUTFILE {} TRUNCATE FORMAT {}\n{}", split.head, quote_string(path), format,
                     split.tail);
}

std::unique_ptr<PipedQuery> PipedQuery::start(Connection& connection, const OutputSplit& split,
                                              const std::string& format, const QueryParameters& parameters) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return nullptr;
  (void)::fcntl(ends[1], F_SETPIPE_SZ, kPipeSize);
  auto state = std::make_unique<State>();
  state->read_end = ends[0];
  state->write_end = ends[1];
  const std::string sql = rewrite(split, format, fmt::format("/dev/fd/{}", ends[1]));
  if (connection.classify(sql).statements != 1) return nullptr;
  state->thread = std::thread([raw = state.get(), &connection, sql, parameters] {
    auto result = connection.execute(sql, "TabSeparated", parameters);
    if (result) {
      raw->outcome = result->summary();
    } else {
      raw->outcome = tl::unexpected(result.error());
    }
    close_end(raw->write_end);  // ours was the last: the reader sees the end
  });
  return std::unique_ptr<PipedQuery>(new PipedQuery(std::move(state)));
}

std::size_t PipedQuery::read(char* into, std::size_t size) {
  while (true) {
    const auto count = ::read(state_->read_end, into, size);
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno != EINTR) return 0;
  }
}

int PipedQuery::descriptor() const {
  return state_->read_end;
}

void PipedQuery::abandon() {
  close_end(state_->read_end);
}

EngineResult<StatementSummary> PipedQuery::finish() {
  if (state_->thread.joinable()) state_->thread.join();
  return state_->outcome;
}

}  // namespace penstock::engine
