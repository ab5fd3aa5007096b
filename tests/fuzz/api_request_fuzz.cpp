#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <filesystem>

#include "controller/apiserver/api.hpp"
#include "controller/apiserver/own_objects.hpp"
#include "crds/crd.hpp"
#include "tests/fuzz/fuzz.hpp"
#include "tests/support/temp_dir.hpp"

namespace penstock::apiserver {
namespace {

namespace http = boost::beast::http;

// What is made by inputs piles up: the world is made anew after so many.
constexpr int kInputsOfAWorld = 500;

class World {
 public:
  World() {
    auto types = core_types();
    types.push_back(type_of_crd(crd_json()).value());
    types.back().validator = validate_pipe;
    const Registry registry(std::move(types));
    store_ = Store::open(StateFile::open(directory_ / "state.db").value(), {}).value();
    if (!put_own_objects(*store_, registry, {{&crd_json(), {}}}, clock_.now())) std::abort();
    api_ = std::make_unique<Api>(registry, *store_, clock_,
                                 ApiSettings{Secret("token"), "127.0.0.1:1", "v1.32.0"});
  }

  Outcome handle(const Request& request) { return api_->handle(request); }

 private:
  test::TempDir directory_{"penstock-fuzz"};
  SystemClock clock_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<Api> api_;
};

World& world() {
  static std::unique_ptr<World> present;
  static int inputs = 0;
  if (inputs++ % kInputsOfAWorld == 0) {
    present.reset();
    present = std::make_unique<World>();
  }
  return *present;
}

}  // namespace

// An HTTP request as the session takes it apart, answered by the API as it is after a start: never with a
// defect of ours, and always with what the content type says.
PENSTOCK_FUZZ(api_request, bytes) {
  http::request_parser<http::string_body> parser;
  parser.header_limit(64U * 1024U);
  parser.body_limit(kMostBody);
  parser.eager(true);
  boost::system::error_code error;
  parser.put(boost::asio::buffer(bytes.data(), bytes.size()), error);
  if (error || !parser.is_done()) return;
  const auto& message = parser.get();
  auto request = request_of(std::string(message.method_string()),
                            std::string_view(message.target().data(), message.target().size()));
  if (!request) return;
  request->accept = std::string(message[http::field::accept]);
  request->content_type = std::string(message[http::field::content_type]);
  request->body = message.body();
  request->authorization = "Bearer token";
  const auto outcome = world().handle(*request);
  const auto* response = std::get_if<Response>(&outcome);
  if (response == nullptr) return;
  FUZZ_REQUIRE(response->status >= 200 && response->status != 500);
  if (response->content_type.starts_with("application/json") && !response->body.empty())
    FUZZ_REQUIRE(Json::accept(response->body));
}

}  // namespace penstock::apiserver
