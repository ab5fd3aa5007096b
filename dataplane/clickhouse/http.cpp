#include "dataplane/clickhouse/http.hpp"

#include <curl/curl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "dataplane/clickhouse/http_exchange.hpp"

namespace penstock::clickhouse {
namespace {

constexpr long kUploadBuffer = 1L << 20;  // fewer, larger writes: a block of megabytes is the common body

bool library_ready() {
  static const bool kReady = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  return kReady;
}

HttpExchange& exchange_of(void* user) {
  return *static_cast<HttpExchange*>(user);
}

/// curl starts a request anew by itself when a kept connection turns out to be closed. It may, unless a
/// statement that must not run twice has left already: this is asked before every start.
int before_request(void* user, char*, char*, int, int) {
  return exchange_of(user).begin() ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

int seek_body(void* user, curl_off_t offset, int origin) {
  const bool to_begin = offset == 0 && origin == SEEK_SET;
  return to_begin && exchange_of(user).begin() ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_FAIL;
}

/// A peer that is gone while its answer is waited for is noticed within a minute. No TCP_USER_TIMEOUT: it
/// would end an upload that ClickHouse, busy with what it has, takes no more of for so long.
int limit_keepalive(void*, curl_socket_t socket, curlsocktype) {
  const int probes = 3;
  ::setsockopt(socket, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
  return CURL_SOCKOPT_OK;
}

std::size_t read_body(char* to, std::size_t size, std::size_t count, void* user) {
  const auto done = exchange_of(user).read(to, size * count);
  return exchange_of(user).given_up() ? CURL_READFUNC_ABORT : done;
}

std::size_t take_body(char* data, std::size_t size, std::size_t count, void* user) {
  return exchange_of(user).take_body({data, size * count}) ? size * count : 0;
}

std::size_t take_head(char* data, std::size_t size, std::size_t count, void* user) {
  exchange_of(user).take_head({data, size * count});
  return size * count;
}

bool speaks_of_certificates(std::string_view text) {
  for (const char* sign : {"certificate", "alert", "wrong version number", "packet length too long"})
    if (text.find(sign) != std::string_view::npos) return true;
  return false;
}

HttpFault::Kind kind_of(CURLcode code, const HttpExchange& exchange, std::string_view text) {
  using Kind = HttpFault::Kind;
  switch (code) {
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_PROXY:
      return Kind::Unreachable;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
      return Kind::TlsRefused;
    case CURLE_SSL_CONNECT_ERROR:
      return speaks_of_certificates(text) ? Kind::TlsRefused : Kind::Unreachable;
    case CURLE_OPERATION_TIMEDOUT:
      return exchange.begun() ? Kind::TimedOut : Kind::Unreachable;
    case CURLE_UNSUPPORTED_PROTOCOL:  // "HTTP/0.9": of the scheme it is known that it is supported
    case CURLE_WEIRD_SERVER_REPLY:
      return Kind::NotHttp;
    case CURLE_WRITE_ERROR:
      return exchange.too_large() ? Kind::TooLarge : Kind::Lost;
    case CURLE_URL_MALFORMAT:
    case CURLE_NOT_BUILT_IN:
    case CURLE_OUT_OF_MEMORY:
      return Kind::Defect;
    default:
      // From TLS 1.3 on a server asks for the client's certificate after the client has begun to speak.
      return text.find("alert certificate") != std::string_view::npos ||
                     text.find("alert bad certificate") != std::string_view::npos
                 ? Kind::TlsRefused
                 : Kind::Lost;
  }
}

/// Whether a request that moves no byte is to be given up.
class Silence {
 public:
  Silence(const HttpRequest& request, const HttpExchange& exchange)
      : request_(request), exchange_(exchange) {}
  [[nodiscard]] bool is_a_stall() {
    const auto now = std::chrono::steady_clock::now();
    if (exchange_.moved() != moved_) {
      moved_ = exchange_.moved();
      since_ = now;
      idle_ = false;
    }
    if (!request_.at_work || now - since_ < (idle_ ? kGrace : request_.limits.silence(request_.look_after)))
      return false;
    since_ = now;
    // Twice: the answer may have been on its way at the first look.
    return std::exchange(idle_, !request_.at_work()) && idle_;
  }

 private:
  static constexpr std::chrono::milliseconds kGrace{1000};
  const HttpRequest& request_;
  const HttpExchange& exchange_;
  std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
  std::size_t moved_ = 0;
  bool idle_ = false;
};

struct HeaderList {
  explicit HeaderList(const HttpRequest& request) {
    for (const auto& line : request.headers)
      list = curl_slist_append(list, line.c_str());
    list = curl_slist_append(list, "Expect:");  // a round trip for nothing
    list = curl_slist_append(list, "Content-Type: application/octet-stream");
    if (request.more) list = curl_slist_append(list, "Transfer-Encoding: chunked");
  }
  ~HeaderList() { curl_slist_free_all(list); }
  HeaderList(const HeaderList&) = delete;
  HeaderList& operator=(const HeaderList&) = delete;
  curl_slist* list = nullptr;
};

/// What went wrong, without how many milliseconds it took: a text that differs from try to try would be told
/// anew each time.
std::string words_of(CURL* easy, CURLcode code, std::string_view said) {
  long number = 0;
  if (code == CURLE_COULDNT_CONNECT && curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &number) == CURLE_OK &&
      number != 0)
    return std::generic_category().message(static_cast<int>(number));
  std::string out(said.empty() ? curl_easy_strerror(code) : said);
  constexpr std::string_view kAfter = " after ";
  const auto begin = out.find(kAfter);
  if (begin == std::string::npos) return out;
  auto end = out.find_first_not_of("0123456789", begin + kAfter.size());
  for (const std::string_view unit : {" milliseconds", " ms"}) {
    if (end == std::string::npos || out.compare(end, unit.size(), unit) != 0) continue;
    return out.erase(begin, end + unit.size() - begin);
  }
  return out;
}

}  // namespace

struct HttpConnection::State {
  CURL* easy = nullptr;
  CURLM* multi = nullptr;
  std::array<char, CURL_ERROR_SIZE> text{};

