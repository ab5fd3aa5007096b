#include "tests/chaos/clinic.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <thread>

#include "tests/support/row_diff.hpp"

namespace penstock::chaos {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto kPromptly = 2s;  ///< for a pause, a resume or a deletion of a pipe whose servers are well
constexpr auto kTold = 30s;     ///< until a pipe says that a server is not well
constexpr auto kCured = 75s;    ///< until a pipe is well again: its tries are 30 s apart at most

test::PostgresOptions source_options() {
  test::PostgresOptions out;
  out.settings = {{"max_replication_slots", "60"}, {"max_wal_senders", "60"}, {"max_connections", "400"}};
  return out;
}

}  // namespace

void Findings::fault(const std::string& words) {
  const std::lock_guard lock(mutex_);
  ++faults_;
  fmt::print("FAULT: {}\n", words);
  std::fflush(stdout);
}

void Findings::took(const std::string& what, std::chrono::milliseconds time) {
  const std::lock_guard lock(mutex_);
  times_[what].push_back(time);
}

int Findings::faults() const {
  const std::lock_guard lock(mutex_);
  return faults_;
}

void Findings::print() const {
  const std::lock_guard lock(mutex_);
  for (const auto& [what, unsorted] : times_) {
    auto times = unsorted;
    std::sort(times.begin(), times.end());
    fmt::print("{}: {}, p50 {} ms, max {} ms\n", what, times.size(), times[times.size() / 2].count(),
               times.back().count());
  }
}

Clinic::Clinic(const Options& options) : options_(options), postgres_(source_options()) {
  for (int at = 0; at < kSources + kDestinations; ++at) {
    auto& server = *servers_.emplace_back(std::make_unique<Server>());
    server.proxy =
        std::make_unique<SickServer>(at < kSources ? postgres_.port() : engine_.port(), options.seed + at);
  }
  for (int at = 0; at < options.pipes; ++at) {
    auto& pipe = *pipes_.emplace_back(std::make_unique<OnePipe>());
    pipe.name = fmt::format("pipe{}", at);
    pipe.source = servers_[static_cast<std::size_t>(at % kSources)].get();
    pipe.destination = servers_[static_cast<std::size_t>(kSources + at % kDestinations)].get();
  }
  api_ = std::make_unique<WatchedPipes>(dev_.kubeconfig());
}

nlohmann::json Clinic::manifest(const OnePipe& pipe) const {
  const nlohmann::json source{{"host", "127.0.0.1"},
                              {"port", pipe.source->proxy->port()},
                              {"database", pipe.name},
                              {"user", test::PostgresServer::kSuperuser},
                              {"passwordSecretRef", {{"name", "postgres"}, {"key", "password"}}},
                              {"tls", {{"mode", "Disable"}}}};
  const nlohmann::json destination{
      {"url", fmt::format("http://127.0.0.1:{}", pipe.destination->proxy->port())}, {"database", pipe.name}};
  return {{"apiVersion", "penstock.dev/v1alpha1"},
          {"kind", "Pipe"},
          {"metadata", {{"name", pipe.name}}},
          {"spec",
           {{"source", {{"postgres", source}}},
            {"destination", {{"clickhouse", destination}}},
            {"deletionPolicy", "Delete"},
            {"tables", {{{"source", "public.orders"}}}}}}};
}

bool Clinic::open() {
  api_->create({{"apiVersion", "v1"},
                {"kind", "Secret"},
                {"metadata", {{"name", "postgres"}}},
                {"stringData", {{"password", test::PostgresServer::kPassword}}}});
  for (const auto& pipe : pipes_) {
    postgres_.exec("CREATE DATABASE " + pipe->name);
    postgres_.exec(
        "CREATE TABLE orders (id bigint PRIMARY KEY, v text); INSERT INTO orders SELECT i, 'first' FROM "
        "generate_series(1, 100) i",
        pipe->name);
    api_->create(manifest(*pipe));
  }
  for (const auto& pipe : pipes_)
    if (!api_->wait(pipe->name, is_ready, 90s)) {
      findings_.fault(pipe->name + " does not stream: " + api_->get(pipe->name).dump());
      return false;
    }
  until_ = Clock::now() + options_.duration;
  return true;
}

bool Clinic::time_is_up() const {
  return Clock::now() >= until_;
}

void Clinic::run() {
  const auto repeat = [this](std::uint64_t number, void (Clinic::*what)(std::mt19937_64&)) {
    return std::jthread([this, number, what] {
      std::mt19937_64 random(options_.seed * 100 + number);
      while (!time_is_up())
        try {
          (this->*what)(random);
        } catch (const std::exception& error) {
          findings_.fault(error.what());
          return;
        }
    });
  };
  const std::vector<std::jthread> all = [&] {
    std::vector<std::jthread> out;
    for (const std::uint64_t number : {1, 2})
      out.push_back(repeat(number, &Clinic::fall_ill));
    for (const std::uint64_t number : {11, 12})
      out.push_back(repeat(number, &Clinic::operate));
    out.push_back(repeat(21, &Clinic::write_rows));
    return out;
  }();
}

