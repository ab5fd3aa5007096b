#include "controller/kube/resource.hpp"

#include <gtest/gtest.h>

namespace penstock::kube {
namespace {

TEST(ResourceTest, BuildsThePathsOfTheApi) {
  EXPECT_EQ(path_of(pipes(), ""), "/apis/penstock.dev/v1alpha1/pipes");
  EXPECT_EQ(path_of(pipes(), "data"), "/apis/penstock.dev/v1alpha1/namespaces/data/pipes");
  EXPECT_EQ(path_of(pipes(), "data", "shop", "status"),
            "/apis/penstock.dev/v1alpha1/namespaces/data/pipes/shop/status");
  EXPECT_EQ(path_of(secrets(), "data", "pg"), "/api/v1/namespaces/data/secrets/pg");
  EXPECT_EQ(path_of(namespaces(), "ignored", "data"), "/api/v1/namespaces/data");
}

TEST(ResourceTest, EscapesWhatCouldChangeThePath) {
  EXPECT_EQ(path_of(secrets(), "a/b", "../x?y#z"), "/api/v1/namespaces/a%2Fb/secrets/..%2Fx%3Fy%23z");
}

TEST(ResourceTest, BuildsAQueryOfWhatIsSet) {
  EXPECT_EQ(query_of({}), "");
  EXPECT_EQ(query_of({{"limit", "500"}, {"continue", ""}, {"labelSelector", "a in (b,c)"}}),
            "?labelSelector=a%20in%20%28b%2Cc%29&limit=500");
}

TEST(ResourceTest, NamesItselfForMessages) {
  EXPECT_EQ(pipes().text(), "pipes.penstock.dev");
  EXPECT_EQ(secrets().text(), "secrets");
}

}  // namespace
}  // namespace penstock::kube
