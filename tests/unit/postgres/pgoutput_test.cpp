#include "dataplane/postgres/pgoutput.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace penstock::postgres::pgoutput {
namespace {

using testing::ElementsAre;

/// Bytes as pgoutput writes them.
struct Bytes {
  std::string text;

  template <typename T>
  Bytes& number(T value) {
    for (int shift = static_cast<int>(sizeof(T)) * 8 - 8; shift >= 0; shift -= 8)
      text += static_cast<char>(static_cast<std::uint64_t>(value) >> shift & 0xff);
    return *this;
  }
  Bytes& letter(char c) { return number(static_cast<std::uint8_t>(c)); }
  Bytes& name(const std::string& value) {
    text += value + '\0';
    return *this;
  }
  Bytes& field(char kind, const std::string& value) {
    letter(kind).number(static_cast<std::int32_t>(value.size()));
    text += value;
    return *this;
  }
};

Bytes begin() {
  return Bytes{}
      .letter('B')
      .number(0x0102030405060708ULL)
      .number(std::int64_t{-5})
      .number(std::uint32_t{4000000000});
}

Bytes commit() {
  return Bytes{}
      .letter('C')
      .letter('\0')
      .number(std::uint64_t{10})
      .number(std::uint64_t{20})
      .number(std::int64_t{30});
}

Bytes relation() {
  Bytes out;
  out.letter('R')
      .number(std::uint32_t{16384})
      .name("public")
      .name("orders")
      .letter('f')
      .number(std::int16_t{2});
  out.number(std::uint8_t{1}).name("id").number(std::uint32_t{20}).number(std::int32_t{-1});
  out.number(std::uint8_t{0}).name("amount").number(std::uint32_t{1700}).number(std::int32_t{786438});
  return out;
}

Bytes insert() {
  Bytes out;
  out.letter('I').number(std::uint32_t{16384}).letter('N').number(std::int16_t{4});
  out.field('t', "7").letter('n').letter('u').field('b', std::string("\0\xff", 2));
  return out;
}

Bytes update(char old) {
  Bytes out;
  out.letter('U').number(std::uint32_t{16384});
  if (old != '\0') out.letter(old).number(std::int16_t{1}).field('t', "1");
  out.letter('N').number(std::int16_t{2}).field('t', "2").letter('n');
  return out;
}

Bytes deletion() {
  return Bytes{}.letter('D').number(std::uint32_t{16384}).letter('K').number(std::int16_t{1}).field('t', "3");
}

Bytes truncate() {
  return Bytes{}
      .letter('T')
      .number(std::int32_t{2})
      .number(std::uint8_t{3})
      .number(std::uint32_t{1})
      .number(std::uint32_t{2});
}

Bytes message() {
  Bytes out;
  out.letter('M').number(std::uint8_t{1}).number(std::uint64_t{99}).name("penstock").number(std::int32_t{5});
  out.text += "hello";
  return out;
}

Bytes origin() {
  return Bytes{}.letter('O').number(std::uint64_t{9}).name("elsewhere");
}

Bytes type() {
  return Bytes{}.letter('Y').number(std::uint32_t{16400}).name("public").name("mood");
}

const std::vector<Bytes>& samples() {
  static const std::vector<Bytes> kAll{begin(),      commit(),    relation(),  insert(),
                                       update('\0'), update('K'), update('O'), deletion(),
                                       truncate(),   message(),   origin(),    type()};
  return kAll;
}

TEST(Pgoutput, ReadsBeginAndCommit) {
  Parser parser;
  const auto first = std::get<Begin>(*parser.parse(begin().text));
  EXPECT_EQ(first.final_lsn, Lsn{0x0102030405060708ULL});
  EXPECT_EQ(first.commit_time, -5);
  EXPECT_EQ(first.xid, 4000000000U);
  const auto last = std::get<Commit>(*parser.parse(commit().text));
  EXPECT_EQ(last.commit_lsn, Lsn{10});
  EXPECT_EQ(last.end_lsn, Lsn{20});
  EXPECT_EQ(last.commit_time, 30);
}

TEST(Pgoutput, ReadsARelationWithItsKeyColumns) {
  Parser parser;
  const auto bytes = relation().text;
  const auto out = std::get<Relation>(*parser.parse(bytes));
  EXPECT_EQ(out.id, 16384U);
  EXPECT_EQ(out.schema, "public");
  EXPECT_EQ(out.name, "orders");
  EXPECT_EQ(out.replica_identity, 'f');
  ASSERT_EQ(out.columns.size(), 2U);
  EXPECT_TRUE(out.columns[0].key);
  EXPECT_EQ(out.columns[0].name, "id");
  EXPECT_FALSE(out.columns[1].key);
  EXPECT_EQ(out.columns[1].type, 1700U);
  EXPECT_EQ(out.columns[1].typmod, 786438);
}

TEST(Pgoutput, AnEmptySchemaIsPgCatalog) {
  Parser parser;
  const auto bytes = Bytes{}
                         .letter('R')
                         .number(std::uint32_t{1})
                         .name("")
                         .name("t")
                         .letter('d')
                         .number(std::int16_t{0})
                         .text;
  EXPECT_EQ(std::get<Relation>(*parser.parse(bytes)).schema, "pg_catalog");
}

TEST(Pgoutput, ReadsEveryKindOfField) {
  Parser parser;
  const auto bytes = insert().text;
  EXPECT_EQ(std::get<Insert>(*parser.parse(bytes)).relation, 16384U);
  const auto& tuple = parser.new_tuple();
  ASSERT_EQ(tuple.size(), 4U);
  EXPECT_EQ(tuple[0].kind, Field::Kind::Text);
  EXPECT_EQ(tuple[0].bytes, "7");
  EXPECT_EQ(tuple[1].kind, Field::Kind::Null);
  EXPECT_EQ(tuple[2].kind, Field::Kind::Unchanged);
  EXPECT_EQ(tuple[3].kind, Field::Kind::Binary);
  EXPECT_EQ(tuple[3].bytes, std::string_view("\0\xff", 2));
}

TEST(Pgoutput, AnUpdateTellsWhichOldTupleItHas) {
  Parser parser;
  for (const char old : {'\0', 'K', 'O'}) {
    const auto bytes = update(old).text;
    EXPECT_EQ(std::get<Update>(*parser.parse(bytes)).old, static_cast<OldTuple>(old));
    EXPECT_EQ(parser.old_tuple().size(), old == '\0' ? 0U : 1U);
    EXPECT_EQ(parser.new_tuple().at(0).bytes, "2");
  }
}

TEST(Pgoutput, ATupleDoesNotOutliveItsMessage) {
  Parser parser;
  const auto first = update('K').text;
  ASSERT_TRUE(parser.parse(first));
  const auto second = deletion().text;
  EXPECT_EQ(std::get<Delete>(*parser.parse(second)).old, OldTuple::Key);
  EXPECT_TRUE(parser.new_tuple().empty());
  EXPECT_EQ(parser.old_tuple().at(0).bytes, "3");
}

TEST(Pgoutput, ReadsTruncateMessageOriginAndType) {
  Parser parser;
  const auto cut = std::get<Truncate>(*parser.parse(truncate().text));
  EXPECT_TRUE(cut.cascade);
  EXPECT_TRUE(cut.restart_identity);
  EXPECT_THAT(cut.relations, ElementsAre(1U, 2U));
  const auto bytes = message().text;
  const auto said = std::get<Message>(*parser.parse(bytes));
  EXPECT_TRUE(said.transactional);
  EXPECT_EQ(said.prefix, "penstock");
  EXPECT_EQ(said.content, "hello");
  const auto from = origin().text;
  EXPECT_EQ(std::get<Origin>(*parser.parse(from)).name, "elsewhere");
  const auto mood = type().text;
  EXPECT_EQ(std::get<TypeName>(*parser.parse(mood)).name, "mood");
}

TEST(Pgoutput, EveryCutMessageIsRefused) {
  Parser parser;
  for (const auto& sample : samples()) {
    for (std::size_t size = 0; size < sample.text.size(); ++size) {
      // On the heap and exactly as long: a byte read beyond the end is seen by the sanitizer.
      const std::vector<char> cut(sample.text.begin(),
                                  sample.text.begin() + static_cast<std::ptrdiff_t>(size));
      const auto change = parser.parse(std::string_view(cut.data(), cut.size()));
      ASSERT_FALSE(change) << sample.text[0] << " cut to " << size;
      EXPECT_EQ(change.error().reason, "MalformedPgoutput");
    }
    EXPECT_FALSE(parser.parse(sample.text + 'x')) << sample.text[0] << " with a byte too many";
  }
}

TEST(Pgoutput, CountsAndLengthsThatLieAreRefused) {
  Parser parser;
  const auto insert_of = [](auto count, const std::string& rest) {
    auto out = Bytes{}.letter('I').number(std::uint32_t{1}).letter('N').number(count);
    return out.text + rest;
  };
  EXPECT_FALSE(parser.parse(insert_of(std::int16_t{-1}, "")));
  EXPECT_FALSE(parser.parse(insert_of(std::int16_t{32767}, "n")));
  EXPECT_FALSE(parser.parse(insert_of(std::int16_t{1}, "x")));
  EXPECT_FALSE(parser.parse(insert_of(std::int16_t{1}, Bytes{}.letter('t').number(std::int32_t{-1}).text)));
  EXPECT_FALSE(
      parser.parse(insert_of(std::int16_t{1}, Bytes{}.letter('t').number(std::int32_t{2147483647}).text)));
  EXPECT_FALSE(parser.parse(Bytes{}.letter('T').number(std::int32_t{-2}).letter('\0').text));
  EXPECT_FALSE(parser.parse(Bytes{}.letter('T').number(std::int32_t{2147483647}).letter('\0').text));
  EXPECT_FALSE(parser.parse(std::string_view("S\0", 2)));  // a message of another protocol version
}

TEST(Pgoutput, SurvivesAnyBytes) {
  std::mt19937 random(20240917);
  Parser parser;
  std::size_t views = 0;
  for (int round = 0; round < 60'000; ++round) {
    auto bytes = samples()[random() % samples().size()].text;
    for (auto hits = random() % 4 + 1; hits > 0; --hits)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    if (random() % 3 == 0) bytes.resize(random() % (bytes.size() + 1));
    const std::vector<char> exact(bytes.begin(), bytes.end());
    if (!parser.parse(std::string_view(exact.data(), exact.size()))) continue;
    for (const auto* tuple : {&parser.old_tuple(), &parser.new_tuple()}) {
      for (const auto& field : *tuple)
        views += std::string(field.bytes).size();
    }
  }
  EXPECT_GT(views, 0U);
}

}  // namespace
}  // namespace penstock::postgres::pgoutput
