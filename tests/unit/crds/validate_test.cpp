#include "tests/unit/crds/validated.hpp"

namespace penstock::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::vector<FieldError> faults_of(const Edit& edit) {
  return validate_pipe(pipe_with([&](Json& pipe) { edit(pipe["spec"]); }), nullptr);
}

TEST(ValidatePipe, AHealthyPipePasses) {
  EXPECT_THAT(faults_of([](Json&) {}), IsEmpty());
}

TEST(ValidatePipe, OneTableTwiceIsRefusedWithBothSpellings) {
  EXPECT_THAT(
      faults_of(tables(R"([{"source": "public.orders"}, {"source": "Public.Orders", "target": "x"}])")),
      ElementsAre(
          fault("spec.tables[1].source",
                "Public.Orders is the same table as public.orders of spec.tables[0]; remove one of them")));
  EXPECT_THAT(
      faults_of(tables(R"([{"source": "public.orders"}, {"source": "public.\"orders\"", "target": "x"}])")),
      ElementsAre(fault("spec.tables[1].source", "is the same table as public.orders")));
  EXPECT_THAT(faults_of(tables(R"([{"source": "public.orders"}, {"source": "public.\"Orders\""}])")),
              IsEmpty())
      << "quoted, the case is the table's own";
}

TEST(ValidatePipe, NamesWithANulCharacterAreRefused) {
  const std::string nul("a\0b", 3);
  EXPECT_THAT(faults_of([&](Json& spec) { spec["source"]["postgres"]["user"] = nul; }),
              testing::Contains(fault("spec.source.postgres.user", "NUL")));
  EXPECT_THAT(faults_of([&](Json& spec) { spec["destination"]["clickhouse"]["database"] = nul; }),
              testing::Contains(fault("spec.destination.clickhouse.database", "NUL")));
  EXPECT_THAT(faults_of([&](Json& spec) { spec["tables"][0]["orderBy"] = {nul}; }),
              testing::Contains(fault("spec.tables[0].orderBy", "NUL")));
  EXPECT_THAT(faults_of([&](Json& spec) { spec["tables"][0]["source"] = "public.\"" + nul + "\""; }),
              testing::Contains(fault("spec.tables[0].source", "")));
}

TEST(ValidatePipe, OneTargetForTwoTablesIsRefusedWithBothNames) {
  EXPECT_THAT(faults_of(tables(R"([{"source": "a.orders"}, {"source": "b.orders"}])")),
              ElementsAre(fault(
                  "spec.tables[1].target",
                  "b.orders and a.orders (spec.tables[0]) would both go into \"orders\"; give one of them "
                  "another target")));
  EXPECT_THAT(faults_of(tables(R"([{"source": "a.x", "target": "orders"}, {"source": "b.orders"}])")),
              ElementsAre(fault("spec.tables[1].target", "would both go into \"orders\"")));
  EXPECT_THAT(faults_of(tables(R"([{"source": "a.orders"}, {"source": "b.orders", "target": "Orders"}])")),
              IsEmpty());
}

TEST(ValidatePipe, ASourceMustBeSchemaAndTable) {
  for (const char* source : {"orders", "a.b.c", ".orders", "public.", "\"a.b", "public.or ders", "1a.b"}) {
    const auto faults = faults_of([&](Json& spec) { spec["tables"][0]["source"] = source; });
    EXPECT_THAT(faults,
                ElementsAre(fault("spec.tables[0].source", "is not a table name of the form schema.table")));
  }
}

TEST(ValidatePipe, ATargetMustNameATable) {
  const auto target = [](const std::string& name) {
    return faults_of([&](Json& spec) { spec["tables"][0]["target"] = name; });
  };
  EXPECT_THAT(target("a/b"), ElementsAre(fault("spec.tables[0].target", "must not contain a slash")));
  EXPECT_THAT(target("orders_resync"),
              ElementsAre(fault("spec.tables[0].target", "must not end with _resync")));
  EXPECT_THAT(target(std::string(201, 'x')),
              ElementsAre(fault("spec.tables[0].target", "longer than 200 bytes")));
  EXPECT_THAT(target("a\nb"), ElementsAre(fault("spec.tables[0].target", "control characters")));
  EXPECT_THAT(target(std::string(200, 'x')), IsEmpty());
  EXPECT_THAT(target("Order Lines"), IsEmpty());
  EXPECT_THAT(faults_of(tables(R"([{"source": "public.\"a/b\""}])")),
              ElementsAre(fault(
                  "spec.tables[0].target",
                  "is the source table's name, \"a/b\", by default, and must not contain a slash; set it")));
}

