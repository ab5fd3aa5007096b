#include <algorithm>
#include <nlohmann/json.hpp>

#include "controller/engine/server_error.hpp"
#include "controller/engine/sql_lexer.hpp"
#include "dataplane/clickhouse/client.hpp"
#include "dataplane/clickhouse/endpoint.hpp"
#include "dataplane/clickhouse/http_exchange.hpp"
#include "dataplane/clickhouse/key_text.hpp"
#include "dataplane/clickhouse/server_text.hpp"
#include "dataplane/clickhouse/tsv.hpp"
#include "dataplane/columns/default_text.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace penstock::clickhouse {
namespace {

// What goes into a status: UTF-8 on one line.
void is_fit_for_a_message(const std::string& text) {
  (void)nlohmann::json(text).dump();  // throws for what is not UTF-8
  FUZZ_REQUIRE(text.find('\n') == std::string::npos);
}

void read_answer(std::string_view bytes) {
  const auto body = bytes.find("\r\n\r\n");
  HttpRequest request;
  request.answer_limit = 1000;
  HttpExchange exchange(request);
  auto head = bytes.substr(0, body);
  while (!head.empty()) {
    const auto end = std::min(head.find("\r\n"), head.size());
    exchange.take_head(head.substr(0, end));
    head.remove_prefix(std::min(end + 2, head.size()));
  }
  const bool fits = exchange.take_body(body == std::string_view::npos ? "" : bytes.substr(body + 4));
  FUZZ_REQUIRE(fits != exchange.too_large());
  const auto& answer = exchange.answer();
  const int code = exception_code(answer.exception_code, answer.status, answer.body);
  if (answer.status < 300 && code == 0) return;
  Endpoint endpoint;
  endpoint.url = "http://ch:8123";
  const auto error = classify(endpoint, answer.status, code, answer.body, "load orders");
  FUZZ_REQUIRE(!error.reason.empty() && !error.message.empty());
  is_fit_for_a_message(error.text());
}

void read_rows(std::string_view bytes) {
  const auto rows = parse_tsv(bytes);
  if (!rows) {
    FUZZ_REQUIRE(rows.error().reason == "DestinationAnswerTorn");
    return;
  }
  FUZZ_REQUIRE(rows->size() <= bytes.size());
}

void read_key(std::string_view text) {
  for (const auto& part : split_key(text))
    FUZZ_REQUIRE(part.size() <= text.size());
  (void)comparable_type(text);
  FUZZ_REQUIRE(type_holds(text, text));
  FUZZ_REQUIRE(value_type(text).size() <= text.size());
  (void)is_nullable(text);
  (void)default_text(ColumnType::parse(text));
  FUZZ_REQUIRE(plain_engine(text).size() <= text.size());
}

// One token for the server's lexer, and nothing of the value outside of it.
void is_one_token(const std::string& quoted, engine::Token::Kind kind) {
  engine::SqlLexer lexer(quoted);
  FUZZ_REQUIRE(lexer.next() == (engine::Token{kind, 0, quoted.size()}));
}

}  // namespace

// What a server that need not be ClickHouse sends, or has in its catalog; and names and values on their way
// to it.
PENSTOCK_FUZZ(clickhouse_answer, bytes) {
  read_answer(bytes);
  read_rows(bytes);
  read_key(bytes);
  is_fit_for_a_message(exception_text(bytes));
  FUZZ_REQUIRE(one_line(one_line(bytes)) == one_line(bytes));
  FUZZ_REQUIRE(shortened(std::string(bytes), 40).size() <= 40 + std::string_view("…").size());
  is_one_token(quote(bytes), engine::Token::Kind::Quoted);
  is_one_token(literal(bytes), engine::Token::Kind::String);
  if (const auto address = parse_address(bytes)) {
    FUZZ_REQUIRE(!address->host.empty());
    (void)address->loopback();
  }
  const auto error = engine::parse_error(bytes);
  FUZZ_REQUIRE(error.code != 0 && engine::http_status(error.code) >= 400);
  const auto query = url_query({{std::string(bytes), std::string(bytes)}});
  FUZZ_REQUIRE(std::all_of(query.begin(), query.end(), [](char c) { return c > 0x20 && c < 0x7f; }));
}

}  // namespace penstock::clickhouse
