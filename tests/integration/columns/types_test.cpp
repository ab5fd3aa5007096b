// Real values of PostgreSQL, in both of its forms, through the decoder into a real engine, and back out as
// text.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "dataplane/clickhouse/client.hpp"
#include "dataplane/columns/field_decoder.hpp"
#include "dataplane/postgres/catalog.hpp"
#include "dataplane/postgres/copy_reader.hpp"
#include "tests/integration/columns/specimens.hpp"
#include "tests/support/engine_server.hpp"
#include "tests/support/postgres_server.hpp"
#include "tests/support/server_needs.hpp"

namespace penstock {
namespace {

struct Decoded {
  std::vector<FieldOutcome> outcomes;
  Column column;
  std::string body() const {
    std::vector<std::string_view> pieces;
    column.pieces(pieces);
    std::string all;
    for (const std::string_view piece : pieces)
      all += piece;
    return all;
  }
};

class Types : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    server = std::make_unique<test::PostgresServer>();
    database = server->create_database();
    for (const std::string& statement : test::specimen_setup())
      server->exec(statement, database);
    test::shared_engine();
  }
  static void TearDownTestSuite() { server.reset(); }

  static postgres::Endpoint source() {
    postgres::Endpoint endpoint;
    endpoint.host = server->host();
    endpoint.port = server->port();
    endpoint.database = database;
    endpoint.user = test::PostgresServer::kSuperuser;
    endpoint.password = Secret(test::PostgresServer::kPassword);
    endpoint.tls = postgres::Tls::Disable;
    return endpoint;
  }
  static clickhouse::Client engine() {
    clickhouse::Endpoint endpoint;
    endpoint.url = test::shared_engine().url();
    endpoint.database = "default";
    return clickhouse::Client(endpoint);
  }

  /// A new table of the source with columns id, v and these values.
  static TableName table_of(const std::string& declaration, const std::vector<std::string>& values) {
    TableName name{"public", "t" + std::to_string(++table_count)};
    server->exec(fmt::format("CREATE TABLE {} (id int PRIMARY KEY, v {})", name.quoted(), declaration),
                 database);
    for (std::size_t id = 0; id < values.size(); ++id) {
      server->exec(fmt::format("INSERT INTO {} VALUES ({}, {})", name.quoted(), id, values[id]), database);
    }
    return name;
  }

  static PgType type_of(const TableName& table) {
    const auto tables = postgres::read_tables(source(), {table});
    EXPECT_TRUE(tables) << tables.error().text();
    return tables->front()->columns.at(1).type;
  }

  /// Column v decoded from one of its forms, in the order of id.
  static Decoded decode(const TableName& table, const PgType& type, const ColumnType& target, WireForm form) {
    Decoded decoded{{}, Column(target)};
    const FieldDecoder decoder(type, target, false);
    auto session = postgres::connect(source());
    EXPECT_TRUE(session) << session.error().text();
    const std::string sql = postgres::copy_all_sql(table, {{"id", false}, {"v", form == WireForm::Text}});
    auto reader = postgres::CopyReader::start(session->get(), source(), sql, 2);
    EXPECT_TRUE(reader) << reader.error().text();
    for (auto row = reader->next(); row && !row->empty(); row = reader->next()) {
      const postgres::FieldView& field = (*row)[1];
      if (field.null) {
        decoded.column.append_null();
      } else {
        decoded.outcomes.push_back(decoder.append(decoded.column, field.bytes, form));
      }
    }
    return decoded;
  }

  /// Both forms must agree; that of the load is returned.
  static Decoded decode_alike(const TableName& table, const PgType& type, const ColumnType& target) {
    Decoded text = decode(table, type, target, WireForm::Text);
    if (!FieldDecoder::takes_binary(type, target)) return text;
    Decoded binary = decode(table, type, target, WireForm::Binary);
    EXPECT_EQ(binary.outcomes, text.outcomes);
    EXPECT_TRUE(binary.body() == text.body()) << "the forms differ";
    return binary;
  }

