#include "core/table_name.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace penstock {

// Two names of any bytes but NUL survive being written, in both ways of writing, and what can be read can be
// written.
PENSTOCK_FUZZ(table_name, bytes) {
  if (const auto name = TableName::parse(bytes)) {
    FUZZ_REQUIRE(!name->schema.empty() && !name->name.empty());
    FUZZ_REQUIRE(TableName::parse(name->text()) == *name);
    FUZZ_REQUIRE(TableName::parse(name->quoted()) == *name);
  }
  const auto parts = fuzz::sections(bytes, 2);
  const TableName name{std::string(parts[0]), std::string(parts[1])};
  if (name.schema.empty() || name.name.empty() || bytes.find('\0') != std::string_view::npos) return;
  FUZZ_REQUIRE(TableName::parse(name.text()) == name);
  FUZZ_REQUIRE(TableName::parse(name.quoted()) == name);
}

}  // namespace penstock
