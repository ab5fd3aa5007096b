#include "dataplane/postgres/pgoutput.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace penstock::postgres::pgoutput {
namespace {

bool within(std::string_view part, std::string_view whole) {
  return part.empty() || (part.data() >= whole.data() && part.end() <= whole.end());
}

}  // namespace

// Whatever a message is made of lies within it, no message is made larger than its bytes, and of one that is
// refused no row is left.
PENSTOCK_FUZZ(pgoutput, bytes) {
  Parser parser;
  const auto change = parser.parse(bytes);
  if (!change) {
    FUZZ_REQUIRE(change.error().reason == "MalformedPgoutput");
    FUZZ_REQUIRE(parser.old_tuple().empty() && parser.new_tuple().empty());
    return;
  }
  FUZZ_REQUIRE(parser.old_tuple().size() + parser.new_tuple().size() < bytes.size());
  for (const auto* tuple : {&parser.old_tuple(), &parser.new_tuple()})
    for (const auto& field : *tuple)
      FUZZ_REQUIRE(within(field.bytes, bytes));
  if (const auto* relation = std::get_if<Relation>(&*change)) {
    FUZZ_REQUIRE(relation->columns.size() < bytes.size());
    for (const auto& column : relation->columns)
      FUZZ_REQUIRE(within(column.name, bytes));
  }
  if (const auto* message = std::get_if<Message>(&*change))
    FUZZ_REQUIRE(within(message->content, bytes) && within(message->prefix, bytes));
  if (const auto* truncate = std::get_if<Truncate>(&*change))
    FUZZ_REQUIRE(truncate->relations.size() * 4 < bytes.size());
}

}  // namespace penstock::postgres::pgoutput