TEST(ValidatePipe, AColumnIsNamedOnceAndNotBothExcludedAndUsed) {
  const auto table = [](const char* fields) {
    return faults_of([&](Json& spec) { spec["tables"][0].update(Json::parse(fields)); });
  };
  EXPECT_THAT(table(R"({"columns": [{"name": "a"}, {"name": "b"}, {"name": "a", "type": "Int8"}]})"),
              ElementsAre(fault("spec.tables[0].columns", "has column \"a\" twice")));
  EXPECT_THAT(table(R"({"excludedColumns": ["a", "a"]})"),
              ElementsAre(fault("spec.tables[0].excludedColumns", "names column \"a\" twice")));
  EXPECT_THAT(table(R"({"orderBy": ["a", "b", "a"]})"),
              ElementsAre(fault("spec.tables[0].orderBy", "names column \"a\" twice")));
  EXPECT_THAT(
      table(R"({"excludedColumns": ["a"], "columns": [{"name": "b"}, {"name": "a"}]})"),
      ElementsAre(fault("spec.tables[0].columns[1].name", "column \"a\" is also in excludedColumns")));
  EXPECT_THAT(table(R"({"excludedColumns": ["a"], "orderBy": ["b", "a"]})"),
              ElementsAre(fault("spec.tables[0].orderBy[1]", "column \"a\" is also in excludedColumns")));
  EXPECT_THAT(table(R"({"orderBy": [""]})"), ElementsAre(fault("spec.tables[0].orderBy[0]", "not empty")));
  EXPECT_THAT(table(R"({"engine": "Null", "orderBy": ["a"], "excludedColumns": ["b"]})"), IsEmpty());
  EXPECT_THAT(table(R"({"engine": "MergeTree", "orderBy": ["a"]})"), IsEmpty());
}

TEST(ValidatePipe, AUrlIsSchemeHostAndPortAlone) {
  const auto url = [](const std::string& text) {
    return faults_of([&](Json& spec) { spec["destination"]["clickhouse"]["url"] = text; });
  };
  const char* good[] = {"http://ch:8123",    "https://ch.internal:8443", "http://127.0.0.1:1", "http://ch",
                        "http://[::1]:8123", "https://[fd00::1]",        "https://a_b-c.d"};
  for (const char* text : good)
    EXPECT_THAT(url(text), IsEmpty()) << text;

  const std::string path = "spec.destination.clickhouse.url";
  for (const char* text :
       {"ch:8123", "clickhouse://ch:9000", "tcp://ch", "HTTP://ch", "http://", "http://:8123", "http://a b",
        "http://[::1", "http://[]:1", "http://ch,ch2", "http://ch\n"})
    EXPECT_THAT(url(text), ElementsAre(fault(path, "must be http://host:port or https://host:port"))) << text;
  for (const char* text : {"http://ch:8123/", "http://ch/db", "http://ch?user=x", "https://ch:8443#x"})
    EXPECT_THAT(url(text), ElementsAre(fault(path, "must not have a path, query or fragment"))) << text;
  for (const char* text :
       {"http://ch:", "http://ch:0", "http://ch:65536", "http://ch:1x", "http://ch:8123:1", "http://[::1]:"})
    EXPECT_THAT(url(text), ElementsAre(fault(path, "must have a port from 1 to 65535"))) << text;
}

TEST(ValidatePipe, APasswordInTheUrlIsRefusedAndNeverRepeated) {
  for (const char* text :
       {"http://me:s3cret@ch:8123", "https://me:s3cret@", "me:s3cret@ch", "http://ch/?password=s3cret",
        "http://ch:s3cret", "s3cret", "http://ch#s3cret", "http://me:s3/cret@ch"}) {
    const auto faults = faults_of([&](Json& spec) { spec["destination"]["clickhouse"]["url"] = text; });
    ASSERT_EQ(faults.size(), 1u) << text;
    EXPECT_THAT(faults[0].message, Not(testing::AnyOf(HasSubstr("s3"), HasSubstr("cret@")))) << text;
  }
}

