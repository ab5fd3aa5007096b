// What decoding and appending costs, per row of the table that the load is measured with (performance.md):
// bigint key, int, numeric(12,2), timestamptz, text of 40, jsonb of 136, bool, uuid. The aim is 0.25 µs a row
// in binary.

#include <benchmark/benchmark.h>

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/columns/field_decoder.hpp"

namespace penstock {
namespace {

struct Source {
  std::uint32_t oid;
  std::int32_t typmod;
  std::string binary;
  std::string text;
};

std::vector<Source> row() {
  using namespace std::string_literals;
  const std::string json = "{\"note\": \"" + std::string(124, 'j') + "\"}";
  return {{20, -1, "\0\0\0\0\0\x12\xd6\x87"s, "1234567"},
          {23, -1, "\0\0\x30\x39"s, "12345"},
          {1700, ((12 << 16) | 2) + 4, "\0\3\0\1\0\0\0\2\0\x0c\x0d\x80\x1e\x78"s, "123456.78"},
          {1184, -1, "\0\2\xb5\x33\x44\x55\x66\x77"s, "2024-02-29 13:07:09.512345+00"},
          {25, -1, std::string(40, 't'), std::string(40, 't')},
          {3802, -1, "\1"s + json, json},
          {16, -1, "\1"s, "t"},
          {2950, -1, "0123456789abcdef", "30313233-3435-3637-3839-616263646566"}};
}

class Table {
 public:
  explicit Table(bool nullable) : sources_(row()), block_(fields(sources_, nullable)) {
    for (std::size_t i = 0; i < sources_.size(); ++i) {
      decoders_.emplace_back(type_of(sources_[i]), block_.column(i).type(), false);
    }
  }

  void append(WireForm form) {
    for (std::size_t i = 0; i < sources_.size(); ++i) {
      const std::string& bytes = form == WireForm::Binary ? sources_[i].binary : sources_[i].text;
      if (decoders_[i].append(block_.column(i), bytes, form) != FieldOutcome::Exact) std::abort();
    }
  }
  Block& block() { return block_; }

 private:
  static PgType type_of(const Source& source) {
    PgType type;
    type.oid = source.oid;
    type.typmod = source.typmod;
    return type;
  }
  static std::vector<Block::Field> fields(const std::vector<Source>& sources, bool nullable) {
    std::vector<Block::Field> fields;
    fields.reserve(sources.size());
    for (const Source& source : sources) {
      fields.push_back({"c", ColumnType::parse(default_column_type(type_of(source), nullable, {}))});
    }
    return fields;
  }

  std::vector<Source> sources_;
  Block block_;
  std::vector<FieldDecoder> decoders_;
};

constexpr std::size_t kBatch = 100'000;

void append_rows(benchmark::State& state, WireForm form, bool nullable) {
  Table table(nullable);
  std::size_t rows = 0;
  for (auto _ : state) {
    table.append(form);
    if (++rows == kBatch) {
      table.block().clear();
      rows = 0;
    }
  }
  state.SetItemsProcessed(state.iterations());
}

void native_pieces(benchmark::State& state) {
  Table table(true);
  for (std::size_t i = 0; i < kBatch; ++i)
    table.append(WireForm::Binary);
  for (auto _ : state) {
    std::vector<std::string> scratch;
    std::vector<std::string_view> pieces;
    table.block().native_pieces(scratch, pieces);
    benchmark::DoNotOptimize(pieces.data());
  }
}

BENCHMARK_CAPTURE(append_rows, binary, WireForm::Binary, false);
BENCHMARK_CAPTURE(append_rows, binary_nullable, WireForm::Binary, true);
BENCHMARK_CAPTURE(append_rows, text, WireForm::Text, false);
BENCHMARK_CAPTURE(append_rows, text_nullable, WireForm::Text, true);
BENCHMARK(native_pieces);

}  // namespace
}  // namespace penstock

BENCHMARK_MAIN();