  void prepare(const HttpRequest& request, HttpExchange& exchange, const HeaderList& headers, bool fresh);
  CURLcode run(const HttpRequest& request, const HttpExchange& exchange);
  HttpFault fault_of(CURLcode code, const HttpRequest& request, const HttpExchange& exchange) const;
  tl::expected<HttpAnswer, HttpFault> attempt(const HttpRequest& request, const HeaderList& headers,
                                              bool fresh, bool& stale);
  void remember_idle_limit(long seconds);
};

HttpConnection::HttpConnection(const std::string& ca_pem, bool ignore_proxies)
    : state_(std::make_unique<State>()) {
  if (!library_ready()) return;
  state_->easy = curl_easy_init();
  state_->multi = curl_multi_init();
  CURL* easy = state_->easy;
  if (easy == nullptr || state_->multi == nullptr) return;
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT,
                   1L);  // a cancelled request does not wait for the resolver's thread
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, 10'000L);
  curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, 30L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, 10L);
  curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, limit_keepalive);
  curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, kUploadBuffer);
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "penstock");
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, state_->text.data());
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  if (ignore_proxies) curl_easy_setopt(easy, CURLOPT_PROXY, "");
  if (ca_pem.empty()) return;
  std::string copy = ca_pem;
  curl_blob blob{copy.data(), copy.size(), CURL_BLOB_COPY};
  curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &blob);
  curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
}

HttpConnection::~HttpConnection() {
  if (state_->easy != nullptr) curl_easy_cleanup(state_->easy);
  if (state_->multi != nullptr) curl_multi_cleanup(state_->multi);
}