  /// The column as the engine prints it after an insert in the Native format.
  static std::vector<std::string> through_engine(const Decoded& decoded, const std::string& expression) {
    auto client = engine();
    const std::string table = "t" + std::to_string(table_count);
    const clickhouse::Settings types{{"allow_suspicious_low_cardinality_types", "1"},
                                     {"enable_time_time64_type", "1"}};
    const auto created =
        client.execute({.sql = fmt::format("CREATE TABLE {} (id Int32, v {}) ENGINE MergeTree ORDER BY id",
                                           table, decoded.column.type().text),
                        .settings = types});
    EXPECT_TRUE(created) << created.error().text();
    std::vector<std::string> scratch{
        fmt::format("\2{}\2id\5Int32", static_cast<char>(decoded.column.rows()))};
    for (std::int32_t id = 0; id < static_cast<std::int32_t>(decoded.column.rows()); ++id) {
      scratch[0].append(reinterpret_cast<const char*>(&id), sizeof id);
    }
    const std::string wire = decoded.column.type().wire_text();
    scratch[0] += fmt::format("\1v{}{}", static_cast<char>(wire.size()), wire);
    std::vector<std::string_view> pieces{scratch[0]};
    decoded.column.pieces(pieces);
    const auto inserted =
        client.insert({.sql = fmt::format("INSERT INTO {} (id, v) FORMAT Native", table)}, pieces);
    EXPECT_TRUE(inserted) << inserted.error().text();
    const auto rows = client.select(
        {.sql = fmt::format("SELECT ifNull({}, '<null>') FROM {} ORDER BY id", expression, table)});
    EXPECT_TRUE(rows) << rows.error().text();
    std::vector<std::string> values;
    if (rows) {
      for (const auto& row : *rows)
        values.push_back(row.at(0));
    }
    return values;
  }

  /// `null` stands for NULL: concat() and the like would print it as ''.
  static std::vector<std::string> printed_by_postgres(const TableName& table, const std::string& expression,
                                                      const std::string& null) {
    const std::string sql =
        fmt::format("SELECT CASE WHEN v IS DISTINCT FROM NULL THEN {} ELSE '{}' END FROM {} ORDER BY id",
                    expression, null, table.quoted());
    std::vector<std::string> values;
    for (const auto& row : server->query("SET TimeZone = 'UTC'; " + sql, database))
      values.push_back(row.at(0));
    return values;
  }

  /// Of the specimens that came with this version of PostgreSQL; 0: of those that every one has.
  static void expect_arrival(int since);

  static inline std::unique_ptr<test::PostgresServer> server;
  static inline std::string database;
  static inline int table_count = 0;
};

void Types::expect_arrival(int since) {
  if (const auto lack = test::lacking(*server, since); !lack.empty()) GTEST_SKIP() << lack;
  for (const test::Specimen& specimen : test::specimens()) {
    if (specimen.since != since) continue;
    SCOPED_TRACE(specimen.name);
    std::vector<std::string> values = specimen.values;
    values.emplace_back("NULL");
    const TableName table = table_of(specimen.declaration, values);
    const PgType type = type_of(table);
    const ColumnType target =
        ColumnType::parse(specimen.target.empty() ? default_column_type(type, true, {}) : specimen.target);
    EXPECT_TRUE(FieldDecoder::converts(type, target));
    const Decoded decoded = decode_alike(table, type, target);
    EXPECT_EQ(decoded.outcomes, std::vector(specimen.values.size(), FieldOutcome::Exact));
    const std::string null = target.kind == ColumnType::Kind::Array ? "" : "<null>";  // a NULL array is []
    EXPECT_EQ(through_engine(decoded, specimen.in_clickhouse),
              printed_by_postgres(table, specimen.in_postgres, null));
  }
}

TEST_F(Types, ArriveAsPostgresHasThem) {
  expect_arrival(0);
}

TEST_F(Types, OfPostgres14ArriveAsItHasThem) {
  expect_arrival(test::kPg14);
}

TEST_F(Types, OfPostgres15ArriveAsItHasThem) {
  expect_arrival(test::kPg15);
}

struct Misfit {
  std::string declaration;
  std::string target;
  std::vector<std::string> values;
  FieldOutcome outcome;
  std::string shown = {};  ///< by the engine, for all values alike
};