TEST(ValidatePipe, SlotAndPublicationFitTheMode) {
  const auto with = [](const char* mode, const char* field) {
    return faults_of([&](Json& spec) {
      spec["mode"] = mode;
      spec["source"]["postgres"][field] = "mine";
    });
  };
  const std::string path = "spec.source.postgres.";
  EXPECT_THAT(with("CDC", "replicationSlot"),
              ElementsAre(fault(path + "replicationSlot", "is for mode CDCOnly alone")));
  EXPECT_THAT(with("SnapshotOnly", "replicationSlot"),
              ElementsAre(fault(path + "replicationSlot", "CDCOnly")));
  EXPECT_THAT(with("CDCOnly", "replicationSlot"),
              ElementsAre(fault(path + "replicationSlot",
                                "a slot brings nothing from before its publication was made; name one")));
  EXPECT_THAT(with("CDCOnly", "publication"), IsEmpty());
  EXPECT_THAT(faults_of([](Json& spec) {
                spec["mode"] = "CDCOnly";
                spec["source"]["postgres"]["replicationSlot"] = "mine";
                spec["source"]["postgres"]["publication"] = "mine";
              }),
              IsEmpty());
  EXPECT_THAT(with("SnapshotOnly", "publication"),
              ElementsAre(fault(path + "publication", "is not used in mode SnapshotOnly; remove it")));
  EXPECT_THAT(with("CDC", "publication"), IsEmpty());
}

TEST(ValidatePipe, AFailoverSlotIsOneThatPenstockMakes) {
  const auto with = [](const char* mode, const char* slot) {
    return faults_of([&](Json& spec) {
      spec["mode"] = mode;
      spec["source"]["postgres"]["failoverSlot"] = true;
      spec["source"]["postgres"]["replicationSlot"] = slot;
      if (*slot) spec["source"]["postgres"]["publication"] = "mine";
    });
  };
  const std::string path = "spec.source.postgres.failoverSlot";
  EXPECT_THAT(with("CDC", ""), IsEmpty());
  EXPECT_THAT(with("CDCOnly", ""), IsEmpty());
  EXPECT_THAT(with("CDCOnly", "mine"), ElementsAre(fault(path, "make your own with failover => true")));
  EXPECT_THAT(with("SnapshotOnly", ""), ElementsAre(fault(path, "is not used in mode SnapshotOnly")));
}

TEST(ValidatePipe, CertificatesFitTheTlsMode) {
  const auto tls = [](const char* json) {
    return faults_of([&](Json& spec) { spec["source"]["postgres"]["tls"] = Json::parse(json); });
  };
  const std::string path = "spec.source.postgres.tls";
  EXPECT_THAT(tls(R"({"clientCertificateSecretRef": {"name": "s"}})"),
              ElementsAre(fault(path, "give both or neither")));
  EXPECT_THAT(tls(R"({"clientKeySecretRef": {"name": "s"}})"),
              ElementsAre(fault(path, "give both or neither")));
  EXPECT_THAT(tls(R"({"clientKeySecretRef": {"name": "s"}, "clientCertificateSecretRef": {"name": "s"}})"),
              IsEmpty());
  EXPECT_THAT(tls(R"({"mode": "Disable", "caSecretRef": {"name": "s"}})"),
              ElementsAre(fault(path, "with mode Disable no certificate is used")));
  EXPECT_THAT(tls(R"({"mode": "Require", "caSecretRef": {"name": "s"}})"), IsEmpty());
  EXPECT_THAT(faults_of([](Json& spec) {
                spec["destination"]["clickhouse"]["caSecretRef"] = {{"name", "s"}};
              }),
              ElementsAre(fault("spec.destination.clickhouse.caSecretRef", "https:// url alone")));
}

