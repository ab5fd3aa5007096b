// Manifests that are refused at apply: kubectl says which field, what is wrong and what would be right, and
// nothing is stored. A kubectl that checks by the schema itself may say it first, in words of its own; what
// the server would have said is asked for without one.

#include <fmt/format.h>

#include <ostream>
#include <regex>

#include "tests/e2e/errors/fault_scene.hpp"

namespace penstock {
namespace {

struct Refusal {
  const char* name;
  const char* replaced;           ///< this part of a good manifest
  const char* by;                 ///< is written like this
  std::vector<std::string> says;  ///< the field's path first

  friend std::ostream& operator<<(std::ostream& out, const Refusal& refusal) { return out << refusal.name; }
};

constexpr const char* kGood =
    R"(apiVersion: penstock.dev/v1alpha1
kind: Pipe
metadata: {name: refused}
spec:
  source:
    postgres: {host: db.internal, port: 5432, database: shop, passwordSecretRef: {name: shop}}
  destination:
    clickhouse: {url: 'http://ch.internal:8123', database: analytics}
  tables:
    - {source: public.orders, target: orders}
    - {source: public.customers, target: customers}
  paused: true
  sync: {interval: 200ms}
  snapshot: {workersPerTable: 4}
)";

constexpr const char* kStrictCreate =
    "/apis/penstock.dev/v1alpha1/namespaces/default/pipes?fieldValidation=Strict";

const std::vector<Refusal> kRefusals = {
    {"SameTableTwice",
     "source: public.customers",
     "source: public.orders",
     {"spec.tables[1]", "Duplicate value", "public.orders"}},
    {"SameTableTwiceInOtherWords",
     "source: public.customers",
     R"(source: '"public"."orders"')",
     {"spec.tables[1].source", "public.orders"}},
    {"SameTargetTwice",
     "target: customers",
     "target: orders",
     {"spec.tables[1].target", "orders", "public.orders"}},
    {"SameTargetTwiceByDefault",
     "source: public.customers, target: customers",
     "source: archive.orders",
     {"spec.tables[1]", "orders", "target"}},
    {"UnknownField", "paused: true", "pausd: true", {"spec.pausd", "unknown field"}},
    {"UnknownFieldDeepDown",
     "host: db.internal",
     "host: db.internal, hots: x",
     {"spec.source.postgres.hots", "unknown field"}},
    {"WrongType", "port: 5432", "port: many", {"spec.source.postgres.port", "integer"}},
    {"WrongTypeOfTables", "paused: true", "paused: 'yes'", {"spec.paused", "boolean"}},
    {"MissingHost", "host: db.internal, ", "", {"spec.source.postgres.host", "Required value"}},
    {"MissingUrl",
     "url: 'http://ch.internal:8123', ",
     "",
     {"spec.destination.clickhouse.url", "Required value"}},
    {"MissingSource", "source: public.customers, ", "", {"spec.tables[1].source", "Required value"}},
    {"PortOutOfRange", "port: 5432", "port: 70000", {"spec.source.postgres.port", "65535"}},
    {"WorkersOutOfRange", "workersPerTable: 4", "workersPerTable: 0", {"spec.snapshot.workersPerTable", "1"}},
    {"IntervalOutOfRange", "interval: 200ms", "interval: 2h", {"spec.sync.interval", "from 10ms to 1h"}},
    {"IntervalWithoutUnit",
     "interval: 200ms",
     "interval: '200'",
     {"spec.sync.interval", "must be a whole number with ms, s, m or h, such as 200ms"}},
    {"HostWithABlank",
     "host: db.internal",
     "host: db internal",
     {"spec.source.postgres.host", "must be a host name, an IP address"}},
    {"UnknownMode", "paused: true", "mode: Snapshot", {"spec.mode", "CDC", "SnapshotOnly", "CDCOnly"}},
    {"TableWithoutSchema",
     "source: public.customers",
     "source: customers",
     {"spec.tables[1].source", "schema.table"}},
    {"PasswordInUrl",
     "http://ch.internal:8123",
     "http://me:Guessed-Wrong-0815@ch.internal:8123",
     {"spec.destination.clickhouse.url", "passwordSecretRef"}},
    {"SlotForALoad",
     "port: 5432",
     "port: 5432, replicationSlot: mine",
     {"spec.source.postgres.replicationSlot", "is for mode CDCOnly alone"}},
};

class RefusedManifest : public testing::TestWithParam<Refusal> {};

/// kubectl before 1.25 splits the path: ValidationError(Pipe.spec.source): missing required field "postgres".
bool refused_by_kubectl(const std::string& err, const std::string& path) {
  const auto leaf = path.rfind('.');
  const auto words = fmt::format(R"(ValidationError\(Pipe\.{}\): [a-z ]+ "{}" in )",
                                 std::regex_replace(path.substr(0, leaf), std::regex(R"([.\[\]])"), R"(\$&)"),
                                 path.substr(leaf + 1));
  return std::regex_search(err, std::regex(words));
}

void expect_said(const std::string& err, const std::vector<std::string>& says) {
  for (const auto& part : says)
    EXPECT_NE(err.find(part), std::string::npos) << "lacks: " << part << "\n" << err;
  EXPECT_EQ(err.find(kWrongPassword), std::string::npos) << err;
}

TEST_P(RefusedManifest, NamesTheFieldAndTheCure) {
  auto& dev = shared_dev();
  std::string manifest = kGood;
  const auto at = manifest.find(GetParam().replaced);
  ASSERT_NE(at, std::string::npos);
  manifest.replace(at, std::string(GetParam().replaced).size(), GetParam().by);
  const auto done = dev.kubectl({"apply", "-f", "-"}, manifest);
  EXPECT_NE(done.status.code, 0);
  if (!refused_by_kubectl(done.err, GetParam().says.front())) {
    expect_said(done.err, GetParam().says);
  }
  const auto json =
      dev.must_kubectl({"create", "--dry-run=client", "--validate=false", "-o", "json", "-f", "-"}, manifest);
  const auto asked = dev.kubectl({"create", "--raw", kStrictCreate, "-f", "-"}, json);
  EXPECT_NE(asked.status.code, 0);
  expect_said(asked.err, GetParam().says);
  EXPECT_EQ(dev.log().find(kWrongPassword), std::string::npos);
  EXPECT_NE(dev.kubectl({"get", "pipe", "refused"}).err.find("NotFound"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(All, RefusedManifest, testing::ValuesIn(kRefusals),
                         [](const auto& one) { return one.param.name; });

TEST(GoodManifest, IsAccepted) {
  auto& dev = shared_dev();
  dev.apply(kGood);
  dev.must_kubectl({"delete", "pipe", "refused", "--timeout=20s"});
}

}  // namespace
}  // namespace penstock
