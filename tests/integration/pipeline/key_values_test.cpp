// Keys that an UPDATE changes in their bytes alone: one row of the target, which must not be hidden by a
// tombstone for its former self.

#include "tests/integration/pipeline/streaming.hpp"

namespace penstock::pipeline {
namespace {

struct Key {
  const char* name;
  const char* type;
  const char* before;
  const char* after;
};

class KeysOfOtherBytes : public Streaming, public testing::WithParamInterface<std::tuple<Key, bool>> {
 protected:
  /// `text`: a column of the table puts the stream into text mode.
  void keep_the_row(const std::string& identity) {
    const auto& [key, text] = GetParam();
    const std::string type = key.type, before = key.before, after = key.after;
    ASSERT_NO_FATAL_FAILURE(prepare("CREATE TABLE t (id " + type + ", n int, v text, addr " +
                                        (text ? "inet" : "int") + ", PRIMARY KEY (id, n));" + identity,
                                    {"t"}));
    begin();
    exec("INSERT INTO t VALUES ('" + before + "', 1, 'a'), ('" + before + "', 2, 'moves')");
    exec("UPDATE t SET id = '" + after + "', v = 'b' WHERE n = 1; UPDATE t SET id = '" + after +
         "', n = 3 WHERE n = 2");
    exec("BEGIN; UPDATE t SET id = '" + before + "' WHERE n = 1; UPDATE t SET id = '" + after +
         "' WHERE n = 1; COMMIT");
    ASSERT_NO_FATAL_FAILURE(catch_up());
    EXPECT_EQ(target("arraySort(groupArray((n, v)))"), "[(1,'b'),(3,'moves')]");
    test::shared_engine().query("OPTIMIZE TABLE `" + database_ + "`.t FINAL");
    EXPECT_EQ(target("arraySort(groupArray((n, v)))"), "[(1,'b'),(3,'moves')]") << "after a merge";
    exec("DELETE FROM t WHERE n = 1");
    ASSERT_NO_FATAL_FAILURE(catch_up());
    EXPECT_EQ(target("groupArray((n, v))"), "[(3,'moves')]");
  }
};

TEST_P(KeysOfOtherBytes, AreTheSameRow) {
  keep_the_row("");
}

TEST_P(KeysOfOtherBytes, AreTheSameRowOfAFullIdentity) {
  keep_the_row("ALTER TABLE t REPLICA IDENTITY FULL");
}

INSTANTIATE_TEST_SUITE_P(Types, KeysOfOtherBytes,
                         testing::Combine(testing::Values(Key{"Numeric", "numeric", "1", "1.00"},
                                                          Key{"Float8", "float8", "-0", "0"},
                                                          Key{"Float4", "float4", "-0", "0"}),
                                          testing::Bool()),
                         [](const auto& one) {
                           return std::string(std::get<0>(one.param).name) +
                                  (std::get<1>(one.param) ? "InText" : "InBinary");
                         });

}  // namespace
}  // namespace penstock::pipeline
