// Large inserts and results, many clients, slow clients: on the real engine, with its memory watched.

#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "tests/support/engine_server.hpp"
#include "tests/support/raw_http.hpp"

namespace penstock::test {
namespace {

using testing::HasSubstr;

std::string chunk(const std::string& data) {
  char size[20];
  std::snprintf(size, sizeof size, "%zx\r\n", data.size());
  return size + data + "\r\n";
}

std::string post_head(const std::string& target) {
  return "POST " + target + " HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
}

TEST(Streaming, ResultsOfHalfAGigabyteAreNotHeldInMemory) {
  EngineServer engine;
  engine.query("SELECT count() FROM numbers(1000000)");
  const std::size_t before = peak_resident_bytes(engine.pid());
  RawConnection connection(engine.port());
  ASSERT_TRUE(connection.send(
      "GET /?query=" + url_encode("SELECT number, number FROM numbers(32000000) FORMAT RowBinary") +
      " HTTP/1.0\r\n\r\n"));
  std::size_t total = 0;
  for (std::string piece = connection.receive(1U << 20U); !piece.empty();
       piece = connection.receive(1U << 20U)) {
    total += piece.size();
  }
  EXPECT_GT(total, 512'000'000U);
  EXPECT_LT(peak_resident_bytes(engine.pid()) - before, 150'000'000U);
}

TEST(Streaming, AResultNobodyReadsHoldsItsStatementBack) {
  EngineServer& engine = shared_engine();
  RawConnection connection(engine.port());
  ASSERT_TRUE(connection.send(
      "GET /?query_id=slow&query=" + url_encode("SELECT number FROM system.numbers FORMAT RowBinary") +
      " HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  ASSERT_FALSE(connection.receive(1000).empty());
  const std::string progress =
      "SELECT sum(read_rows) FROM system.processes WHERE Settings['log_comment'] = 'slow'";
  std::string last;
  // It comes to rest once all buffers on the way are full.
  ASSERT_TRUE(eventually(
      [&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(300));
        return std::exchange(last, engine.value(progress)) == last && last != "0";
      },
      std::chrono::seconds(20)));
  connection.close();
  EXPECT_TRUE(eventually([&] { return engine.value(progress) == "0"; }));
}

TEST(Streaming, AStatementEndsWhenItsClientGoes) {
  EngineServer& engine = shared_engine();
  const std::string running =
      "SELECT count() FROM system.processes WHERE Settings['log_comment'] = 'endless'";
  RawConnection connection(engine.port());
  ASSERT_TRUE(connection.send("GET /?query_id=endless&cancel_http_readonly_queries_on_client_close=1&query=" +
                              url_encode("SELECT count() FROM system.numbers WHERE sipHash64(number) = 0") +
                              " HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  ASSERT_TRUE(eventually([&] { return engine.value(running) == "1"; }));
  connection.close();
  EXPECT_TRUE(eventually([&] { return engine.value(running) == "0"; }));
}

TEST(Streaming, InsertsOfAGigabyteAreNotHeldInMemory) {
  EngineServer engine;
  engine.query("CREATE TABLE t (id UInt64, v String) ENGINE = MergeTree ORDER BY id");
  engine.query("SYSTEM STOP MERGES t");  // their memory is not the insert's
  // Small parts, so that what the engine itself gathers for one is little.
  const std::string target = "/?min_insert_block_size_rows=20000&min_insert_block_size_bytes=0&query=" +
                             url_encode("INSERT INTO t FORMAT Native");
  const std::string block =
      engine.query("SELECT number AS id, repeat('x', 1000) AS v FROM numbers(5000) FORMAT Native");
  engine.query("INSERT INTO t FORMAT Native\n" + block);
  const std::size_t before = peak_resident_bytes(engine.pid());
  RawConnection connection(engine.port());
  ASSERT_TRUE(connection.send(post_head(target)));
  for (int i = 0; i < 200; ++i)
    ASSERT_TRUE(connection.send(chunk(block)));
  ASSERT_TRUE(connection.send("0\r\n\r\n"));
  EXPECT_EQ(connection.reply().status, 200);
  EXPECT_EQ(engine.value("SELECT count() FROM t"), "1005000");
  EXPECT_LT(peak_resident_bytes(engine.pid()) - before, 400'000'000U);
}

TEST(Streaming, AFailureInMidStreamEndsTheBodyWithTheExceptionBlock) {
  const HttpReply reply = http(shared_engine().port(), "POST", "/?max_block_size=1000",
                               "SELECT throwIf(number = 3000000, 'too far') FROM numbers(10000000)");
  EXPECT_EQ(reply.status, 200);
  EXPECT_FALSE(reply.complete);
  const std::string tag = reply.header("x-clickhouse-exception-tag");
  const std::string open = "\r\n__exception__\r\n" + tag + "\r\n";
  const std::string close = " " + tag + "\r\n__exception__\r\n";
  ASSERT_TRUE(reply.body.ends_with(close));
  const auto begin = reply.body.find(open);
  ASSERT_NE(begin, std::string::npos);
  const std::string block =
      reply.body.substr(begin + open.size(), reply.body.size() - close.size() - begin - open.size());
  const auto length = block.rfind('\n') + 1;
  EXPECT_EQ(block.substr(length), std::to_string(length));
  EXPECT_THAT(block, HasSubstr("Code: 395. DB::Exception: too far"));
}

TEST(Streaming, AFailureIsAnsweredWithItsStatusWhenTheWholeResultIsWaitedFor) {
  const HttpReply reply = http(shared_engine().port(), "POST", "/?wait_end_of_query=1&max_block_size=1000",
                               "SELECT throwIf(number = 3000000) FROM numbers(10000000)");
  EXPECT_EQ(reply.status, 500);
  EXPECT_EQ(reply.header("x-clickhouse-exception-code"), "395");
  EXPECT_TRUE(reply.complete);
}

TEST(Streaming, AWholeResultThatIsTooLargeIsRefused) {
  const HttpReply reply = http(shared_engine().port(), "POST", "/?wait_end_of_query=1",
                               "SELECT number FROM numbers(40000000) FORMAT RowBinary");
  EXPECT_EQ(reply.status, 500);
  EXPECT_EQ(reply.header("x-clickhouse-exception-code"), "241");
}

TEST(Streaming, CompressesWhenAskedTo) {
  const std::string sql = "SELECT number FROM numbers(1000000) FORMAT TSV";
  const auto size = [&](const std::string& target, const std::string& accepted) {
    const HttpReply reply =
        http(shared_engine().port(), "POST", target, sql, {{"Accept-Encoding", accepted}});
    EXPECT_TRUE(reply.complete);
    EXPECT_EQ(reply.header("content-encoding"), target == "/" ? "" : accepted);
    return reply.body.size();
  };
  EXPECT_EQ(size("/", "gzip"), 6'888'890U);
  EXPECT_LT(size("/?enable_http_compression=1", "gzip"), 4'000'000U);
  EXPECT_LT(size("/?enable_http_compression=1", "deflate"), 4'000'000U);
}

TEST(Streaming, ManyClientsInsertAndReadAtOnce) {
  EngineServer& engine = shared_engine();
  engine.query(
      "CREATE TABLE IF NOT EXISTS default.busy (client UInt32, n UInt32) ENGINE = MergeTree ORDER BY "
      "(client, n)");
  constexpr int kClients = 24;  // more than may run at once
  constexpr int kRounds = 10;
  std::atomic<int> failures{0};
  std::vector<std::thread> clients;
  for (int client = 0; client < kClients; ++client) {
    clients.emplace_back([&, client] {
      RawConnection connection(engine.port());
      const auto ask = [&](const std::string& target, const std::string& body) {
        const bool sent =
            connection.send("POST " + target + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " +
                            std::to_string(body.size()) + "\r\n\r\n" + body);
        const HttpReply reply = connection.reply();
        if (!sent || reply.status != 200 || !reply.complete) ++failures;
        return reply.body;
      };
      for (int round = 0; round < kRounds; ++round) {
        const std::string row = std::to_string(client) + "\t" + std::to_string(round) + "\n";
        ask("/?query=" + url_encode("INSERT INTO default.busy FORMAT TSV"), row);
        const std::string seen =
            ask("/", "SELECT count() FROM default.busy WHERE client = " + std::to_string(client));
        if (seen != std::to_string(round + 1) + "\n") ++failures;
      }
    });
  }
  for (auto& client : clients)
    client.join();
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(engine.value("SELECT uniqExact(client, n) FROM default.busy"),
            std::to_string(kClients * kRounds));
  engine.query("DROP TABLE default.busy SYNC");
}

TEST(Streaming, PipelinedRequestsAreAnsweredInOrder) {
  RawConnection connection(shared_engine().port());
  const std::string head = " HTTP/1.1\r\nHost: localhost\r\n";
  ASSERT_TRUE(connection.send(
      "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 8\r\n\r\nSELECT 1GET /?query=SELECT%202" + head +
      "\r\nGET /ping" + head + "\r\n"));
  EXPECT_EQ(connection.reply().body, "1\n");
  EXPECT_EQ(connection.reply().body, "2\n");
  EXPECT_EQ(connection.reply().body, "Ok.\n");
}

TEST(Streaming, NonsenseIsRefusedAndClosed) {
  for (const std::string nonsense :
       {"\x16\x03\x01\x02 tls hello\r\n\r\n", "GET\r\n\r\n", "POST / HTTP/9.9\r\n\r\n"}) {
    RawConnection connection(shared_engine().port());
    ASSERT_TRUE(connection.send(nonsense));
    EXPECT_EQ(connection.reply().status, 400);
    EXPECT_EQ(connection.receive(1), "");
  }
  EXPECT_EQ(http(shared_engine().port(), "GET", "/ping").status, 200);
}

}  // namespace
}  // namespace penstock::test
