#include "controller/kube/response_body.hpp"

#include <stdexcept>

namespace penstock::kube {
namespace {

constexpr std::size_t kLargestWrite = std::size_t{1} << 31;

}  // namespace

void ResponseBody::headers_arrived(int status, std::string retry_after) {
  const std::lock_guard lock(mutex_);
  status_ = status;
  retry_after_ = std::move(retry_after);
  changed_.notify_all();
}

void ResponseBody::ended(std::optional<std::string> failure) {
  const std::lock_guard lock(mutex_);
  ended_ = true;
  failure_ = std::move(failure);
  changed_.notify_all();
}

void ResponseBody::abandon() {
  std::optional<pplx::task_completion_event<std::size_t>> writer;
  {
    const std::lock_guard lock(mutex_);
    abandoned_ = true;
    bytes_.clear();
    writer = std::exchange(blocked_writer_, std::nullopt);
  }
  // Outside of the lock: the continuation may run here and now.
  if (writer) writer->set_exception(std::runtime_error("the reader has gone"));
}

ResponseBody::Wait ResponseBody::wait_for_headers(runtime::SteadyTime deadline, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  if (changed_.wait_until(lock, stop, deadline, [this] { return status_ != 0 || ended_; }))
    return Wait::Ready;
  return stop.stop_requested() ? Wait::Stopped : Wait::TimedOut;
}

ResponseBody::Wait ResponseBody::read(std::string& out, runtime::SteadyTime deadline,
                                      const std::stop_token& stop) {
  std::optional<pplx::task_completion_event<std::size_t>> writer;
  {
    std::unique_lock lock(mutex_);
    const bool ready =
        changed_.wait_until(lock, stop, deadline, [this] { return !bytes_.empty() || ended_; });
    if (!ready) return stop.stop_requested() ? Wait::Stopped : Wait::TimedOut;
    out += bytes_;
    bytes_.clear();
    writer = std::exchange(blocked_writer_, std::nullopt);
  }
  if (writer) writer->set(blocked_count_);
  return Wait::Ready;
}

int ResponseBody::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

std::string ResponseBody::retry_after() const {
  const std::lock_guard lock(mutex_);
  return retry_after_;
}

bool ResponseBody::at_end() const {
  const std::lock_guard lock(mutex_);
  return ended_ && bytes_.empty();
}

std::optional<std::string> ResponseBody::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

pplx::task<ResponseBody::int_type> ResponseBody::_putc(std::uint8_t byte) {
  return _putn(&byte, 1).then([byte](std::size_t) -> int_type { return byte; });
}

pplx::task<std::size_t> ResponseBody::_putn(const std::uint8_t* bytes, std::size_t count) {
  // cpprestsdk takes a negative chunk size for what it says.
  if (count > kLargestWrite)
    return pplx::task_from_exception<std::size_t>(std::runtime_error("bad chunk size"));
  const std::lock_guard lock(mutex_);
  if (abandoned_) return pplx::task_from_exception<std::size_t>(std::runtime_error("the reader has gone"));
  bytes_.append(reinterpret_cast<const char*>(bytes), count);
  changed_.notify_all();
  if (bytes_.size() < kHighWater) return pplx::task_from_result(count);
  blocked_count_ = count;
  blocked_writer_.emplace();
  return pplx::create_task(*blocked_writer_);
}

}  // namespace penstock::kube

#ifdef __SANITIZE_THREAD__
// Debian's cpprestsdk is not instrumented: the sanitizer does not see that its reference counts are atomic,
// and takes the last release of a request for a race when that happens in a thread of ours, by cancelling it
// or by dropping its connection.
extern "C" const char* __tsan_default_suppressions();
extern "C" const char* __tsan_default_suppressions() {
  return "race:pplx::details::_CancellationTokenCallback\n"
         "race:boost::asio::ssl::detail::verify_callback\n";
}
#endif
