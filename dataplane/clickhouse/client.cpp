#include "dataplane/clickhouse/client.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <random>
#include <set>

#include "core/utf8.hpp"
#include "dataplane/clickhouse/endpoint.hpp"
#include "dataplane/clickhouse/http.hpp"
#include "dataplane/clickhouse/look.hpp"
#include "dataplane/clickhouse/pinned_settings.hpp"
#include "dataplane/clickhouse/server_text.hpp"
#include "dataplane/clickhouse/tsv.hpp"

namespace penstock::clickhouse {
namespace {

constexpr std::chrono::seconds kSelectLimit{120};
constexpr std::chrono::seconds kInsertSilence{300};
constexpr std::chrono::seconds kStatementSilence{900};
constexpr std::size_t kPurposeLength = 80;

/// What is being done, for messages: the request's own words, else the statement's beginning.
std::string doing_of(const Request& request) {
  return request.purpose.empty() ? shortened(one_line(request.sql), kPurposeLength) : request.purpose;
}

std::chrono::seconds limit_of(const Request& request, std::chrono::seconds otherwise) {
  return request.limit.count() > 0 ? request.limit : otherwise;
}

/// By how long its endpoint may take for any answer.
bool bounded(const Endpoint& endpoint, const Request& request) {
  return endpoint.limits.answer.count() > 0 && request.limit.count() == 0 && !request.lasting;
}

Error lost_answer(const Endpoint& endpoint, const std::string& doing, bool repeatable,
                  const std::string& text) {
  const auto message = "cannot " + doing + " at " + endpoint.text() + ": the answer was lost (" + text + ")";
  if (repeatable)
    return {ErrorKind::Transient, "DestinationUnreachable", message,
            "It is tried again by itself; if it stays, check that spec.destination.clickhouse.url names "
            "ClickHouse's HTTP port"};
  return {ErrorKind::InDoubt, "DestinationAnswerLost", message, ""};
}

Error error_of(const HttpFault& fault, const Endpoint& endpoint, const Request& request) {
  using Kind = HttpFault::Kind;
  const auto doing = doing_of(request);
  const auto text = valid_utf8(redact(fault.text, endpoint.password));
  const auto message = "cannot " + doing + " at " + endpoint.text() + ": " + text;
  switch (fault.kind) {
    case Kind::Cancelled:
      return {ErrorKind::Cancelled, "Cancelled", doing + " was cancelled", ""};
    case Kind::TlsRefused:
      return {
          ErrorKind::NeedsUser, "DestinationTlsRefused", message,
          "Check the scheme, host and port of spec.destination.clickhouse.url, the CA in its caSecretRef, "
          "and that the server's certificate is valid for that host and has not expired"};
    case Kind::NotHttp:
      if (fault.sent && !request.repeatable) return lost_answer(endpoint, doing, false, text);
      return {ErrorKind::NeedsUser, "DestinationNotClickHouse",
              "cannot " + doing + " at " + endpoint.text() +
                  ": what answers there does not speak HTTP, and is not ClickHouse's HTTP port",
              "Point spec.destination.clickhouse.url at ClickHouse's HTTP port (8123, or 8443 with TLS)"};
    case Kind::TooLarge:
    case Kind::Defect:
      return {ErrorKind::Internal, "DestinationRequestInvalid", message, ""};
    case Kind::Unreachable:
      break;
    case Kind::TimedOut:
    case Kind::Lost:
      if (fault.sent) return lost_answer(endpoint, doing, request.repeatable, text);
      break;
  }
  return {
      ErrorKind::Transient, "DestinationUnreachable", message,
      "Check that ClickHouse runs and spec.destination.clickhouse.url is right; it is tried again by itself"};
}

/// A gateway that gave up waiting says nothing about what ClickHouse behind it did or still does.
bool outcome_unknown(const HttpAnswer& answer) {
  return answer.exception_code == 0 && (answer.status == 502 || answer.status == 504);
}

std::string new_query_id() {
  static const auto kProcess = (std::uint64_t{std::random_device{}()} << 32) | std::random_device{}();
  static std::atomic<std::uint64_t> count{0};
  return fmt::format("penstock-{:016x}-{}", kProcess, ++count);
}

constexpr int kUnknownSetting = 115;  // UNKNOWN_SETTING

/// What the server does not let us set, by its name, and why we set it.
Error with_setting_named(Error error) {
  const bool named = error.reason == "DestinationSettingConstrained";
  const auto* setting = named ? pinned_setting_in(error.message) : nullptr;
  if (setting == nullptr) return error;
  error.cure = fmt::format(
      "In the user's settings profile, leave {} at its default or let it be changed: another value {}",
      setting->name, setting->otherwise);
  return error;
}

}  // namespace

struct Client::Handle {
  explicit Handle(Endpoint e) : endpoint(std::move(e)), address(parse_address(endpoint.url)) {
    http = std::make_unique<HttpConnection>(endpoint.ca_pem, address && address->loopback());
  }

  Result<std::string> post(const Request& request, StatementKind kind, HttpRequest http_request,
                           Settings parameters = {});
  Result<std::string> send(const Request& request, const Settings& parameters, HttpRequest& http_request,
                           bool& setting_unknown);
  Status insert(const Request& request, HttpRequest http_request);
  bool at_work(const std::string& query_id);

