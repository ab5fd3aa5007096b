#include "controller/engine/piped_query.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <thread>

#include "core/thread.hpp"

namespace penstock::engine {
namespace {

constexpr int kPipeSize = 1 << 20;  // what an unprivileged process may ask for (fs.pipe-max-size)
constexpr std::size_t kPiece = 256U << 10U;

// One end of a pipe.
class PipeEnd {
 public:
  explicit PipeEnd(int descriptor) : descriptor_(descriptor) {}
  ~PipeEnd() { close(); }
  PipeEnd(const PipeEnd&) = delete;
  PipeEnd& operator=(const PipeEnd&) = delete;

  [[nodiscard]] int descriptor() const { return descriptor_; }
  void close() {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = -1;
  }

 private:
  int descriptor_;
};

enum class Event { Output, ClientGone, Interrupted };

Event wait_for_event(int pipe, const OutputReader& reader) {
  const short watched = reader.gone_when_half_closed ? POLLRDHUP : 0;
  std::array<pollfd, 2> ends{{{pipe, POLLIN, 0}, {reader.client_socket, watched, 0}}};
  if (::poll(ends.data(), ends.size(), -1) < 0) return Event::Interrupted;
  if ((ends[1].revents & (POLLERR | POLLHUP | POLLRDHUP)) != 0) return Event::ClientGone;
  return Event::Output;
}

// Hands the output on until it ends. Closing our end makes the statement fail at its next write.
void pump(PipeEnd& pipe, const OutputReader& reader) {
  std::string buffer(kPiece, '\0');
  while (true) {
    const Event event = wait_for_event(pipe.descriptor(), reader);
    if (event == Event::Interrupted) continue;
    if (event == Event::ClientGone) break;
    const auto count = ::read(pipe.descriptor(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return;
    if (!reader.take(std::string_view(buffer.data(), static_cast<std::size_t>(count)))) break;
  }
  pipe.close();
  reader.client_gone();
}

}  // namespace

std::string with_outfile(const OutputSplit& split, const std::string& format, const std::string& path) {
  return fmt::format("{}\nINTO OUTFILE {} TRUNCATE FORMAT {}\n{}", split.head, quote_string(path), format,
                     split.tail);
}

std::optional<EngineResult<StatementSummary>> run_piped(Connection& connection, const OutputSplit& split,
                                                        const std::string& format,
                                                        const QueryParameters& parameters,
                                                        const OutputReader& reader) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return std::nullopt;
  PipeEnd read_end(ends[0]);
  PipeEnd write_end(ends[1]);
  (void)::fcntl(write_end.descriptor(), F_SETPIPE_SZ, kPipeSize);
  const std::string sql = with_outfile(split, format, fmt::format("/dev/fd/{}", write_end.descriptor()));
  if (connection.classify(sql).statements != 1) return std::nullopt;

  // The reader is the new thread, not the statement: a thread's first statement costs the engine a
  // millisecond.
  auto reading =
      start_thread("reading a statement's output", [&read_end, &reader] { pump(read_end, reader); });
  if (!reading) return std::nullopt;
  const auto result = connection.execute(sql, "TabSeparated", parameters);
  write_end.close();  // the engine closed its own: the reader sees the end
  reading->join();
  if (!result) return tl::unexpected(result.error());
  return result->summary();
}

}  // namespace penstock::engine