TEST_F(Types, ThatCannotHoldAValueSaySoInBothForms) {
  const std::string far(50, '9');
  std::vector<std::string> numbers{"'NaN'", far, "1e-39"};
  if (test::lacking(*server, test::kPg14).empty())
    numbers.insert(numbers.end(), {"'Infinity'", "'-Infinity'"});
  for (const Misfit& misfit : std::vector<Misfit>{
           {"numeric", "Decimal(76, 38)", numbers, FieldOutcome::Unrepresentable},
           {"numeric(10,3)", "Decimal(9, 2)", {"0.001", "9999999.991"}, FieldOutcome::Unrepresentable},
           {"int8", "Int32", {"2147483648", "-2147483649"}, FieldOutcome::Unrepresentable},
           {"float8", "Int32", {"1.5", "'NaN'", "1e300"}, FieldOutcome::Unrepresentable},
           {"int4[]",
            "Array(Nullable(Int32))",
            {"'{{1,2},{3,4}}'", "'[0:0][2:2]={{1}}'"},
            FieldOutcome::Unrepresentable},
           {"date",
            "Date32",
            {"'-infinity'", "'4713-01-01 BC'", "'1899-12-31'"},
            FieldOutcome::Clamped,
            "1900-01-01"},
           {"date",
            "Date32",
            {"'infinity'", "'5874897-12-31'", "'2300-01-01'"},
            FieldOutcome::Clamped,
            "2299-12-31"},
           {"timestamptz",
            "DateTime64(6, 'UTC')",
            {"'-infinity'", "'4713-01-01 00:00 BC'", "'1899-12-31 23:59:59.999999'"},
            FieldOutcome::Clamped,
            "1900-01-01 00:00:00.000000"},
           {"timestamp",
            "DateTime64(6, 'UTC')",
            {"'infinity'", "'294276-12-31 23:59:59.999999'", "'2300-01-01'"},
            FieldOutcome::Clamped,
            "2299-12-31 23:59:59.999999"},
           {"timestamp",
            "DateTime('UTC')",
            {"'infinity'", "'2106-02-07 06:28:16'"},
            FieldOutcome::Clamped,
            "2106-02-07 06:28:15"},
           {"date", "Date", {"'infinity'", "'2149-06-07'"}, FieldOutcome::Clamped, "2149-06-06"}}) {
    SCOPED_TRACE(misfit.declaration + " as " + misfit.target);
    const TableName table = table_of(misfit.declaration, misfit.values);
    const Decoded decoded = decode_alike(table, type_of(table), ColumnType::parse(misfit.target));
    EXPECT_EQ(decoded.outcomes, std::vector(misfit.values.size(), misfit.outcome));
    if (misfit.shown.empty()) continue;
    EXPECT_EQ(through_engine(decoded, "toString(v)"), std::vector(misfit.values.size(), misfit.shown));
  }
}

TEST_F(Types, AgreeInBothFormsOnValuesThatNobodyChose) {
  const std::string spread = "(random() - 0.5) * 10 ^ (random() * 40 - 20)";
  for (const auto& [declaration, expression] : std::vector<std::pair<std::string, std::string>>{
           {"int8", "((random() - 0.5) * 1.8e19)::int8"},
           {"float8", spread},
           {"float4", fmt::format("({})::float4", spread)},
           {"numeric", fmt::format("({})::numeric * (random()::numeric + 1)", spread)},
           {"numeric(30,10)", "((random() - 0.5) * 1e19)::numeric"},
           {"timestamp", "timestamp '1850-01-01' + random() * interval '500 years'"},
           {"timestamptz", "timestamptz '1850-01-01' + random() * interval '500 years'"},
           {"date", "date '1850-01-01' + (random() * 180000)::int"},
           {"time", "(random() * interval '24 hours')::time"},
           {"uuid", "gen_random_uuid()"},
           {"bytea", "sha256(random()::text::bytea)"},
           {"float8[]", fmt::format("ARRAY[{0}, NULL, {0}]", spread)},
           {"text[]",
            "ARRAY[chr((random() * 126)::int + 1) || chr((random() * 126)::int + 1), random()::text]"}}) {
    SCOPED_TRACE(declaration);
    const TableName table = table_of(declaration, {});
    server->exec(
        fmt::format("SELECT setseed(0.5); INSERT INTO {} SELECT n, {} FROM generate_series(1, 3000) n",
                    table.quoted(), expression),
        database);
    const PgType type = type_of(table);
    const ColumnType target = ColumnType::parse(default_column_type(type, false, {}));
    ASSERT_TRUE(FieldDecoder::takes_binary(type, target));
    const Decoded decoded = decode_alike(table, type, target);
    ASSERT_EQ(decoded.outcomes.size(), 3000u);
    EXPECT_EQ(std::count(decoded.outcomes.begin(), decoded.outcomes.end(), FieldOutcome::Malformed), 0);
  }
}

}  // namespace
}  // namespace penstock
