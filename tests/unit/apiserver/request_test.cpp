#include "controller/apiserver/request.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/apiserver/resource_path.hpp"
#include "tests/unit/apiserver/test_api.hpp"

namespace penstock::apiserver {
namespace {

TEST(RequestOf, SplitsAndUnescapes) {
  const auto request = request_of("GET", "/api/v1//pods/a%2Fb?x=1%20+2&watch&y=&x=3").value();
  EXPECT_THAT(request.segments, testing::ElementsAre("api", "v1", "pods", "a/b"));
  EXPECT_EQ(request.param("x"), "1  2");
  EXPECT_TRUE(request.flag("watch"));
  EXPECT_EQ(request.param("none"), "");
  EXPECT_FALSE(request.flag("none"));
  EXPECT_EQ(request.path, "/api/v1//pods/a%2Fb");
}

TEST(RequestOf, RefusesBrokenEscapes) {
  for (const auto* target : {"/a%", "/a%2", "/a%zz", "/a?x=%g0"}) {
    EXPECT_EQ(request_of("GET", target).error().code, 400) << target;
  }
}

TEST(AcceptedForm, TakesTheFirstThatIsServed) {
  EXPECT_EQ(accepted_form(""), Form::Object);
  EXPECT_EQ(accepted_form("*/*"), Form::Object);
  EXPECT_EQ(accepted_form("application/vnd.kubernetes.protobuf, application/json"), Form::Object);
  EXPECT_EQ(accepted_form("application/json;as=Table;v=v1;g=meta.k8s.io,application/json"), Form::Table);
  EXPECT_EQ(accepted_form("application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json"),
            Form::Object);
  EXPECT_EQ(accepted_form("application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"),
            Form::PartialMetadata);
  EXPECT_EQ(accepted_form("application/vnd.kubernetes.protobuf").error().code, 406);
  EXPECT_EQ(accepted_form("application/json;as=Chair;v=v1;g=meta.k8s.io").error().code, 406);
}

TEST(AcceptedDiscovery, IsAggregatedOnlyWhenAsked) {
  EXPECT_EQ(accepted_discovery(
                "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"),
            "v2");
  EXPECT_EQ(accepted_discovery("application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList"),
            "v2beta1");
  EXPECT_EQ(accepted_discovery("application/json, application/json;v=v2;as=APIGroupDiscoveryList"), "");
  EXPECT_EQ(accepted_discovery("application/json;v=v9;as=APIGroupDiscoveryList,application/json"), "");
}

std::string path_text(const std::string& target) {
  auto types = core_types();
  types.push_back(widget_type());
  static const Registry kRegistry(std::move(types));
  const auto path = resource_path(kRegistry, request_of("GET", target)->segments);
  return path ? path->type->plural + "|" + path->ns + "|" + path->name + "|" + path->subresource : "none";
}

TEST(ResourcePath, NamesCollectionsObjectsAndParts) {
  EXPECT_EQ(path_text("/api/v1/namespaces"), "namespaces|||");
  EXPECT_EQ(path_text("/api/v1/namespaces/n"), "namespaces||n|");
  EXPECT_EQ(path_text("/api/v1/namespaces/n/status"), "namespaces||n|status");
  EXPECT_EQ(path_text("/api/v1/namespaces/n/secrets"), "secrets|n||");
  EXPECT_EQ(path_text("/api/v1/namespaces/n/secrets/s"), "secrets|n|s|");
  EXPECT_EQ(path_text("/api/v1/secrets"), "secrets|||");
  EXPECT_EQ(path_text("/apis/test.dev/v1/namespaces/n/widgets/w/status"), "widgets|n|w|status");
  EXPECT_EQ(path_text("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/x"),
            "customresourcedefinitions||x|");
}

TEST(ResourcePath, NamesNothingElse) {
  for (const auto* target : {"/", "/api", "/api/v1", "/api/v2/secrets", "/api/v1/nodes", "/api/v1/secrets/s",
                             "/apis/test.dev/v2/widgets", "/apis/test.dev/v1/namespaces/n/widgets/w/scale",
                             "/api/v1/namespaces/n/secrets/s/status", "/api/v1/namespaces/n/namespaces/x",
                             "/apis/test.dev/v1/namespaces/n/widgets/w/status/more", "/other/v1/x"}) {
    EXPECT_EQ(path_text(target), "none") << target;
  }
}

}  // namespace
}  // namespace penstock::apiserver
