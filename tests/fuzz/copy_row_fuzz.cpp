#include "dataplane/postgres/copy_reader.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace penstock::postgres {

// The first byte is how many columns are expected. A row has as many fields, all within it.
PENSTOCK_FUZZ(copy_row, bytes) {
  if (bytes.empty()) return;
  const std::size_t columns = static_cast<unsigned char>(bytes.front());
  const auto tuple = bytes.substr(1);
  std::vector<FieldView> fields(3);
  if (const auto parsed = parse_copy_row(tuple, columns, fields); !parsed) {
    FUZZ_REQUIRE(parsed.error().reason == "MalformedCopy");
    return;
  }
  FUZZ_REQUIRE(fields.size() == columns);
  std::size_t size = 2;
  for (const auto& field : fields) {
    FUZZ_REQUIRE(!field.null || field.bytes.empty());
    FUZZ_REQUIRE(field.bytes.empty() ||
                 (field.bytes.data() >= tuple.data() && field.bytes.end() <= tuple.end()));
    size += 4 + field.bytes.size();
  }
  FUZZ_REQUIRE(size == tuple.size());
}

}  // namespace penstock::postgres