  Endpoint endpoint;
  std::set<std::string> servers;  ///< names of those that have answered
  Result<Address> address;
  std::unique_ptr<HttpConnection> http;
};

/// Whether the server runs it; true where that cannot be told: it may not be ours to see, or be another
/// server's behind the same address.
bool Client::Handle::at_work(const std::string& query_id) {
  Client other(endpoint);
  const auto found = look(
      other,
      "SELECT 1 FROM system.processes WHERE query_id = {id:String} OR Settings['log_comment'] = {id:String}",
      "look at statements that run", {{"param_id", query_id}});
  if (!found) return found.error().reason != "DestinationUnreachable";
  servers.merge(other.handle_->servers);
  return servers.size() != 1 || !found->empty();
}

/// `parameters`: of the URL, beside settings. The answer's body, or a classified Error.
Result<std::string> Client::Handle::post(const Request& request, StatementKind kind, HttpRequest http_request,
                                         Settings parameters) {
  if (!address) return fail(address.error());
  PENSTOCK_TRY(check_credentials(endpoint));
  parameters.emplace("wait_end_of_query", "1");
  if (request.use_database && !endpoint.database.empty()) parameters["database"] = endpoint.database;
  for (const auto& [name, value] : request.settings)
    parameters[name] = value;
  parameters.merge(pinned_settings(kind));
  const bool watched = http_request.silence_limit.count() > 0 && (!request.repeatable || request.lasting);
  if (watched) {
    const auto id = new_query_id();
    parameters.emplace("query_id", id);
    http_request.at_work = [this, id] { return at_work(id); };
    http_request.look_after = endpoint.silence_limit;
  }
  http_request.headers.push_back("X-ClickHouse-User: " + endpoint.user);
  if (!endpoint.password.empty())
    http_request.headers.push_back("X-ClickHouse-Key: " + endpoint.password.reveal());
  http_request.repeatable = request.repeatable && !watched;  // one query_id is one query
  http_request.limits = endpoint.limits;
  while (true) {
    UnknownSettings::drop(endpoint.url, parameters);
    bool setting_unknown = false;
    auto answer = send(request, parameters, http_request, setting_unknown);
    if (answer || !setting_unknown || http_request.more) return answer;
  }
}

/// `setting_unknown`: the server does not know one of ours, which is noted by now, and has done nothing.
Result<std::string> Client::Handle::send(const Request& request, const Settings& parameters,
                                         HttpRequest& http_request, bool& setting_unknown) {
  http_request.url = address->origin() + address->path + "?" + url_query(parameters);
  auto answer = http->post(http_request);
  if (!answer) return fail(error_of(answer.error(), endpoint, request));
  if (!answer->server.empty()) servers.insert(answer->server);

  const int code = exception_code(answer->exception_code, answer->status, answer->body);
  if (answer->status == 200 && code == 0) return std::move(answer->body);
  const auto doing = doing_of(request);
  if (outcome_unknown(*answer) && !request.repeatable)
    return fail(lost_answer(endpoint, doing, false, "HTTP " + std::to_string(answer->status)));
  setting_unknown = code == kUnknownSetting && UnknownSettings::note(endpoint.url, answer->body, parameters);
  return fail(with_setting_named(classify(endpoint, answer->status, code, answer->body, doing)));
}

Client::Client(Endpoint endpoint) : handle_(std::make_unique<Handle>(std::move(endpoint))) {}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;

const Endpoint& Client::endpoint() const {
  return handle_->endpoint;
}

Status Client::execute(const Request& request) {
  const std::array<std::string_view, 1> body{request.sql};
  HttpRequest http;
  http.body = body;
  if (bounded(handle_->endpoint, request))
    http.total_limit = handle_->endpoint.limits.answer;
  else
    http.silence_limit = limit_of(request, kStatementSilence);
  PENSTOCK_TRY(handle_->post(request, StatementKind::Other, std::move(http)));
  return {};
}

Result<Rows> Client::select(const Request& request) {
  const std::array<std::string_view, 2> body{request.sql, "\nFORMAT TabSeparated"};
  Request repeatable = request;
  repeatable.repeatable = true;
  HttpRequest http;
  http.body = body;
  http.total_limit = bounded(handle_->endpoint, request)
                         ? handle_->endpoint.limits.answer
                         : std::chrono::milliseconds(limit_of(request, kSelectLimit));
  PENSTOCK_ASSIGN(const auto answer, handle_->post(repeatable, StatementKind::Select, std::move(http)));
  return parse_tsv(answer);
}

Status Client::Handle::insert(const Request& request, HttpRequest http_request) {
  http_request.silence_limit = limit_of(request, kInsertSilence);
  PENSTOCK_TRY(post(request, StatementKind::Insert, std::move(http_request), {{"query", request.sql}}));
  return {};
}

Status Client::insert(const Request& request, const std::vector<std::string_view>& pieces) {
  HttpRequest http;
  http.body = pieces;
  return handle_->insert(request, std::move(http));
}

Status Client::insert(const Request& request, const DataSource& data) {
  HttpRequest http;
  http.more = data;
  return handle_->insert(request, std::move(http));
}

}  // namespace penstock::clickhouse