void HttpConnection::State::prepare(const HttpRequest& request, HttpExchange& exchange,
                                    const HeaderList& headers, bool fresh) {
  text.front() = '\0';
  curl_easy_setopt(easy, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers.list);
  curl_easy_setopt(easy, CURLOPT_POST, 1L);
  curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(exchange.size()));
  curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before_request);
  curl_easy_setopt(easy, CURLOPT_PREREQDATA, &exchange);
  curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, seek_body);
  curl_easy_setopt(easy, CURLOPT_SEEKDATA, &exchange);
  curl_easy_setopt(easy, CURLOPT_READFUNCTION, read_body);
  curl_easy_setopt(easy, CURLOPT_READDATA, &exchange);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &exchange);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_head);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &exchange);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(request.total_limit.count()));
  curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, static_cast<long>(request.silence_limit.count()));
  curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, fresh ? 1L : 0L);
}

/// Drives the request to its end or until it is stopped, which wakes the poll up.
CURLcode HttpConnection::State::run(const HttpRequest& request, const HttpExchange& exchange) {
  if (curl_multi_add_handle(multi, easy) != CURLM_OK) return CURLE_FAILED_INIT;
  CURLcode result = CURLE_ABORTED_BY_CALLBACK;
  int running = 1;
  Silence silence(request, exchange);
  const auto wake = [this] { curl_multi_wakeup(multi); };
  const std::stop_callback stopped(request.limits.stop, wake);
  const std::stop_callback hurried(request.limits.hurry, wake);
  while (!request.limits.stop.stop_requested()) {
    if (curl_multi_perform(multi, &running) != CURLM_OK) break;
    if (running == 0) break;
    if (silence.is_a_stall()) {
      result = CURLE_OPERATION_TIMEDOUT;
      break;
    }
    curl_multi_poll(multi, nullptr, 0, 1000, nullptr);
  }
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi, &left))
    if (message->msg == CURLMSG_DONE) result = message->data.result;
  curl_multi_remove_handle(multi, easy);
  return result;
}

HttpFault HttpConnection::State::fault_of(CURLcode code, const HttpRequest& request,
                                          const HttpExchange& exchange) const {
  const auto said = words_of(easy, code, text.data());
  if (request.limits.stop.stop_requested() || exchange.given_up())
    return {HttpFault::Kind::Cancelled, "cancelled", exchange.sent()};
  return {kind_of(code, exchange, said), said, exchange.sent()};
}

/// Leaves a connection alone a good second before the server closes it: a statement sent into a closing
/// connection is one whose outcome nobody knows.
void HttpConnection::State::remember_idle_limit(long seconds) {
  if (seconds > 0) curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, std::max(1L, seconds - 2));
}

/// One try. `stale`: it was the kept connection that broke, not a new one.
tl::expected<HttpAnswer, HttpFault> HttpConnection::State::attempt(const HttpRequest& request,
                                                                   const HeaderList& headers, bool fresh,
                                                                   bool& stale) {
  HttpExchange exchange(request);
  prepare(request, exchange, headers, fresh);
  const CURLcode code = run(request, exchange);
  remember_idle_limit(exchange.idle_limit());
  if (code != CURLE_OK) {
    auto fault = fault_of(code, request, exchange);
    long opened = 0;
    curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &opened);
    stale = fault.kind == HttpFault::Kind::Lost && opened == 0;
    return tl::make_unexpected(std::move(fault));
  }
  return std::move(exchange.answer());
}

tl::expected<HttpAnswer, HttpFault> HttpConnection::post(const HttpRequest& request) {
  using Kind = HttpFault::Kind;
  if (state_->easy == nullptr || state_->multi == nullptr)
    return tl::make_unexpected(HttpFault{Kind::Defect, "libcurl cannot be initialised", false});
  if (request.limits.stop.stop_requested())
    return tl::make_unexpected(HttpFault{Kind::Cancelled, "cancelled", false});
  const HeaderList headers(request);
  bool stale = false;
  auto result = state_->attempt(request, headers, false, stale);
  if (!result && stale && request.repeatable) result = state_->attempt(request, headers, true, stale);
  return result;
}

}  // namespace penstock::clickhouse
