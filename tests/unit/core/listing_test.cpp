#include "core/listing.hpp"

#include <gmock/gmock.h>

namespace penstock {
namespace {

TEST(FirstFew, NamesAllOfAFewAndTheFirstOfMany) {
  EXPECT_EQ(first_few({}), "");
  EXPECT_EQ(first_few({"a", "b"}), "a, b");
  EXPECT_EQ(first_few_of("tables", {"a", "b"}, "; "), "a; b");
  std::vector<std::string> many;
  for (int i = 0; i < 1000; ++i)
    many.push_back("public." + std::string(63, 'x') + std::to_string(1000 + i));
  const auto text = first_few_of("tables", many, "; ");
  EXPECT_THAT(text, testing::StartsWith("1000 tables: public.xxx"));
  EXPECT_THAT(text, testing::EndsWith("x1025; … and 974 more"));
  EXPECT_LT(text.size(), 2100u);
  EXPECT_THAT(first_few({std::string(5000, 'x'), "b"}), testing::EndsWith("x, … and 1 more"));
}

}  // namespace
}  // namespace penstock
