#pragma once

// cpprestsdk's headers: for http_call.hpp and its users alone.

// Else their macro U() breaks Boost. The name is theirs.
#define _TURN_OFF_PLATFORM_STRING  // NOLINT(bugprone-reserved-identifier)
#include <utility>

#include <cpprest/astreambuf.h>

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "controller/runtime/steady_time.hpp"

namespace penstock::kube {

/// What the threads of cpprestsdk and the caller of one request share: the answer's status, then its body as
/// it arrives. A write is only completed while less than `kHighWater` bytes are unread, and cpprestsdk reads
/// no further until then: that is the back-pressure its own buffers lack. Once `abandon`ed, writes fail.
class ResponseBody final : public concurrency::streams::details::streambuf_state_manager<std::uint8_t> {
 public:
  static constexpr std::size_t kHighWater = std::size_t{1} << 20;

  enum class Wait { Ready, Stopped, TimedOut };

  ResponseBody() : streambuf_state_manager(std::ios_base::out) {}

  void headers_arrived(int status, std::string retry_after);
  /// The answer is complete, or broke off (`failure` is what cpprestsdk says of it).
  void ended(std::optional<std::string> failure);
  void abandon();

  /// Until the headers are there or the request has failed.
  [[nodiscard]] Wait wait_for_headers(runtime::SteadyTime deadline, const std::stop_token& stop);
  /// Until there are bytes, which are appended to `out`, or the body has ended.
  [[nodiscard]] Wait read(std::string& out, runtime::SteadyTime deadline, const std::stop_token& stop);

  // Valid once a wait answered Ready.
  [[nodiscard]] int status() const;
  [[nodiscard]] std::string retry_after() const;
  [[nodiscard]] bool at_end() const;
  [[nodiscard]] std::optional<std::string> failure() const;

  // What a stream buffer must have. Nothing can be read through it, and there are no positions.
  bool can_seek() const override { return false; }
  bool has_size() const override { return false; }
  std::size_t buffer_size(std::ios_base::openmode) const override { return 0; }
  void set_buffer_size(std::size_t, std::ios_base::openmode) override {}
  std::size_t in_avail() const override { return 0; }
  pos_type getpos(std::ios_base::openmode) const override { return traits::eof(); }
  pos_type seekpos(pos_type, std::ios_base::openmode) override { return traits::eof(); }
  pos_type seekoff(off_type, std::ios_base::seekdir, std::ios_base::openmode) override {
    return traits::eof();
  }
  bool acquire(std::uint8_t*&, std::size_t&) override { return false; }
  void release(std::uint8_t*, std::size_t) override {}

 protected:
  pplx::task<int_type> _putc(std::uint8_t byte) override;
  pplx::task<std::size_t> _putn(const std::uint8_t* bytes, std::size_t count) override;
  pplx::task<bool> _sync() override { return pplx::task_from_result(true); }
  pplx::task<int_type> _bumpc() override { return pplx::task_from_result<int_type>(traits::eof()); }
  int_type _sbumpc() override { return traits::eof(); }
  pplx::task<int_type> _getc() override { return pplx::task_from_result<int_type>(traits::eof()); }
  int_type _sgetc() override { return traits::eof(); }
  pplx::task<int_type> _nextc() override { return pplx::task_from_result<int_type>(traits::eof()); }
  pplx::task<int_type> _ungetc() override { return pplx::task_from_result<int_type>(traits::eof()); }
  pplx::task<std::size_t> _getn(std::uint8_t*, std::size_t) override {
    return pplx::task_from_result<std::size_t>(0);
  }
  std::size_t _scopy(std::uint8_t*, std::size_t) override { return 0; }
  std::uint8_t* _alloc(std::size_t) override { return nullptr; }
  void _commit(std::size_t) override {}

 private:
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  int status_ = 0;
  std::string retry_after_;
  std::string bytes_;
  bool ended_ = false;
  bool abandoned_ = false;
  std::optional<std::string> failure_;
  std::optional<pplx::task_completion_event<std::size_t>> blocked_writer_;
  std::size_t blocked_count_ = 0;
};

}  // namespace penstock::kube
