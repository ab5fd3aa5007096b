#include "dataplane/clickhouse/client.hpp"

#include <algorithm>
#include <array>
#include <chrono>

#include "dataplane/clickhouse/endpoint.hpp"
#include "dataplane/clickhouse/http.hpp"
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

Settings insert_settings() {
  return {{"async_insert", "0"},
          {"insert_deduplicate", "1"},
          {"input_format_null_as_default", "0"},
          {"input_format_defaults_for_omitted_fields", "1"},
          {"max_partitions_per_insert_block", "0"}};
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
      return {ErrorKind::NeedsUser, "DestinationTlsRefused", message,
              "Check the scheme and port of spec.destination.clickhouse.url and the CA certificate"};
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

}  // namespace

struct Client::Handle {
  explicit Handle(Endpoint e) : endpoint(std::move(e)), address(parse_address(endpoint.url)) {
    http = std::make_unique<HttpConnection>(endpoint.ca_pem, address && address->loopback());
  }

  Result<std::string> post(const Request& request, Settings parameters, HttpRequest http_request);
  Status insert(const Request& request, HttpRequest http_request);

  Endpoint endpoint;
  Result<Address> address;
  std::unique_ptr<HttpConnection> http;
};

/// `parameters` hold the defaults; the request's own settings win. The answer's body, or a classified Error.
Result<std::string> Client::Handle::post(const Request& request, Settings parameters,
                                         HttpRequest http_request) {
  if (!address) return fail(address.error());
  PENSTOCK_TRY(check_credentials(endpoint));
  parameters.emplace("wait_end_of_query", "1");
  for (const auto& [name, value] : request.settings)
    parameters[name] = value;
  if (request.use_database && !endpoint.database.empty()) parameters["database"] = endpoint.database;

  http_request.url = address->origin() + address->path + "?" + url_query(parameters);
  http_request.headers.push_back("X-ClickHouse-User: " + endpoint.user);
  if (!endpoint.password.empty())
    http_request.headers.push_back("X-ClickHouse-Key: " + endpoint.password.reveal());
  http_request.repeatable = request.repeatable;
  auto answer = http->post(http_request);
  if (!answer) return fail(error_of(answer.error(), endpoint, request));

  const int code = exception_code(answer->exception_code, answer->status, answer->body);
  if (answer->status == 200 && code == 0) return std::move(answer->body);
  const auto doing = doing_of(request);
  if (outcome_unknown(*answer) && !request.repeatable)
    return fail(lost_answer(endpoint, doing, false, "HTTP " + std::to_string(answer->status)));
  return fail(classify(endpoint, answer->status, code, answer->body, doing));
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
  http.silence_limit = limit_of(request, kStatementSilence);
  PENSTOCK_TRY(handle_->post(request, {}, std::move(http)));
  return {};
}

Result<Rows> Client::select(const Request& request) {
  const std::array<std::string_view, 2> body{request.sql, "\nFORMAT TabSeparated"};
  Request repeatable = request;
  repeatable.repeatable = true;
  HttpRequest http;
  http.body = body;
  http.total_limit = limit_of(request, kSelectLimit);
  PENSTOCK_ASSIGN(const auto answer, handle_->post(repeatable, {}, std::move(http)));
  return parse_tsv(answer);
}

Status Client::Handle::insert(const Request& request, HttpRequest http_request) {
  auto parameters = insert_settings();
  parameters.emplace("query", request.sql);
  http_request.silence_limit = limit_of(request, kInsertSilence);
  PENSTOCK_TRY(post(request, std::move(parameters), std::move(http_request)));
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

void Client::cancel() {
  handle_->http->cancel();
}

}  // namespace penstock::clickhouse