TEST(ValidatePipe, TheIntervalHasBounds) {
  const auto interval = [](const char* text) {
    return faults_of([&](Json& spec) { spec["sync"]["interval"] = text; });
  };
  for (const char* text : {"10ms", "1h", "3600s", "60m"})
    EXPECT_THAT(interval(text), IsEmpty()) << text;
  EXPECT_THAT(interval("9ms"), ElementsAre(fault("spec.sync.interval", "must be from 10ms to 1h, not 9ms")));
  EXPECT_THAT(interval("61m"), ElementsAre(fault("spec.sync.interval", "must be from 10ms to 1h, not 61m")));
  EXPECT_THAT(interval("4294967295h"), ElementsAre(fault("spec.sync.interval", "must be from 10ms to 1h")));
  for (const char* text : {"200", "1.5s", "200 ms", "-1s", "1d"})
    EXPECT_THAT(
        interval(text),
        ElementsAre(fault("spec.sync.interval", "must be a whole number with ms, s, m or h, such as 200ms")))
        << text;
}

TEST(ValidatePipe, NamesOfTheSourceAreHeldToTheirLettersInWords) {
  for (const char* host : {"db.internal", "fe80::1%eth0", "/var/run/postgresql", "10.0.0.1", "a_b-c"})
    EXPECT_THAT(faults_of([&](Json& spec) { spec["source"]["postgres"]["host"] = host; }), IsEmpty()) << host;
  for (const char* host : {"db internal", "a,b", "db?x=1", "b\xc3\xbc", "a\nb"})
    EXPECT_THAT(faults_of([&](Json& spec) { spec["source"]["postgres"]["host"] = host; }),
                ElementsAre(fault("spec.source.postgres.host", "must be a host name, an IP address")))
        << host;
  const auto slot = [](const char* name) {
    return faults_of([&](Json& spec) {
      spec["mode"] = "CDCOnly";
      spec["source"]["postgres"]["publication"] = "theirs";
      spec["source"]["postgres"]["replicationSlot"] = name;
    });
  };
  EXPECT_THAT(slot("my_slot_1"), IsEmpty());
  for (const char* name : {"Mine", "my-slot", "m y"})
    EXPECT_THAT(slot(name), ElementsAre(fault("spec.source.postgres.replicationSlot",
                                              "must consist of lower case letters, digits and '_'")))
        << name;
}

TEST(ValidatePipe, SecretsAreNamedAsKubernetesNamesThem) {
  const auto secret = [](const char* name, const char* key) {
    return faults_of([&](Json& spec) {
      spec["source"]["postgres"]["passwordSecretRef"] = {{"name", name}, {"key", key}};
    });
  };
  for (const char* name : {"shop", "shop-postgres", "a.b-c.d", "a--b", "0"})
    EXPECT_THAT(secret(name, "tls.key_1-A"), IsEmpty()) << name;
  for (const char* name : {"Shop", "-a", "a-", "a..b", "a.-b", "a-.b", "a b", "../a", "a/b", ".a", "a."})
    EXPECT_THAT(secret(name, "x"), ElementsAre(fault("spec.source.postgres.passwordSecretRef.name",
                                                     "must consist of lower case")))
        << name;
  for (const char* key : {"a b", "a/b", "", "\xc3\xa9"})
    EXPECT_THAT(secret("a", key),
                ElementsAre(fault("spec.source.postgres.passwordSecretRef.key", "must consist of letters")))
        << key;
}

TEST(ValidatePipe, AllFaultsAreTold) {
  EXPECT_EQ(faults_of([](Json& spec) {
              spec["destination"]["clickhouse"]["url"] = "ch";
              spec["source"]["postgres"]["replicationSlot"] = "mine";
              spec["tables"] = Json::parse(R"([{"source": "orders"}, {"source": "a.b", "target": "x/y"}])");
            }).size(),
            4u);
}

TEST(ValidatePipe, AnUnreadableObjectIsAFaultAndNoCrash) {
  EXPECT_THAT(validate_pipe(Json::object(), nullptr), ElementsAre(fault("spec", "must be an object")));
  EXPECT_THAT(validate_pipe(Json::parse(R"({"spec": {"tables": 1}})"), nullptr), testing::SizeIs(1));
}

}  // namespace
}  // namespace penstock::test
