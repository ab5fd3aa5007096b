#include <gmock/gmock.h>

#include <filesystem>
#include <set>

#include "crds/crd.hpp"
#include "crds/pipe.hpp"
#include "tests/unit/crds/schema.hpp"

namespace penstock::test {
namespace {

std::vector<std::string> examples() {
  std::vector<std::string> out;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::string(PENSTOCK_SOURCE_DIR) + "/examples"))
    if (entry.path().extension() == ".yaml") out.push_back("examples/" + entry.path().filename().string());
  return out;
}

TEST(Examples, AreAcceptedAsTheyAre) {
  EXPECT_GE(examples().size(), 5u);
  for (const std::string& path : examples()) {
    Json pipe = read_yaml_file(path);
    EXPECT_EQ(pipe["apiVersion"], std::string(kApiGroup) + "/" + kApiVersion) << path;
    EXPECT_THAT(refusals(schema_of(""), pipe, path), testing::IsEmpty());
    pipe["spec"] = with_defaults(schema_of("spec"), pipe["spec"]);
    EXPECT_THAT(validate_pipe(pipe, nullptr), testing::IsEmpty()) << path;
    EXPECT_TRUE(read_pipe(pipe)) << path;
  }
}

TEST(Examples, TheDemosPipeLoadsTheShop) {
  const auto pipe = read_pipe(read_yaml_file("examples/pipe.yaml"));
  ASSERT_TRUE(pipe) << pipe.error().text();
  EXPECT_EQ(pipe->name, "shop");
  EXPECT_EQ(pipe->ns, "default");
  EXPECT_EQ(pipe->spec.mode, Mode::Cdc);
  EXPECT_EQ(pipe->spec.source.password, (SecretKeyRef{"shop-postgres", "password"}));
  EXPECT_EQ(pipe->spec.tables.size(), 3u);
}

void collect_paths(const Json& value, const std::string& path, std::set<std::string>& out) {
  if (value.is_object()) {
    for (const auto& [name, field] : value.items())
      collect_paths(field, path.empty() ? name : path + "." + name, out);
  } else if (value.is_array()) {
    for (const Json& item : value)
      collect_paths(item, path + "[]", out);
  } else {
    out.insert(path);
  }
}

TEST(Examples, AllFieldsHasAllFields) {
  std::set<std::string> wanted;
  each_leaf(schema_of("spec"), "", [&](const std::string& path, const Json&) { wanted.insert(path); });
  std::set<std::string> found;
  collect_paths(read_yaml_file("examples/all-fields.yaml")["spec"], "", found);
  EXPECT_EQ(found, wanted);
}

}  // namespace
}  // namespace penstock::test