/// A server gets ill, for as long as its pipes have to say so, and well again.
void Clinic::fall_ill(std::mt19937_64& random) {
  auto& server = *servers_[random() % servers_.size()];
  const auto sickness = static_cast<Sickness>(1 + random() % 4);
  std::this_thread::sleep_for(std::chrono::milliseconds(random() % 3000));
  {
    const std::unique_lock alone(server.mutex);
    if (server.proxy->sickness() != Sickness::None || time_is_up()) return;
    server.proxy->set(sickness);
  }
  fmt::print("{} s: a {} {}\n",
             std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - begun_).count(),
             &server - servers_.front().get() == 0 || &server == servers_[1].get() ? "source" : "destination",
             to_text(sickness));
  std::fflush(stdout);
  expect_told(server, sickness);
  server.proxy->set(Sickness::None);
  std::this_thread::sleep_for(std::chrono::milliseconds(5000 + random() % 10000));
}

void Clinic::expect_told(const Server& server, Sickness sickness) {
  const auto since = Clock::now();
  for (const auto& pipe : pipes_) {
    if (pipe->source != &server && pipe->destination != &server) continue;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(since + kTold - Clock::now());
    const auto told = api_->wait(
        pipe->name, [](const auto& one) { return !is_ready(one); }, std::max(left, 100ms));
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - since);
    // New connections pass: a pipe whose stream has begun again by itself has nothing to tell.
    if (sickness == Sickness::Stalls) continue;
    if (told)
      findings_.took("told that a server " + to_text(sickness), took);
    else
      findings_.fault(fmt::format("{} says nothing of its server, which {}: {}", pipe->name,
                                  to_text(sickness), ready_of(api_->get(pipe->name))));
  }
}

/// Something is done to a pipe whose servers are well, and stay well meanwhile.
void Clinic::operate(std::mt19937_64& random) {
  std::this_thread::sleep_for(std::chrono::milliseconds(random() % 500));
  auto& pipe = *pipes_[random() % pipes_.size()];
  const std::unique_lock alone(pipe.mutex, std::try_to_lock);
  const std::shared_lock source(pipe.source->mutex, std::try_to_lock);
  const std::shared_lock destination(pipe.destination->mutex, std::try_to_lock);
  if (!alone || !source || !destination) return;
  if (pipe.source->proxy->sickness() != Sickness::None) return;
  if (pipe.destination->proxy->sickness() != Sickness::None) return;
  if (const auto now = api_->get(pipe.name); !is_ready(now) || state_of(now) != "Running") return;
  if (random() % 4 == 0)
    remove_and_create(pipe);
  else
    pause_and_resume(pipe);
}

void Clinic::pause_and_resume(OnePipe& pipe) {
  for (const bool paused : {true, false}) {
    const std::string state = paused ? "Paused" : "Running";
    api_->patch_spec(pipe.name, {{"paused", paused}});
    const auto took = api_->wait(
        pipe.name, [&](const auto& one) { return state_of(one) == state; }, 30s);
    const auto what = paused ? "pause" : "resume";
    if (took) findings_.took(what, *took);
    if (!took || *took > kPromptly)
      findings_.fault(fmt::format("{}: a {} took {}: {}", pipe.name, what,
                                  took ? fmt::format("{} ms", took->count()) : "more than 30 s",
                                  ready_of(api_->get(pipe.name))));
  }
}

void Clinic::remove_and_create(OnePipe& pipe) {
  api_->remove(pipe.name);
  const auto took = api_->wait(
      pipe.name, [](const auto& one) { return one.is_null(); }, 30s);
  if (took) findings_.took("deletion", *took);
  if (!took || *took > kPromptly)
    findings_.fault(fmt::format("{}: a deletion took {}", pipe.name,
                                took ? fmt::format("{} ms", took->count()) : "more than 30 s"));
  api_->create(manifest(pipe));
  const auto again = api_->wait(pipe.name, is_ready, 60s);
  if (again) findings_.took("creation until it streams", *again);
  if (!again) findings_.fault(pipe.name + " does not come up: " + ready_of(api_->get(pipe.name)));
}

void Clinic::write_rows(std::mt19937_64& random) {
  const auto& pipe = *pipes_[random() % pipes_.size()];
  postgres_.exec(fmt::format("UPDATE orders SET v = '{}' WHERE id % 10 = {}; INSERT INTO orders SELECT "
                             "coalesce(max(id), 0) + 1, 'more' FROM orders",
                             random(), random() % 10),
                 pipe.name);
  std::this_thread::sleep_for(50ms);
}

void Clinic::close() {
  for (const auto& server : servers_)
    server->proxy->set(Sickness::None);
  for (const auto& pipe : pipes_) {
    if (!api_->wait(pipe->name, is_ready, kCured))
      findings_.fault(pipe->name + " does not get well: " + api_->get(pipe->name).dump());
    std::string difference;
    const auto until = Clock::now() + 60s;
    do
      difference = test::row_diff(postgres_, pipe->name, "orders", engine_, pipe->name, "orders");
    while (!difference.empty() && Clock::now() < until);
    if (!difference.empty()) findings_.fault(pipe->name + " differs: " + difference);
  }
  if (!dev_.running()) findings_.fault("the process has ended: " + dev_.log());
}

}  // namespace penstock::chaos
